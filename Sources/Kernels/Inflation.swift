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
        /// The result would be larger than is allowed.
        case tooLarge
    }

    /// The decompressed bytes.
    ///
    /// - `limitBytes`: The most that there may be.
    package static func inflate(_ input: [UInt8], _ format: Format, limitBytes: Int) throws(Failure) -> [UInt8] {
        var stream = z_stream()
        // 15 is the largest window; 16 more asks for gzip's header.
        guard input.count <= Int(UInt32.max), czlib_inflate_init(&stream, format == .gzip ? 31 : 15) == Z_OK else {
            throw .tooLarge
        }
        defer { inflateEnd(&stream) }
        var output: [UInt8] = []
        var source = input
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        // Safety: the stream points into the two arrays during the closures only; it is not used outside of them.
        let ending: Result<Void, Failure> = source.withUnsafeMutableBufferPointer { source in
            chunk.withUnsafeMutableBufferPointer { chunk in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                while true {
                    stream.next_out = chunk.baseAddress
                    stream.avail_out = UInt32(chunk.count)
                    let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                    output += chunk.prefix(chunk.count - Int(stream.avail_out))
                    if output.count > limitBytes { return .failure(.tooLarge) }
                    if status == Z_STREAM_END { return .success(()) }
                    // What ends early gives what there is, as in TensorFlow.
                    if status == Z_BUF_ERROR, stream.avail_in == 0 { return .success(()) }
                    if status != Z_OK { return .failure(.damaged) }
                }
            }
        }
        try ending.get()
        return output
    }
}
