package import Files

/// The bytes of a file in private memory.
package final class FileContents: Sendable {
    /// The state of the file before and after it was read.
    package let identity: FileIdentity
    private let memory: PrivateMemory

    /// The file's path.
    package var path: String { identity.path }

    /// The whole file; valid as long as this object.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory.bytes) }

    /// The maximum size of a file, and the reason for it.
    struct Limit {
        let byteCount: Int
        let reason: String
    }

    /// Reads a regular file.
    ///
    /// - Throws: ``CheckpointError`` if the file does not exist, is not a regular file, or cannot be read; of kind `changed` if it was
    ///   written meanwhile.
    package convenience init(path: String) throws(CheckpointError) { try self.init(path: path, limit: nil) }

    /// Reads a regular file, unless it exceeds a limit.
    ///
    /// - Throws: ``CheckpointError``, also of kind `unsupported` for a file that exceeds the limit.
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
    /// - Returns: nil if it is not entirely within the file.
    func range(offset: Int, count: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }
}
