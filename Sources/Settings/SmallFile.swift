internal import Glibc

/// Files that are read as a whole: settings, tokens, feeds of the command line.
package enum SmallFile {
    /// Whether anything exists at the path.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether there is a regular file at the path.
    package static func isRegular(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// A file's bytes.
    ///
    /// - Parameters:
    ///   - path: The file's path.
    ///   - maxBytes: A longer file is an error.
    ///   - waits: Whether to wait for the writer of a pipe.
    /// - Returns: The bytes.
    /// - Throws: ``SettingsProblem`` if it cannot be read, is not a file, or has more than `maxBytes`.
    package static func read(
        _ path: String, maxBytes: Int, waits: Bool = false
    ) throws(SettingsProblem) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | (waits ? 0 : O_NONBLOCK))
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(path) }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= maxBytes else {
                throw SettingsProblem(path, "is longer than \(maxBytes) bytes")
            }
        }
    }

    private static func failure(_ path: String) -> SettingsProblem {
        let code = errno
        return SettingsProblem(path, code == ENOENT ? "no such file" : String(cString: strerror(code)))
    }
}
