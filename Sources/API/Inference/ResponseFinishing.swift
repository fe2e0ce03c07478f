internal import HTTPMessages

/// The final steps of every response: a newline at its end, headers for browsers, compression.
final class ResponseFinishing: Sendable {
    let compression: Compression
    private let cors: CORSRules

    init(_ options: Service.Options) {
        compression = Compression(
            maxBodyBytes: options.maxBodyBytes, threadCount: options.threadCount, memory: options.memory)
        cors = options.cors
    }

    /// Finishes a response. Called once, before it is handed back.
    func finish(_ exchange: HTTPExchange) {
        Self.endLine(of: exchange.response.body, exchange.response.contentType)
        cors.allow(exchange.request, &exchange.response)
        compression.compress(exchange.request, &exchange.response)
    }

    /// Ends a JSON body with a newline, so that a shell's prompt begins on a new line.
    private static func endLine(of body: ResponseBuffer, _ type: StaticString) {
        guard body.count > 0, body.count < ResponseBuffer.maxBytes, !body.hasFailed,
            MediaType.isJSON(type)
        else { return }
        body.append(UInt8(ascii: "\n"))
    }
}
