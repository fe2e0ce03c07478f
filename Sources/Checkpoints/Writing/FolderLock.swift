internal import Glibc

/// The right to save checkpoints in a folder: a lock on a file beside `checkpoint`. The system gives it back when the process ends.
package final class FolderLock: Sendable {
    private let descriptor: Int32

    /// The name of the file. It stays in the folder.
    package static let name = ".metaserve.lock"

    /// Takes the lock.
    ///
    /// - Parameter folder: The folder.
    /// - Throws: ``CheckpointError`` of kind `io` where another one has the lock, or the folder cannot be written.
    package init(folder: String) throws(CheckpointError) {
        let path = "\(folder)/\(Self.name)"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else {
            throw CheckpointError(.io, file: path, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw CheckpointError(
                .io, file: folder,
                code == EWOULDBLOCK
                    ? "another process saves checkpoints in this folder: wait until it ends, or save elsewhere"
                    : "cannot be locked: \(String(cString: strerror(code)))")
        }
    }

    deinit { close(descriptor) }
}
