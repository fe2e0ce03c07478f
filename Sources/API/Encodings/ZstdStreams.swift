internal import CZstd
internal import HTTPMessages

/// Reads Zstandard, also with several frames.
// Safety: the context is made in init and freed in deinit, and used by one thread at a time.
final class ZstdInflater: Inflater {
    private let context: OpaquePointer
    /// The limit of Zstandard windows in HTTP, 8 MiB (RFC 9659).
    private static let largestWindow: Int32 = 23
    private static let largestChunk = 1 << 20

    /// Returns nil if there is not enough memory.
    init?() {
        guard let context = ZSTD_createDCtx() else { return nil }
        self.context = context
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.largestWindow)
    }

    deinit { ZSTD_freeDCtx(context) }

    func inflate(
        _ body: UnsafeRawBufferPointer, into output: ResponseBuffer, limit: Int
    ) throws(InflationFailure) {
        ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
        var input = ZSTD_inBuffer(src: body.baseAddress, size: body.count, pos: 0)
        guard body.count > 0 else { throw .damaged }
        while true {
            let size = min(max(16 << 10, output.count / 2), Self.largestChunk, limit - output.count + 1)
            guard let room = output.reserve(size) else { throw output.isTooLong ? .tooLarge : .noMemory }
            var target = ZSTD_outBuffer(dst: room, size: size, pos: 0)
            let status = ZSTD_decompressStream(context, &target, &input)
            guard ZSTD_isError(status) == 0 else { throw Self.failure(status) }
            output.commit(target.pos)
            guard output.count <= limit else { throw .tooLarge }
            guard input.pos == input.size, target.pos < size || status == 0 else { continue }
            // All input was read, and all output was written, so the last frame must be complete.
            guard status == 0 else { throw .damaged }
            return
        }
    }

    private static func failure(_ status: Int) -> InflationFailure {
        switch ZSTD_getErrorCode(status) {
        case ZSTD_error_frameParameter_windowTooLarge: .windowTooLarge
        case ZSTD_error_memory_allocation: .noMemory
        default: .damaged
        }
    }
}

/// Writes Zstandard.
// Safety: as above.
final class ZstdDeflater: Deflater {
    private let context: OpaquePointer
    private static let fast: Int32 = 1

    /// Returns nil if there is not enough memory.
    init?() {
        guard let context = ZSTD_createCCtx() else { return nil }
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.fast)
    }

    deinit { ZSTD_freeCCtx(context) }

    func deflate(_ body: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int? {
        let count = ZSTD_compress2(context, output.baseAddress, output.count, body.baseAddress, body.count)
        return ZSTD_isError(count) == 0 ? count : nil
    }
}
