internal import CMicrohttpd
internal import Glibc
internal import HTTPMessages

/// What the server itself reads of a request's headers.
struct RequestHeaders {
    /// Those that handlers look at.
    private(set) var known = HTTPHeaders()
    private var contentLength: UnsafePointer<CChar>?
    private var contentLengthCount = 0
    private var transferEncoding: UnsafePointer<CChar>?
    private var transferEncodingCount = 0

    /// Reads them; the pointers are valid until the request ends.
    init(_ connection: OpaquePointer) { MHD_get_connection_values(connection, .HEADER_KIND, noteHeader, &self) }

    mutating func note(_ name: UnsafePointer<CChar>, _ value: UnsafePointer<CChar>) {
        if strcasecmp(name, "Content-Length") == 0 {
            contentLength = value
            contentLengthCount += 1
        } else if strcasecmp(name, "Transfer-Encoding") == 0 {
            transferEncoding = value
            transferEncodingCount += 1
        } else if let header = HTTPHeader.allCases.first(where: { Self.isName($0, name) }) {
            known[header] = UnsafeRawBufferPointer(start: value, count: strlen(value))
        }
    }

    private static func isName(_ header: HTTPHeader, _ name: UnsafePointer<CChar>) -> Bool {
        // Safety: a StaticString of more than one scalar is text that ends with 0.
        strcasecmp(UnsafeRawPointer(header.name.utf8Start).assumingMemoryBound(to: CChar.self), name) == 0
    }

    /// Why the request is answered before its body has come; nil if it is not.
    ///
    /// A body whose length could be understood in two ways is refused: a proxy in front may have understood the other.
    func refusal(maxBodyBytes: Int) -> Refusal? {
        guard contentLengthCount + transferEncodingCount <= 1 else {
            return Refusal(400, "the body's length is given twice: send one Content-Length or Transfer-Encoding")
        }
        if let transferEncoding, strcasecmp(transferEncoding, "chunked") != 0 {
            return Refusal(501, "the only Transfer-Encoding here is chunked: send the body so, or with Content-Length")
        }
        guard let contentLength, announces(contentLength, moreThan: maxBodyBytes) else { return nil }
        return .tooLarge(maxBodyBytes)
    }

    private func announces(_ text: UnsafePointer<CChar>, moreThan limit: Int) -> Bool {
        errno = 0
        // What is no number libmicrohttpd has refused itself.
        let announced = strtoull(text, nil, 10)
        return errno == ERANGE || announced > UInt64(clamping: limit)
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

    /// The server stops.
    static let closing = Refusal(503, "the server is stopping: send the request again")

    /// The body is beyond the limit.
    static func tooLarge(_ maxBodyBytes: Int) -> Refusal {
        Refusal(413, "the body is larger than \(maxBodyBytes) bytes: send less at once, or raise --max-body")
    }
}
