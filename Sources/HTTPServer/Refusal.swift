internal import CMicrohttpd
internal import HTTPMessages

/// A response that the server makes itself. It closes the connection afterwards.
struct Refusal: Sendable {
    let status: Int
    let message: String
    /// Whether the same request may succeed a little later.
    let isPassing: Bool

    init(_ status: Int, _ message: String, isPassing: Bool = false) {
        self.status = status
        self.message = message
        self.isPassing = isPassing
    }

    /// The server is stopping.
    static let closing = Refusal(503, "the server is stopping: send the request again")

    /// A request's deadline has passed, and the computation continues.
    static let late = Refusal(
        504,
        "the request exceeded its time limit, and the running step of the graph cannot be interrupted: compute less at once, or "
            + "raise --timeout")

    /// There is no memory for the response.
    static let withoutMemory = Refusal(503, "not enough memory for the response")

    /// The server's memory is in use.
    static let memoryShort = Refusal(
        503, "other requests use the server's memory, and the body does not fit: try again", isPassing: true)

    /// A client sends too much at once.
    static func shareUsedUp(_ share: Int) -> Refusal {
        Refusal(
            503,
            "requests from this address use all \(share) bytes of memory that one address may use: "
                + "send fewer at a time", isPassing: true)
    }

    /// The body exceeds the limit.
    static func tooLarge(_ maxBodyBytes: Int) -> Refusal {
        Refusal(413, "the body is larger than \(maxBodyBytes) bytes: send less at once, or raise --max-body")
    }

    /// The body exceeds the memory that one client can ever get.
    static func tooLargeForMemory(_ byteCount: Int) -> Refusal {
        Refusal(
            413,
            "the body is larger than the \(byteCount) bytes of memory that one address may use: send less at "
                + "once, or raise --memory-limit")
    }

    /// The first part of the request can be understood in several ways.
    static let malformedHead = Refusal(
        400,
        "the request's headers are malformed: send each as one line, Name: value, ended by CR and LF, without a blank before "
            + "the colon")

    /// A refusal by the library itself.
    static func ofLibrary(_ status: Int) -> Refusal {
        switch status {
        case 413: Refusal(413, "the length of the body, or of a chunk, is too large: send less at once")
        case 414:
            Refusal(414, "the request line is too long: the request line and the headers are limited to about 16 KiB")
        case 431: Refusal(431, "the headers are too long: the request line and the headers are limited to about 16 KiB")
        case 505: Refusal(505, "the request is not HTTP/1.1: send that version, or HTTP/1.0")
        case 400, 500:
            Refusal(400, "the request is not HTTP: its first line, a header, a length or a chunk is malformed")
        default: Refusal(status, "the request is refused")
        }
    }

    /// The body of the response, without the newline at its end.
    var body: String { "{\"error\":\"\(message)\"}" }

    /// The whole response to a request that is still being worked on.
    var whole: [UInt8] {
        let body = body + "\n"
        return Self.head(status, "application/json", body.utf8.count, []) + Array(body.utf8)
    }

    /// The whole response of an exchange, for a client whose connection is closed after it.
    static func whole(_ response: HTTPResponse) -> [UInt8] {
        let type = response.contentType
        return head(response.status, "\(type)", response.body.count, response.headers)
            + Array(response.body.bytes)
    }

    private static func head(
        _ status: Int, _ type: String, _ length: Int, _ headers: [(name: StaticString, value: String)]
    ) -> [UInt8] {
        let reason = MHD_get_reason_phrase_for(UInt32(status)).map { String(cString: $0) } ?? "Refused"
        var head =
            "HTTP/1.1 \(status) \(reason)\r\nContent-Type: \(type)\r\nContent-Length: \(length)\r\nConnection: close\r\n"
        for header in headers { head += "\(header.name): \(header.value)\r\n" }
        return Array((head + "\r\n").utf8)
    }
}
