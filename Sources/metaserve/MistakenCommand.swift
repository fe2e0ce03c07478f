import ArgumentParser
import Settings
import Text

/// A first word of the command line that is not a command, and the command that was probably meant.
struct MistakenCommand {
    private let words: [String]
    private let commands: [String]

    /// Returns nil if the first word is a command or an option, or if there is none.
    ///
    /// - Parameters:
    ///   - words: The words after the program's name.
    ///   - commands: The names of the commands.
    init?(_ words: [String], commands: [String]) {
        guard let first = words.first, !first.isEmpty, !first.hasPrefix("-"), !commands.contains(first),
            first != "help"
        else { return nil }
        self.words = words
        self.commands = commands
    }

    /// The message with the correct command.
    var message: String {
        let word = words.first ?? ""
        let nearest = NearestNames.of(word, among: commands)
        if word.contains("/") || nearest.isEmpty && SmallFile.exists(word) {
            let line = words.map(Self.shellWord).joined(separator: " ")
            return "\"\(word)\" is a path, not a command. To serve it, run: metaserve serve \(line)"
        }
        let all = commands.joined(separator: ", ")
        guard let best = nearest.first else {
            return "\"\(word)\" is not a command; expected one of \(all)"
        }
        let line = ([best] + words.dropFirst()).map(Self.shellWord).joined(separator: " ")
        return "\"\(word)\" is not a command; expected one of \(all). Did you mean: metaserve \(line)"
    }

    /// A word quoted for the shell.
    private static func shellWord(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:=,@%+".utf8.contains(byte)
            }
        }
        return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
