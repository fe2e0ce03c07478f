internal import HTTPMessages
internal import Memory
internal import Serving

/// The reason why a request failed, with its HTTP status.
struct RequestError: Error {
    let status: Int
    let message: String
    /// Headers that belong to the status, such as `Allow` with 405.
    let headers: [(name: StaticString, value: String)]
    /// The inference that was refused, for the access log; nil for other requests.
    var inference: RequestRecorder.Inference?

    init(_ status: Int, _ message: String, headers: [(name: StaticString, value: String)] = []) {
        self.status = status
        self.message = message
        self.headers = headers
    }

    /// The same error with a longer message.
    func appending(_ text: String) -> RequestError {
        guard !text.isEmpty else { return self }
        let sentence = message.hasSuffix(".") ? String(message.dropLast()) : message
        return RequestError(status, "\(sentence); \(text)", headers: headers)
    }

    static func badRequest(_ message: String) -> RequestError { RequestError(400, message) }

    /// The one place where a model's error becomes a status.
    init(_ error: ModelError) {
        let status =
            switch error.kind {
            case .unknownTensor: 404
            case .refused, .invalidArgument, .resourceExhausted: 400
            case .readOnlyVariable: 409
            case .unsupported: 501
            case .load, .brokenModel: 500
            case .memoryShort: 503
            case .deadlineExceeded: 504
            // Nobody reads the response. In statistics, the status shows that the client ended the request.
            case .cancelled: Self.clientGone
            }
        self.init(
            status, error.message, headers: error.kind == .memoryShort ? [("Retry-After", "1")] : [])
    }

    /// The error if there is not enough memory to read a request, or for its response.
    init(short byteCount: Int, of account: MemoryAccount) {
        self.init(
            MemoryRefusal(
                byteCount: byteCount, remainingBytes: account.remainingBytes,
                isPassing: byteCount <= account.attainableBytes), "the request")
    }

    /// - Parameters:
    ///   - refusal: The reason why there is no memory.
    ///   - what: The use of the memory.
    init(_ refusal: MemoryRefusal, _ what: String) {
        guard !refusal.isPassing else {
            self.init(503, "\(what) \(refusal)", headers: [("Retry-After", "1")])
            return
        }
        self.init(
            400,
            "\(what) needs \(refusal.byteCount) more bytes, but --memory-limit leaves \(refusal.remainingBytes): "
                + "request less at once, or raise --memory-limit")
    }

    /// The status of requests whose client has disconnected.
    static let clientGone = 499

    /// The error if the server stops before the request is complete.
    static var serverEnds: RequestError { RequestError(503, "the server is stopping: send the request again") }

    /// Writes the response.
    func write(to response: inout HTTPResponse) {
        response.clear()
        response.status = status
        response.headers = headers
        response.error = message
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("error")
        writer.string(message)
        writer.endObject()
    }
}
