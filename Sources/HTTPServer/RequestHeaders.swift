internal import CMicrohttpd
internal import Glibc

/// What the server itself reads of a request's headers.
struct RequestHeaders {
    private(set) var contentType: UnsafePointer<CChar>?
    private var contentLength: UnsafePointer<CChar>?
    private var contentLengthCount = 0
    private var transferEncoding: UnsafePointer<CChar>?
    private var transferEncodingCount = 0

    /// Reads them; the pointers are valid until the request ends.
    init(_ connection: OpaquePointer) { MHD_get_connection_values(connection, .HEADER_KIND, noteHeader, &self) }

    mutating func note(_ name: UnsafePointer<CChar>, _ value: UnsafePointer<CChar>) {
        switch UInt8(bitPattern: name.pointee) | 0x20 {
        case UInt8(ascii: "c"):
            if strcasecmp(name, "Content-Type") == 0 {
                contentType = value
            } else if strcasecmp(name, "Content-Length") == 0 {
                contentLength = value
                contentLengthCount += 1
            }
        case UInt8(ascii: "t"):
            guard strcasecmp(name, "Transfer-Encoding") == 0 else { return }
            transferEncoding = value
            transferEncodingCount += 1
        default: break
        }
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
struct Refusal {
    let status: Int
    let message: String

    init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The body is beyond the limit.
    static func tooLarge(_ maxBodyBytes: Int) -> Refusal {
        Refusal(413, "the body is larger than \(maxBodyBytes) bytes: send less at once, or raise --max-body")
    }
}
