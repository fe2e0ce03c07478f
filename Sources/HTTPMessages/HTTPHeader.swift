/// The request headers that the server looks at; all others are passed over.
public enum HTTPHeader: Int, CaseIterable, Sendable {
    case contentType, contentEncoding, accept, acceptEncoding, authorization, origin, userAgent
    /// The length of the JSON part of a body with binary tensors (Open Inference Protocol's binary extension).
    case inferenceHeaderContentLength
    /// The name that the client, or a proxy, gave the request; it is sent back.
    case requestID
    /// W3C Trace Context.
    case traceParent
    /// Seconds, with a fraction, after which the response is of no use any more.
    case requestTimeout
    /// The label of the model's version that is to answer.
    case modelLabel

    /// The header's name, in the usual spelling; names are compared without case.
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

/// The values of a request's headers, as they were sent. Valid as long as the request.
public struct HTTPHeaders {
    @usableFromInline var values = InlineArray<12, UnsafeRawBufferPointer?>(repeating: nil)

    /// No headers.
    public init() {}

    /// The value of a header; of several the last. nil if there is none.
    @inlinable
    public subscript(header: HTTPHeader) -> UnsafeRawBufferPointer? {
        get { values[header.rawValue] }
        set { values[header.rawValue] = newValue }
    }
}
