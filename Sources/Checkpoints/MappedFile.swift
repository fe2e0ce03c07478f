internal import Glibc

/// A file mapped into memory, read only.
///
/// The mapping outlives a deletion or replacement of the file. A file that is *truncated* while it is mapped makes the
/// process receive SIGBUS; TensorFlow never does that (it renames complete files into place).
// Safety: the mapping is private, read only and never changes; it is unmapped by the last owner.
package final class MappedFile: @unchecked Sendable {
    /// Where the file was found.
    package let path: String
    /// The whole file.
    package let bytes: UnsafeRawBufferPointer

    /// Maps a regular file.
    ///
    /// - Throws: ``CheckpointError`` if it does not exist, is not a regular file, or may not be read.
    package init(path: String) throws(CheckpointError) {
        // O_NONBLOCK: opening a FIFO must not wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            throw CheckpointError(code == ENOENT ? .notFound : .io, file: path, Self.message(code))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw CheckpointError(.io, file: path, Self.message(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CheckpointError(.unsupported, file: path, "is not a regular file")
        }
        guard status.st_size > 0 else {
            self.path = path
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let memory = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED
        else { throw CheckpointError(.io, file: path, Self.message(errno)) }
        self.path = path
        bytes = UnsafeRawBufferPointer(start: memory, count: Int(status.st_size))
    }

    deinit {
        // Safety: the address and size are those of the mapping; nobody holds the bytes without holding the file.
        if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
    }

    private static func message(_ code: Int32) -> String {
        code == ENOENT ? "no such file" : String(cString: strerror(code))
    }

    /// A part of the file.
    ///
    /// - Returns: nil if it is not all inside of the file.
    func range(offset: Int, count: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// Whether there is a regular file of that path.
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
