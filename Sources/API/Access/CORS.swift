internal import HTTPMessages

/// The rules for web pages of other origins, by Cross-Origin Resource Sharing.
public struct CORSRules: Sendable {
    private let allowsAll: Bool
    private let origins: [(bytes: [UInt8], text: String)]

    private static let maxAge = "86400"
    private static let exposed = "Inference-Header-Content-Length, X-Request-ID, Retry-After"
    /// The headers that clients send; `Authorization` is not covered by a `*`.
    private static let allowedHeaders: String =
        ([.contentType, .authorization, .inferenceHeaderContentLength, .requestTimeout, .modelLabel, .requestID]
        + [HTTPHeader.contentEncoding, .traceParent]).map { "\($0.name)" }.joined(separator: ", ")

    /// - Parameter origins: Origins such as `https://example.com`, or `*` for all; none turns it off.
    public init(origins: [String]) {
        allowsAll = origins.contains("*")
        self.origins = origins.filter { $0 != "*" }.map { (Array($0.utf8), $0) }
    }

    /// Whether any origin is configured.
    var isOn: Bool { allowsAll || !origins.isEmpty }

    /// Whether a text is `*`, or a scheme, a host and perhaps a port, as browsers write them: in lower case, without a path.
    ///
    /// - Parameter text: The configured text.
    /// - Returns: false for a text that no browser would send.
    public static func isOrigin(_ text: String) -> Bool {
        if text == "*" { return true }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].hasPrefix("//"), !parts[0].isEmpty, parts[1].count > 2 else { return false }
        return text == text.lowercased() && !parts[1].dropFirst(2).contains("/")
            && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "*") }
    }

    /// Adds the headers to a response that let the page read it.
    func allow(_ request: HTTPRequest, _ response: inout HTTPResponse) {
        guard isOn else { return }
        // A cached response for one origin is not valid for another.
        if !allowsAll { response.headers.append(("Vary", "Origin")) }
        guard let origin = allowed(request.headers[.origin]) else { return }
        response.headers.append(("Access-Control-Allow-Origin", origin))
        response.headers.append(("Access-Control-Expose-Headers", Self.exposed))
    }

    /// Responds to a preflight request, which asks whether a page may send a request.
    ///
    /// - Parameters:
    ///   - methods: The methods of the path, for `Access-Control-Allow-Methods`.
    ///   - exchange: The `OPTIONS` request.
    func respondToPreflight(_ methods: String, _ exchange: HTTPExchange) {
        exchange.response.status = 204
        guard allowed(exchange.request.headers[.origin]) != nil else { return }
        exchange.response.headers += [
            ("Access-Control-Allow-Methods", methods), ("Access-Control-Allow-Headers", Self.allowedHeaders),
            ("Access-Control-Max-Age", Self.maxAge),
        ]
    }

    private func allowed(_ origin: UnsafeRawBufferPointer?) -> String? {
        guard let origin else { return nil }
        return allowsAll ? "*" : origins.first { $0.bytes.elementsEqual(origin) }?.text
    }
}
