internal import HTTPMessages
internal import Memory
internal import Serving

/// Why a request is not answered as it wished, with the HTTP status that says so.
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

    /// The same error with more behind its message, which may end as a sentence does.
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
            // Nobody reads it; it tells who looks at statistics that it was the client who ended it.
            case .cancelled: Self.clientGone
            }
        self.init(
            status, error.message, headers: error.kind == .memoryShort ? [("Retry-After", "1")] : [])
    }

    /// Memory for reading a request, or for its response, is not there.
    init(short byteCount: Int, of account: MemoryAccount) {
        self.init(
            MemoryRefusal(
                byteCount: byteCount, remainingBytes: account.remainingBytes,
                isPassing: byteCount <= account.attainableBytes), "the request")
    }

    /// - Parameters:
    ///   - refusal: Why there is no memory.
    ///   - what: What needs it.
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

    /// The status of what was ended because nobody waited for it any more.
    static let clientGone = 499

    /// The server ends, and the request does not end before it.
    static var serverEnds: RequestError { RequestError(503, "the server is stopping: send the request again") }

    /// Makes the response.
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
