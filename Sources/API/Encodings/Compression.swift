internal import HTTPMessages
internal import Memory
internal import Threads

/// The reason why a compressed body could not be read.
enum InflationFailure: Error {
    /// It has another format, is damaged, or is cut short.
    case damaged
    /// Decompression needs a larger window than HTTP allows.
    case windowTooLarge
    /// The decompressed body exceeds the limit.
    case tooLarge
    case noMemory
}

/// Decompresses bodies. Belongs to one thread at a time, and is reused.
protocol Inflater: AnyObject {
    /// Appends the decompressed body to `output`, but not much more than `limit` bytes.
    func inflate(
        _ body: UnsafeRawBufferPointer, into output: ResponseBuffer, limit: Int
    ) throws(InflationFailure)
}

/// Compresses bodies, optimised for speed. Belongs to one thread at a time, and is reused.
protocol Deflater: AnyObject {
    /// Compresses into at most `room` bytes.
    ///
    /// - Returns: The number of bytes; nil if there was not enough room or memory.
    func deflate(_ body: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int?
}

/// Compression of request and response bodies.
final class Compression: Sendable {
    private let maxBodyBytes: Int
    private let memory: MemoryAccount?
    /// The pools by coding.
    private let pools: [Pool]

    /// The pooled contexts of one coding.
    private struct Pool: Sendable {
        let inflaters: ObjectPool<InflaterBox>
        let deflaters: ObjectPool<DeflaterBox>
    }

    final class InflaterBox {
        let inflater: any Inflater
        init?(_ coding: ContentCoding) {
            guard
                let made: any Inflater = coding == .zstd
                    ? ZstdInflater() : ZlibInflater(coding == .gzip ? .gzip : .deflate)
            else { return nil }
            inflater = made
        }
    }

    final class DeflaterBox {
        let deflater: any Deflater
        /// Replaces a response's body, whose memory is used for the next one.
        var output: ResponseBuffer
        init?(_ coding: ContentCoding, _ memory: MemoryAccount? = nil) {
            guard let made: any Deflater = coding == .zstd ? ZstdDeflater() : ZlibDeflater(isGzip: coding == .gzip)
            else { return nil }
            output = ResponseBuffer(memory, for: .responses)
            deflater = made
        }
    }

    /// - Parameters:
    ///   - maxBodyBytes: The maximum size of a decompressed body.
    ///   - threadCount: The number of bodies that are processed at once.
    ///   - memory: The account of the server's memory; nil for none.
    init(maxBodyBytes: Int, threadCount: Int, memory: MemoryAccount? = nil) {
        self.memory = memory
        self.maxBodyBytes = maxBodyBytes
        pools = ContentCoding.allCases.map { _ in
            Pool(inflaters: ObjectPool(count: threadCount), deflaters: ObjectPool(count: threadCount))
        }
    }

    /// Decompresses the body of a request.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - output: Receives the body, with the padding of bodies.
    /// - Returns: The request with the body in `output`; the unchanged request if its body was not compressed.
    /// - Throws: ``RequestError`` 415 for an unknown coding, 400 for a damaged body, 413 for one that is too large.
    func inflated(_ request: HTTPRequest, into output: ResponseBuffer) throws(RequestError) -> HTTPRequest {
        guard let coding = try ContentCoding.ofBody(request.headers[.contentEncoding]) else { return request }
        let pool = pools[coding.rawValue].inflaters
        guard let box = pool.take() ?? InflaterBox(coding) else { throw Self.noMemory }
        defer { pool.give(box) }
        output.clear()
        do throws(InflationFailure) {
            try box.inflater.inflate(request.body, into: output, limit: maxBodyBytes)
        } catch {
            if let refusal = output.refusal { throw RequestError(refusal, "the request") }
            output.clear()
            throw self.error(error, coding)
        }
        guard output.reserve(HTTPRequest.bodyPadding) != nil else {
            throw output.refusal.map { RequestError($0, "the request") } ?? Self.noMemory
        }
        return request.with(body: output.bytes)
    }

    private static let noMemory = RequestError(503, "not enough memory for the request: try again later")

    private func error(_ failure: InflationFailure, _ coding: ContentCoding) -> RequestError {
        switch failure {
        case .damaged: .badRequest("the body is not \(coding.name), or is damaged or cut short")
        case .windowTooLarge: .badRequest("the body needs a window of more than 8 MiB: compress it with a smaller one")
        case .tooLarge:
            RequestError(
                413, "the decompressed body has more than \(maxBodyBytes) bytes: send less at once, or raise --max-body"
            )
        case .noMemory: Self.noMemory
        }
    }

    /// The minimum size to compress. Shorter bodies fit into a packet.
    private static let leastBytes = 1 << 10
    /// The size of the sample of longer bodies, which shows whether compression pays.
    private static let sampledBytes = 256 << 10
    private static let sampleBytes = 32 << 10

    /// Compresses a response, if the client accepts it and it becomes at least a tenth shorter.
    func compress(_ request: HTTPRequest, _ response: inout HTTPResponse) {
        let body = response.body.bytes
        guard body.count >= Self.leastBytes, !response.body.hasFailed else { return }
        // Caches only store responses to GET.
        let isKept = request.method == .get || request.method == .head
        defer { if isKept { response.headers.append(("Vary", "Accept-Encoding")) } }
        guard let header = request.headers[.acceptEncoding], let coding = ContentCoding.best(in: header) else { return }
        let pool = pools[coding.rawValue].deflaters
        guard let box = pool.take() ?? DeflaterBox(coding, memory) else { return }
        defer { pool.give(box) }
        box.output.clear()
        guard let room = box.output.reserve(Self.worthwhile(body.count)),
            body.count <= Self.sampledBytes || Self.pays(body, box.deflater, room)
        else { return }
        let target = UnsafeMutableRawBufferPointer(start: room, count: Self.worthwhile(body.count))
        guard let count = box.deflater.deflate(body, into: target) else { return }
        box.output.commit(count)
        swap(&box.output, &response.body)
        response.headers.append(("Content-Encoding", "\(coding.name)"))
        if !isKept { response.headers.append(("Vary", "Accept-Encoding")) }
    }

    private static func worthwhile(_ count: Int) -> Int { count - count / 10 }

    private static func pays(
        _ body: UnsafeRawBufferPointer, _ deflater: any Deflater, _ room: UnsafeMutableRawPointer
    ) -> Bool {
        let target = UnsafeMutableRawBufferPointer(start: room, count: worthwhile(sampleBytes))
        return deflater.deflate(UnsafeRawBufferPointer(rebasing: body[..<sampleBytes]), into: target) != nil
    }
}
