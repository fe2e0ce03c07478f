internal import Files
internal import Glibc

/// A regular file that is open for reading. If it is deleted or replaced meanwhile, the opened file is still read.
// Safety: nothing changes after it is made; `pread` has no position that threads could share.
final class OpenFile: @unchecked Sendable {
    /// The state of the file when it was opened.
    let identity: FileIdentity
    private let descriptor: Int32

    /// The number of bytes read at a time. They stay in the cache until they are checksummed, and a thread of low priority yields in between.
    static let chunkBytes = 256 << 10

    var path: String { identity.path }
    var byteCount: Int { identity.size }

    /// Opens a file.
    ///
    /// - Throws: ``CheckpointError`` if it does not exist, is not a regular file, or may not be read.
    init(path: String) throws(CheckpointError) {
        // O_NONBLOCK: opening a FIFO must not wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            throw CheckpointError(code == ENOENT ? .notFound : .io, file: path, Self.message(code))
        }
        var status = stat()
        let code = fstat(descriptor, &status) == 0 ? 0 : errno
        guard code == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            guard code == 0 else { throw CheckpointError(.io, file: path, Self.message(code)) }
            throw CheckpointError(.unsupported, file: path, "is not a regular file")
        }
        identity = FileIdentity(path: path, status)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Tells the system that the whole file will be read sequentially.
    func expectReading() { posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL) }

    /// Fills memory with the bytes from an offset on.
    ///
    /// - Parameters:
    ///   - memory: The memory to fill.
    ///   - offset: The offset in the file.
    ///   - take: Gets each piece after it has been read.
    /// - Throws: ``CheckpointError`` of kind `changed` if the file has become shorter, of kind `io` if the system cannot read it.
    func read(
        into memory: UnsafeMutableRawBufferPointer, at offset: Int, _ take: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(CheckpointError) {
        guard let base = memory.baseAddress else { return }
        var done = 0
        while done < memory.count {
            // Safety: at most what is left of the memory is written.
            let count = pread(descriptor, base + done, min(memory.count - done, Self.chunkBytes), off_t(offset + done))
            guard count >= 0 else {
                let code = errno
                if code == EINTR || code == EAGAIN { continue }
                throw CheckpointError(.io, file: path, "cannot be read at \(offset + done): \(Self.message(code))")
            }
            guard count > 0 else {
                throw CheckpointError(
                    .changed, file: path,
                    "ended at \(offset + done) of \(byteCount) bytes: it was cut off while it was read")
            }
            take(UnsafeRawBufferPointer(start: base + done, count: count))
            done += count
        }
    }

    /// Checks that the file has not changed since it was opened.
    ///
    /// - Throws: ``CheckpointError`` of kind `changed`.
    func requireUnchanged() throws(CheckpointError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw CheckpointError(.io, file: path, Self.message(errno)) }
        guard FileIdentity(path: path, status) == identity else {
            throw CheckpointError(.changed, file: path, "changed while it was read")
        }
    }

    private static func message(_ code: Int32) -> String {
        code == ENOENT ? "no such file" : String(cString: strerror(code))
    }
}
