internal import CZlib
internal import HTTPMessages

/// A stream of zlib, at a fixed address.
// Safety: allocated in init and freed in deinit, used by one thread at a time; input and output pointers are set anew for each
// call, and are of no use to the library after it.
private final class ZlibStream {
    let pointer = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init() { pointer.initialize(to: z_stream()) }

    deinit { pointer.deallocate() }

    /// Passes input to the library, as much as its counters can represent.
    ///
    /// - Returns: The number of bytes.
    func feed(_ input: UnsafeRawBufferPointer) -> Int {
        let count = min(input.count, Int(UInt32.max))
        // The library does not write to its input, although the type is not const.
        pointer.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?
            .assumingMemoryBound(to: UInt8.self)
        pointer.pointee.avail_in = UInt32(count)
        return count
    }

    func provide(_ output: UnsafeMutableRawPointer, _ count: Int) {
        pointer.pointee.next_out = output.assumingMemoryBound(to: UInt8.self)
        pointer.pointee.avail_out = UInt32(count)
    }
}

/// Reads gzip, also with several members, HTTP's deflate, or what zip files contain.
final class ZlibInflater: Inflater {
    /// What surrounds the compressed bytes.
    enum Format {
        case gzip
        /// HTTP's deflate: zlib's format, with or without its header.
        case deflate
        /// Nothing, as in zip files.
        case plain
    }

    private let stream = ZlibStream()
    private let format: Format
    private var isGzip: Bool { format == .gzip }
    private static let gzipWindow: Int32 = 31
    private static let zlibWindow: Int32 = 15
    private static let largestChunk = 1 << 20

    /// Returns nil if there is not enough memory.
    init?(_ format: Format) {
        self.format = format
        let window = format == .gzip ? Self.gzipWindow : Self.zlibWindow
        guard czlib_inflate_init(stream.pointer, window) == Z_OK else { return nil }
    }

    deinit { inflateEnd(stream.pointer) }

    func inflate(
        _ body: UnsafeRawBufferPointer, into output: ResponseBuffer, limit: Int
    ) throws(InflationFailure) {
        guard inflateReset2(stream.pointer, window(of: body)) == Z_OK else { throw .damaged }
        var rest = body
        rest = UnsafeRawBufferPointer(rebasing: rest[stream.feed(rest)...])
        while true {
            let size = min(max(16 << 10, output.count / 2), Self.largestChunk, limit - output.count + 1)
            guard let room = output.reserve(size) else { throw output.isTooLong ? .tooLarge : .noMemory }
            stream.provide(room, size)
            let status = CZlib.inflate(stream.pointer, Z_NO_FLUSH)
            output.commit(size - Int(stream.pointer.pointee.avail_out))
            guard output.count <= limit else { throw .tooLarge }
            if stream.pointer.pointee.avail_in == 0, !rest.isEmpty {
                rest = UnsafeRawBufferPointer(rebasing: rest[stream.feed(rest)...])
            }
            let isAtEnd = stream.pointer.pointee.avail_in == 0
            switch status {
            case Z_STREAM_END:
                if isAtEnd { return }
                guard isGzip, inflateReset(stream.pointer) == Z_OK else { throw .damaged }
            case Z_OK: continue
            case Z_BUF_ERROR where !isAtEnd: continue
            case Z_MEM_ERROR: throw .noMemory
            default: throw .damaged
            }
        }
    }

    /// zlib's header is a multiple of 31 that ends its first byte with 8.
    private func window(of body: UnsafeRawBufferPointer) -> Int32 {
        if isGzip { return Self.gzipWindow }
        if format == .plain { return -Self.zlibWindow }
        let hasHeader = body.count >= 2 && body[0] & 15 == 8 && (Int(body[0]) << 8 | Int(body[1])) % 31 == 0
        return hasHeader ? Self.zlibWindow : -Self.zlibWindow
    }
}

/// Writes gzip, or zlib's format.
final class ZlibDeflater: Deflater {
    private let stream = ZlibStream()
    private static let fastest: Int32 = 1

    /// Returns nil if there is not enough memory.
    init?(isGzip: Bool) {
        guard czlib_deflate_init(stream.pointer, Self.fastest, isGzip ? 31 : 15) == Z_OK else { return nil }
    }

    deinit { deflateEnd(stream.pointer) }

    func deflate(_ body: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int? {
        guard let target = output.baseAddress, body.count <= Int(UInt32.max), deflateReset(stream.pointer) == Z_OK,
            stream.feed(body) == body.count
        else { return nil }
        stream.provide(target, output.count)
        guard CZlib.deflate(stream.pointer, Z_FINISH) == Z_STREAM_END else { return nil }
        return output.count - Int(stream.pointer.pointee.avail_out)
    }
}

/// The checksum of gzip and of zip files.
enum ZlibChecksum {
    /// The CRC-32 of bytes.
    static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
    }
}
