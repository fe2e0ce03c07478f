internal import Files
internal import Glibc
internal import Text

/// The names in a folder, compared byte by byte.
package struct FileNames: Sendable {
    /// The names that are valid UTF-8, sorted.
    package let sorted: [String]
    /// The other names, with `\xE9` for each byte that is not ASCII. Their files cannot be opened by name.
    package let unreadable: [String]
    private let set: Set<ExactText>

    /// Reads a folder.
    ///
    /// - Throws: ``CheckpointError``: of kind `notFound` if there is no folder, of kind `io` if it cannot be read.
    package init(folder: String) throws(CheckpointError) {
        guard let directory = opendir(folder) else {
            let code = errno
            throw CheckpointError(
                code == ENOENT || code == ENOTDIR ? .notFound : .io, file: folder,
                code == ENOENT ? "no such folder" : String(cString: strerror(code)))
        }
        defer { closedir(directory) }
        var names: [String] = []
        var unreadable: [String] = []
        while let entry = readdir(directory) {
            withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let name = bytes.prefix { $0 != 0 }
                if let text = String(validating: name, as: UTF8.self) {
                    if text != "." && text != ".." { names.append(text) }
                } else {
                    unreadable.append(Self.escaped(name))
                }
            }
        }
        self.init(names, unreadable: unreadable.sorted())
    }

    /// Makes a listing of known names.
    init(_ names: [String], unreadable: [String] = []) {
        set = Set(names.map { ExactText($0) })
        sorted = set.sorted().map(\.string)
        self.unreadable = unreadable
    }

    /// Whether a name exists.
    package func contains(_ name: String) -> Bool { set.contains(ExactText(name)) }

    private static func escaped(_ name: Slice<UnsafeRawBufferPointer>) -> String {
        name.map { byte in
            (0x20...0x7e).contains(byte)
                ? String(UnicodeScalar(byte))
                : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
