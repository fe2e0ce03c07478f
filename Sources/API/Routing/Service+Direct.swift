internal import Execution
public import HTTPMessages
internal import Threads

/// A response that is not sent over a connection.
public struct DirectResponse: Sendable {
    /// The status code.
    public let status: Int
    /// The body's media type.
    public let contentType: String
    /// Further headers, by their names.
    public let headers: [String: String]
    /// The body.
    public let body: [UInt8]
}

extension Service {
    /// Responds to a request without a connection.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - path: The path, percent-encoded.
    ///   - headers: The values of the headers.
    ///   - body: The body.
    /// - Returns: The response, complete.
    public func respond(
        _ method: HTTPMethod, _ path: [UInt8], headers: [HTTPHeader: [UInt8]] = [:], body: [UInt8] = []
    ) -> DirectResponse {
        let exchange = WaitingExchange()
        exchange.beganNanoseconds = Int(clamping: MonotonicClock.nanoseconds)
        // Safety: the memory stays until the exchange is answered, and then is not looked at any more.
        let memory = Self.joined([body + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding), path] + headers.values)
        memory.bytes.withUnsafeBytes { bytes in
            func part(_ index: Int) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[memory.ranges[index]])
            }
            var values = HTTPHeaders()
            for (index, header) in headers.keys.enumerated() { values[header] = part(2 + index) }
            exchange.request = HTTPRequest(
                method: method, path: part(1), headers: values,
                body: UnsafeRawBufferPointer(rebasing: part(0).dropLast(HTTPRequest.bodyPadding)))
            if handle(exchange) == .later { exchange.wait() }
        }
        let response = exchange.response
        return DirectResponse(
            status: response.status, contentType: "\(response.contentType)",
            headers: Dictionary(response.headers.map { ("\($0.name)", $0.value) }, uniquingKeysWith: { $1 }),
            body: Array(response.body.bytes))
    }

    private static func joined(_ parts: [[UInt8]]) -> (bytes: [UInt8], ranges: [Range<Int>]) {
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
        for part in parts {
            ranges.append(bytes.count..<bytes.count + part.count)
            bytes += part
        }
        return (bytes, ranges)
    }
}
