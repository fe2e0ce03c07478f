package import Files

/// A file's bytes, read into memory of their own.
package final class FileContents: Sendable {
    /// The file as it was before and after it was read.
    package let identity: FileIdentity
    private let memory: PrivateMemory

    /// Where the file was found.
    package var path: String { identity.path }

    /// The whole file; valid as long as this object.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory.bytes) }

    /// The most bytes that a file may have, and why.
    struct Limit {
        let byteCount: Int
        let reason: String
    }

    /// Reads a regular file.
    ///
    /// - Throws: ``CheckpointError`` if it does not exist, is not a regular file, or cannot be read; of kind `changed` if it was
    ///   written meanwhile.
    package convenience init(path: String) throws(CheckpointError) { try self.init(path: path, limit: nil) }

    /// The same for a file that may have so many bytes only: one of more is not read at all.
    ///
    /// - Throws: ``CheckpointError``, also of kind `unsupported` for a file of more bytes.
    init(path: String, limit: Limit?) throws(CheckpointError) {
        let file = try OpenFile(path: path)
        if let limit, file.byteCount > limit.byteCount {
            throw CheckpointError(
                .unsupported, file: path,
                "has \(file.byteCount) bytes, more than the limit of \(limit.byteCount): \(limit.reason)")
        }
        guard let memory = PrivateMemory(byteCount: file.byteCount) else {
            throw CheckpointError(.io, file: path, "not enough memory for its \(file.byteCount) bytes")
        }
        file.expectReading()
        try file.read(into: memory.bytes, at: 0)
        try file.requireUnchanged()
        memory.seal()
        self.memory = memory
        identity = file.identity
    }

    /// A part of the file.
    ///
    /// - Returns: nil if it is not all inside of the file.
    func range(offset: Int, count: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }
}
