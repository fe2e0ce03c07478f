internal import CMicrohttpd
internal import Glibc
internal import HTTPMessages

/// The first line of a request, as three texts of the library.
struct RequestLine {
    let method: UnsafePointer<CChar>
    let target: UnsafePointer<CChar>
    let version: UnsafePointer<CChar>

    /// Whether it is HTTP/1.0, which has no chunks and needs no host.
    var isOld: Bool { strcmp(version, "HTTP/1.1") != 0 }
}

/// The headers of a request that the server itself reads.
struct RequestHeaders {
    /// The headers that handlers read.
    private(set) var known = HTTPHeaders()
    /// The number of headers.
    private(set) var count = 0
    private var hostCount = 0
    private var contentLength: UnsafeRawBufferPointer?
    private var contentLengthCount = 0
    private var transferEncoding: UnsafeRawBufferPointer?
    private var transferEncodingCount = 0

    /// Reads the headers. The pointers are valid until the request ends.
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

    /// A hash of length and first letter; nil for an empty name.
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

    /// Whether the body is chunked.
    var isChunked: Bool { transferEncodingCount > 0 }

    /// The declared length of the body, if it is a valid number.
    var bodyLength: Int? { contentLength.flatMap { Self.number($0) } }

    /// Whether a body follows.
    var announcesBody: Bool { isChunked || contentLength != nil && bodyLength != 0 }

    /// The reason to refuse the request before its body is received; nil if there is none.
    ///
    /// A body with an ambiguous length is refused, because a proxy in front may have read the length differently.
    ///
    /// - Parameters:
    ///   - maxBodyBytes: The maximum size of a body.
    ///   - isOld: Whether the request is HTTP/1.0, which has no chunks and needs no host.
    /// - Returns: The refusal.
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
            return Refusal(501, "the Transfer-Encoding is not supported: send the body chunked, or with Content-Length")
        }
        if let contentLength, !Self.isNumber(contentLength) {
            return Refusal(400, "Content-Length is not a number: send the body's length in bytes")
        }
        guard contentLength != nil else { return nil }
        return bodyLength.map { $0 > maxBodyBytes } ?? true ? .tooLarge(maxBodyBytes) : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isNumber(_ text: UnsafeRawBufferPointer) -> Bool {
        !text.isEmpty && text.allSatisfy(isDigit)
    }

    /// A number; nil if the text is not a number or too large.
    private static func number(_ text: UnsafeRawBufferPointer) -> Int? {
        var number = 0
        for digit in text {
            guard isDigit(digit) else { return nil }
            let (tenfold, isTooMuch) = number.multipliedReportingOverflow(by: 10)
            let (sum, isStill) = tenfold.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            guard !isTooMuch, !isStill else { return nil }
            number = sum
        }
        return text.isEmpty ? nil : number
    }
}
