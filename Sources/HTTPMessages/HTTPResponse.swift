/// What a handler answers. The server makes one, the handler fills it.
public struct HTTPResponse {
    /// The status code.
    public var status = 200
    /// The body's media type.
    public var contentType: StaticString = "application/json"
    /// The methods that the path has, for 405.
    public var allow: String?
    /// The body; empty when the handler gets it.
    public let body: ResponseBuffer

    /// An answer with an empty body.
    public init(body: ResponseBuffer) { self.body = body }
}
