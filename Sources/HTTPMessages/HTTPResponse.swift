/// The response of a handler. The server makes it, and the handler fills it.
public struct HTTPResponse {
    /// The status code.
    public var status = 200
    /// The body's media type.
    public var contentType: StaticString = "application/json"
    /// Further headers. Most responses have none.
    public var headers: [(name: StaticString, value: String)] = []
    /// The reason why the request failed, for the access log; nil if it succeeded.
    public var error: String?
    /// The body; empty when the handler gets it.
    public var body: ResponseBuffer

    /// A response with an empty body.
    public init(body: ResponseBuffer) { self.body = body }

    /// Clears the response. Its memory is kept for the next one.
    public mutating func clear() {
        status = 200
        contentType = "application/json"
        error = nil
        headers.removeAll(keepingCapacity: true)
        body.clear()
    }
}
