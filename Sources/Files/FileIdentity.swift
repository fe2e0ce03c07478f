package import Glibc

/// The identity of the file at a path, and its state. Another identity means other contents.
package struct FileIdentity: Hashable, Sendable {
    package let path: String
    package let device: UInt64
    package let inode: UInt64
    package let size: Int
    /// The time of the last write, in nanoseconds since 1970. It may decrease, because clocks jump.
    package let modified: Int64

    /// - Parameters:
    ///   - path: The file's path.
    ///   - status: The file's status from the operating system.
    package init(path: String, _ status: stat) {
        self.path = path
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
    }

    /// The identity of the file at a path now; nil if there is no regular file.
    package init?(path: String) {
        guard let status = Self.status(of: path), status.st_mode & S_IFMT == S_IFREG else { return nil }
        self.init(path: path, status)
    }

    /// The identity of the file, folder or other entry at a path now; nil if there is none.
    package init?(anythingAt path: String) {
        guard let status = Self.status(of: path) else { return nil }
        self.init(path: path, status)
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    /// Whether there is a regular file at the path.
    package static func exists(_ path: String) -> Bool { FileIdentity(path: path) != nil }
}
