internal import CZlib

/// Decompresses what zlib and gzip write.
package enum Inflation {
    /// Which of the two it is.
    package enum Format: Hashable, Sendable {
        case zlib, gzip
    }

    /// Why bytes could not be decompressed.
    package enum Failure: Error {
        /// They are not of the format, or damaged.
        case damaged
        /// The input is larger than zlib can take, or there is no memory for its state.
        case tooLarge
    }

    private static let chunkBytes = 16 << 10

    /// What decompressing takes besides the result: zlib's state with its window, and a chunk.
    package static let workBytes = chunkBytes + (64 << 10)

    /// Decompresses bytes, and hands on what they become, piece by piece.
    ///
    /// - Parameters:
    ///   - input: What zlib or gzip wrote.
    ///   - format: Which of the two it was.
    ///   - append: Takes a piece; what it throws ends the work.
    /// - Throws: What `append` throws.
    /// - Returns: Why the bytes could not be decompressed; nil if they could.
    package static func inflate<Stop: Error>(
        _ input: UnsafeBufferPointer<UInt8>, _ format: Format,
        _ append: (UnsafeBufferPointer<UInt8>) throws(Stop) -> Void
    ) throws(Stop) -> Failure? {
        var stream = z_stream()
        // 15 is the largest window; 16 more asks for gzip's header.
        guard input.count <= Int(UInt32.max), czlib_inflate_init(&stream, format == .gzip ? 31 : 15) == Z_OK else {
            return .tooLarge
        }
        defer { inflateEnd(&stream) }
        let chunk = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: chunkBytes)
        defer { chunk.deallocate() }
        // Safety: zlib reads the input only, and the stream is not used after the call.
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(input.count)
        while true {
            stream.next_out = chunk.baseAddress
            stream.avail_out = UInt32(chunk.count)
            let status = CZlib.inflate(&stream, Z_NO_FLUSH)
            try append(UnsafeBufferPointer(rebasing: chunk[..<(chunk.count - Int(stream.avail_out))]))
            if status == Z_STREAM_END { return nil }
            // What ends early gives what there is, as in TensorFlow.
            if status == Z_BUF_ERROR, stream.avail_in == 0 { return nil }
            if status != Z_OK { return .damaged }
        }
    }
}
