/// A request's method.
public enum HTTPMethod: Hashable, Sendable {
    case get, head, post, put, delete, options, other
}

/// A request, as a handler gets it. All memory is valid until the exchange is finished.
public struct HTTPRequest {
    /// The method.
    public let method: HTTPMethod
    /// The path as sent, without the query, percent-encoded. It begins with a slash, unless the client sent something else.
    public let path: UnsafeRawBufferPointer
    /// The headers.
    public let headers: HTTPHeaders
    /// The body. ``bodyPadding`` more bytes after it can be read, their values undefined.
    public package(set) var body: UnsafeRawBufferPointer

    /// The number of bytes that can be read past the body's end, because vectorised parsers read ahead.
    public static let bodyPadding = 64

    /// Makes a request from the caller's memory.
    public init(
        method: HTTPMethod, path: UnsafeRawBufferPointer, headers: HTTPHeaders = HTTPHeaders(),
        body: UnsafeRawBufferPointer
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }

    /// The same request with another body, such as the decompressed one.
    public func with(body: UnsafeRawBufferPointer) -> HTTPRequest {
        HTTPRequest(method: method, path: path, headers: headers, body: body)
    }
}
