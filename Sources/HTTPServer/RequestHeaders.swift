internal import CMicrohttpd
internal import Glibc
internal import HTTPMessages

/// What the server itself reads of a request's headers.
struct RequestHeaders {
    /// Those that handlers look at.
    private(set) var known = HTTPHeaders()
    /// How many headers there are.
    private(set) var count = 0
    private var hostCount = 0
    private var contentLength: UnsafeRawBufferPointer?
    private var contentLengthCount = 0
    private var transferEncoding: UnsafeRawBufferPointer?
    private var transferEncodingCount = 0

    /// Reads them; the pointers are valid until the request ends.
    init(_ connection: OpaquePointer) { MHD_get_connection_values_n(connection, .HEADER_KIND, noteHeader, &self) }

    mutating func note(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        count += 1
        guard let hint = Self.hint(of: name) else { return }
        if hint == Self.contentLengthHint, Self.areEqual(name, "Content-Length") {
            contentLength = value
            contentLengthCount += 1
        } else if hint == Self.transferEncodingHint, Self.areEqual(name, "Transfer-Encoding") {
            transferEncoding = value
            transferEncodingCount += 1
        } else if hint == Self.hostHint, Self.areEqual(name, "Host") {
            hostCount += 1
        } else {
            for candidate in Self.candidates where candidate.hint == hint && Self.areEqual(name, candidate.header.name)
            {
                known[candidate.header] = value
            }
        }
    }

    private static let candidates = HTTPHeader.allCases.map { header in
        (header: header, hint: hint(of: bytes(of: header.name)) ?? 0)
    }
    private static let contentLengthHint = hint(of: bytes(of: "Content-Length"))
    private static let hostHint = hint(of: bytes(of: "Host"))
    private static let transferEncodingHint = hint(of: bytes(of: "Transfer-Encoding"))

    /// Length and first letter: names that are equal have the same, others seldom. nil for an empty name.
    private static func hint(of name: UnsafeRawBufferPointer) -> Int? {
        name.first.map { name.count << 8 | Int($0 | 0x20) }
    }

    private static func areEqual(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount, let start = bytes.baseAddress else { return false }
        let other = UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
        return strncasecmp(start.assumingMemoryBound(to: CChar.self), other, bytes.count) == 0
    }

    private static func bytes(of text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// Whether the body comes in chunks.
    var isChunked: Bool { transferEncodingCount > 0 }

    /// Why the request is answered before its body has come; nil if it is not.
    ///
    /// A body whose length could be understood in two ways is refused: a proxy in front may have understood the other.
    ///
    /// - Parameters:
    ///   - maxBodyBytes: The largest body.
    ///   - isOld: Whether the request is HTTP/1.0, which has no chunks and needs no host.
    func refusal(maxBodyBytes: Int, isOld: Bool) -> Refusal? {
        guard hostCount == 1 || (isOld && hostCount == 0) else {
            return Refusal(400, "the request has \(hostCount) Host headers: send one")
        }
        guard contentLengthCount + transferEncodingCount <= 1 else {
            return Refusal(400, "the body's length is given twice: send one Content-Length or Transfer-Encoding")
        }
        if isOld, transferEncodingCount > 0 {
            return Refusal(400, "HTTP/1.0 has no Transfer-Encoding: send the body with Content-Length")
        }
        if let transferEncoding, !Self.areEqual(transferEncoding, "chunked") {
            return Refusal(501, "the only Transfer-Encoding here is chunked: send the body so, or with Content-Length")
        }
        if let contentLength, !Self.isNumber(contentLength) {
            return Refusal(400, "Content-Length is no number: send the body's length in bytes")
        }
        guard let contentLength, announces(contentLength, moreThan: maxBodyBytes) else { return nil }
        return .tooLarge(maxBodyBytes)
    }

    private static func isNumber(_ text: UnsafeRawBufferPointer) -> Bool {
        !text.isEmpty && text.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private func announces(_ text: UnsafeRawBufferPointer, moreThan limit: Int) -> Bool {
        var announced = 0
        for digit in text where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) {
            let (tenfold, isTooMuch) = announced.multipliedReportingOverflow(by: 10)
            let (sum, isStill) = tenfold.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            guard !isTooMuch, !isStill, sum <= limit else { return true }
            announced = sum
        }
        return false
    }
}

/// An answer that the server gives by itself, after which it closes the connection.
struct Refusal: Sendable {
    let status: Int
    let message: String

    init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The first part of the request can be understood in several ways.
    static let malformedHead = Refusal(
        400,
        "the request's headers are malformed: send each as one line, Name: value, ended by CR and LF, without a blank before "
            + "the colon")

    /// The server stops.
    static let closing = Refusal(503, "the server is stopping: send the request again")

    /// The answer has no memory.
    static let withoutMemory = Refusal(503, "there is not enough memory for the answer")

    /// The body is beyond the limit.
    static func tooLarge(_ maxBodyBytes: Int) -> Refusal {
        Refusal(413, "the body is larger than \(maxBodyBytes) bytes: send less at once, or raise --max-body")
    }

    /// The body of the answer.
    var body: String { "{\"error\":\"\(message)\"}\n" }

    /// The whole answer to a body that is too large, for a client that still sends it.
    static func tooLargeResponse(_ maxBodyBytes: Int) -> [UInt8] {
        tooLarge(maxBodyBytes).whole("413 Content Too Large")
    }

    /// The whole answer to a request that is still being worked on when the server ends.
    static var closingResponse: [UInt8] { closing.whole("503 Service Unavailable") }

    private func whole(_ status: String) -> [UInt8] {
        let head =
            "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
            + "Connection: close\r\n\r\n"
        return Array((head + body).utf8)
    }
}
