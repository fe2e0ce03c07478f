/// The request headers that the server reads. All others are ignored.
public enum HTTPHeader: Int, CaseIterable, Sendable {
    case contentType, contentEncoding, accept, acceptEncoding, authorization, origin, userAgent
    /// The length of the JSON part of a body with binary tensors (Open Inference Protocol's binary extension).
    case inferenceHeaderContentLength
    /// The identifier that the client, or a proxy, gave the request. It is sent back.
    case requestID
    /// W3C Trace Context.
    case traceParent
    /// The time in seconds, with a fraction, after which the response is useless.
    case requestTimeout
    /// The label of the model's version to use.
    case modelLabel

    /// The header's name in the usual spelling. Comparison ignores case.
    public var name: StaticString {
        switch self {
        case .contentType: "Content-Type"
        case .contentEncoding: "Content-Encoding"
        case .accept: "Accept"
        case .acceptEncoding: "Accept-Encoding"
        case .authorization: "Authorization"
        case .origin: "Origin"
        case .userAgent: "User-Agent"
        case .inferenceHeaderContentLength: "Inference-Header-Content-Length"
        case .requestID: "X-Request-ID"
        case .traceParent: "traceparent"
        case .requestTimeout: "Request-Timeout"
        case .modelLabel: "Model-Label"
        }
    }
}

/// The values of a request's headers, as sent. Valid as long as the request.
public struct HTTPHeaders {
    @usableFromInline var values = InlineArray<12, UnsafeRawBufferPointer?>(repeating: nil)

    /// No headers.
    public init() {}

    /// The value of a header, the last one if there are several; nil if there is none.
    @inlinable
    public subscript(header: HTTPHeader) -> UnsafeRawBufferPointer? {
        get { values[header.rawValue] }
        set { values[header.rawValue] = newValue }
    }
}
