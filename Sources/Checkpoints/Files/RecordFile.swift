internal import Files

/// A TFRecord file (tensorflow/core/lib/io/record_writer.h). A record's length precedes it, and both have a checksum.
package struct RecordFile {
    private let contents: FileContents
    private var offset = 0

    private static let lengthBytes = 8
    private static let checksumBytes = 4

    /// - Parameters:
    ///   - path: The file.
    ///   - maxBytes: A larger file is not read.
    /// - Throws: ``CheckpointError`` if the file cannot be read, or is too large.
    package init(path: String, maxBytes: Int) throws(CheckpointError) {
        if let identity = FileIdentity(path: path), identity.size > maxBytes {
            throw CheckpointError(.unsupported, file: path, "has \(identity.size) bytes; at most \(maxBytes) are read")
        }
        contents = try FileContents(path: path)
    }

    /// The next record; nil at the end.
    ///
    /// - Throws: ``CheckpointError`` if a checksum does not match, or the file ends within a record.
    package mutating func next() throws(CheckpointError) -> [UInt8]? {
        guard offset < contents.bytes.count else { return nil }
        let length = try checked(Self.lengthBytes, at: offset, "length")
            .loadUnaligned(fromByteOffset: 0, as: UInt64.self).littleEndian
        guard let count = Int(exactly: length) else { throw cutOff }
        let data = Array(try checked(count, at: offset + Self.lengthBytes + Self.checksumBytes, "content"))
        offset += Self.lengthBytes + count + 2 * Self.checksumBytes
        return data
    }

    /// Bytes that are followed by their checksum.
    private func checked(_ count: Int, at place: Int, _ what: String) throws(CheckpointError) -> UnsafeRawBufferPointer
    {
        guard let bytes = contents.range(offset: place, count: count),
            let stored = contents.range(offset: place + count, count: Self.checksumBytes)
        else { throw cutOff }
        let expected = stored.loadUnaligned(fromByteOffset: 0, as: UInt32.self).littleEndian
        let found = Checksum.masked(of: bytes)
        guard found == expected else {
            throw CheckpointError(
                .corrupt, file: contents.path,
                "the \(what) of the record at byte \(offset) has the checksum \(found.hexadecimal), expected "
                    + expected.hexadecimal)
        }
        return bytes
    }

    private var cutOff: CheckpointError {
        CheckpointError(.malformed, file: contents.path, "ends within the record at byte \(offset)")
    }
}
