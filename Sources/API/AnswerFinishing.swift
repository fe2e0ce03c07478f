internal import HTTPMessages

/// What is done to every answer when it is complete, at once or later: headers for browsers, compression.
final class AnswerFinishing: Sendable {
    let compression: Compression
    private let cors: CORSRules

    init(_ options: Service.Options) {
        compression = Compression(maxBodyBytes: options.maxBodyBytes, threadCount: options.threadCount)
        cors = options.cors
    }

    /// Called once an answer, before it is handed back.
    func finish(_ exchange: HTTPExchange) {
        cors.allow(exchange.request, &exchange.response)
        compression.compress(exchange.request, &exchange.response)
    }
}
