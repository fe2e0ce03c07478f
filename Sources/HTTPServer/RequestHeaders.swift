internal import CMicrohttpd
internal import Glibc
internal import HTTPMessages

/// The first line of a request, in three texts of the library's.
struct RequestLine {
    let method: UnsafePointer<CChar>
    let target: UnsafePointer<CChar>
    let version: UnsafePointer<CChar>
}

/// What the server itself reads of a request's headers.
struct RequestHeaders {
    /// Those that handlers look at.
    private(set) var known = HTTPHeaders()
    private var contentLength: UnsafeRawBufferPointer?
    private var contentLengthCount = 0
    private var transferEncoding: UnsafeRawBufferPointer?
    private var transferEncodingCount = 0
    private var hostCount = 0
    private var isVersion10: Bool
    /// Where the line ends that was looked at last.
    private var lineEnd: UnsafeRawPointer
    /// Whether a line is not what it seems to the library.
    private var isBroken = false

    /// Where the head of the request ends, in the library's memory.
    private(set) var end: UnsafeRawPointer?

    /// Reads them; the pointers are valid until the request ends.
    ///
    /// - Parameters:
    ///   - connection: The library's connection.
    ///   - line: The first line.
    ///   - targetEnd: Where its target ended when it came.
    init(_ connection: OpaquePointer, _ line: RequestLine, targetEnd: UnsafePointer<CChar>?) {
        isVersion10 = strcmp(line.version, "HTTP/1.0") == 0
        lineEnd = UnsafeRawPointer(line.version + strlen(line.version))
        // One zero for the space between target and version.
        if let targetEnd { isBroken = line.version - targetEnd != 1 }
        MHD_get_connection_values_n(connection, .HEADER_KIND, noteHeader, &self)
        checkEnd(UnsafeRawBufferPointer(start: line.method, count: cmicrohttpd_header_bytes(connection)))
    }

    mutating func note(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        checkLine(name, value)
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
    private static let transferEncodingHint = hint(of: bytes(of: "Transfer-Encoding"))
    private static let hostHint = hint(of: bytes(of: "Host"))

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

    /// The length of the body, if it was given and is a number.
    var bodyLength: Int? { contentLength.flatMap { Self.number($0) } }

    /// Whether a body is to come.
    var announcesBody: Bool { isChunked || contentLength != nil && bodyLength != 0 }

    /// Why the request is answered before its body has come; nil if it is not.
    ///
    /// A body whose length could be understood in two ways is refused: a proxy in front may have understood the other.
    func refusal(maxBodyBytes: Int) -> Refusal? {
        if isBroken { return .brokenHeader }
        guard hostCount == 1 || hostCount == 0 && isVersion10 else { return .host(hostCount) }
        guard contentLengthCount + transferEncodingCount <= 1 else {
            return Refusal(400, "the body's length is given twice: send one Content-Length or Transfer-Encoding")
        }
        if let transferEncoding {
            guard !isVersion10 else {
                return Refusal(400, "HTTP/1.0 has no Transfer-Encoding: send the body with Content-Length")
            }
            guard Self.areEqual(transferEncoding, "chunked") else {
                return Refusal(
                    501, "the only Transfer-Encoding here is chunked: send the body so, or with Content-Length")
            }
        }
        guard let contentLength else { return nil }
        guard !contentLength.isEmpty, contentLength.allSatisfy(Self.isDigit) else {
            return Refusal(400, "Content-Length is not a number: send the body's length in bytes, in digits")
        }
        return Self.number(contentLength).map { $0 > maxBodyBytes } ?? true ? .tooLarge(maxBodyBytes) : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// nil for what is no number, or too large for one.
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

// What the library reads otherwise than others do. It leaves the head of a request where it received it, with zeros instead of
// colons and ends of lines, and hands over pointers into it: so headers must follow each other without gaps.
extension RequestHeaders {
    /// A name must be a token: a space before the colon is none. A header that is folded is copied elsewhere, and one with a zero in
    /// its value seems to end too early: both leave a gap.
    private mutating func checkLine(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard let start = name.baseAddress, let valueStart = value.baseAddress else {
            isBroken = true
            return
        }
        // One zero for LF, two for CR LF.
        let gap = start - lineEnd
        if gap < 1 || gap > 2 || name.isEmpty || !name.allSatisfy(Self.isTokenByte) { isBroken = true }
        lineEnd = valueStart + value.count
    }

    /// The last header ends at the empty line. The library has replaced every CR that belongs to the end of a line.
    private mutating func checkEnd(_ head: UnsafeRawBufferPointer) {
        guard let start = head.baseAddress else { return }
        let gap = start + head.count - lineEnd
        end = start + head.count
        if gap < 2 || gap > 4 || memchr(start, 0x0d, head.count) != nil { isBroken = true }
    }

    /// Letters, digits and !#$%&'*+-.^_`|~ (RFC 9110, 5.6.2), a bit for each.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        let bits: UInt64 = byte < 64 ? 0x03ff_6cfa_0000_0000 : byte < 128 ? 0x57ff_ffff_c7ff_fffe : 0
        return bits >> UInt64(byte & 63) & 1 == 1
    }
}
