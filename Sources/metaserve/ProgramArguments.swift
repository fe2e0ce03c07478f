import CArguments

/// The arguments of the program.
///
/// Swift's `CommandLine` reads them from /proc, which is not mounted everywhere.
enum ProgramArguments {
    /// All words after the program's name.
    static var words: [String] {
        let count = carguments_count()
        guard count > 0 else { return Array(CommandLine.arguments.dropFirst()) }
        return (0..<count).dropFirst().compactMap { index in carguments_word(index).map { String(cString: $0) } }
    }
}
