/// A request's method.
public enum HTTPMethod: Hashable, Sendable {
    case get, head, post, put, delete, options, other
}

/// A request as a handler sees it. All memory is valid only during the handler's call.
public struct HTTPRequest {
    /// The method.
    public let method: HTTPMethod
    /// The path as it was sent, without the query, percent-encoded. It begins with a slash, unless the client sent something else.
    public let path: UnsafeRawBufferPointer
    /// The value of `Content-Type`; nil if there is none.
    public let contentType: UnsafeRawBufferPointer?
    /// The body. ``bodyPadding`` more bytes after it can be read, their values undefined.
    public let body: UnsafeRawBufferPointer

    /// How many bytes can be read past the body's end: parsers that work on vectors read ahead.
    public static let bodyPadding = 64

    /// Makes a request over somebody's memory.
    public init(
        method: HTTPMethod, path: UnsafeRawBufferPointer, contentType: UnsafeRawBufferPointer?,
        body: UnsafeRawBufferPointer
    ) {
        self.method = method
        self.path = path
        self.contentType = contentType
        self.body = body
    }
}
