internal import Checkpoints
internal import Files

/// The names of the classes of an output with scores. Each line of a file names the class at the same index of the output's last
/// dimension.
package struct ClassNames: Sendable {
    /// The names by index.
    package let names: [String]
    /// The file's path.
    package let path: String
    /// Whether the settings name the file for one output. All values of that output's last dimension must then have names.
    package let isExplicit: Bool

    private static let maxBytes = 4 << 20

    /// Reads a file.
    ///
    /// - Returns: The names, and the state of the file.
    /// - Throws: ``ModelError`` of kind `load` for a file that cannot be read, is longer than 4 MiB, is not UTF-8, or has no names.
    static func read(_ path: String, isExplicit: Bool) throws(ModelError) -> (names: ClassNames, file: FileIdentity) {
        if let file = FileIdentity(path: path), file.size > maxBytes {
            throw ModelError(.load, "\(path): a file of class names has at most \(maxBytes) bytes, found \(file.size)")
        }
        let contents = try ModelError.loading { () throws(CheckpointError) in try FileContents(path: path) }
        guard let text = String(validating: contents.bytes, as: UTF8.self) else {
            throw ModelError(.load, "\(path): a file of class names must be UTF-8")
        }
        let names = lines(of: text)
        guard !names.isEmpty else {
            throw ModelError(.load, "\(path): contains no class names; expected one per line")
        }
        return (ClassNames(names: names, path: path, isExplicit: isExplicit), contents.identity)
    }

    /// The lines of a text, without empty lines at the end. Other empty lines count, so that indices stay right.
    private static func lines(of text: String) -> [String] {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        let bytes = text.utf8.starts(with: mark) ? text.utf8.dropFirst(mark.count) : text.utf8[...]
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }
}
