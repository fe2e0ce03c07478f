import Glibc

/// A client that sends exactly the given bytes, in the given pieces.
public final class RawClient {
    /// A response as received.
    public struct Response: Sendable {
        /// The status code.
        public let status: Int
        /// The headers, by names in lower case.
        public let headers: [String: String]
        /// The body; for JSON, without the newline at its end.
        public let body: String
    }

    /// The reason why there is no response.
    public enum Failure: Error, Equatable {
        /// A system call failed with this error number.
        case notConnected(Int32)
        /// The server has closed the connection.
        case closed(received: String)
        /// Nothing was received for too long.
        case silent(received: String)
    }

    /// The ways in which a client disconnects.
    public enum Leaving: Sendable {
        case close, reset, finishSending
    }

    private var socket: Int32
    private var received: [UInt8] = []

    /// Connects. Waits `seconds` at most for each byte.
    public init(port: Int, seconds: Int = 20) throws(Failure) {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw .notConnected(errno) }
    }

    deinit { if socket >= 0 { close(socket) } }

    /// Whether unread bytes were received, or the server has closed the connection.
    public var hasAnswer: Bool {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) >= 0 || errno != EAGAIN
    }

    /// Disconnects.
    public func leave(_ leaving: Leaving) {
        guard leaving != .finishSending else { return finishSending() }
        if leaving == .reset {
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        close(socket)
        socket = -1
    }

    /// Sends bytes. Stops when the server accepts no more.
    @discardableResult
    public func send(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    /// Closes the sending side, but still receives.
    public func finishSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// Sends a POST with a body.
    public func post(_ path: String, _ body: String, headers: String = "") {
        send("POST \(path) HTTP/1.1\r\nHost: test\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// The next response. A response to HEAD has no body, regardless of its length header.
    public func response(hasBody: Bool = true) throws(Failure) -> Response {
        let head = String(decoding: try take(through: Array("\r\n\r\n".utf8)), as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
        let count = hasBody && status != 100 ? Int(headers["content-length"] ?? "") ?? 0 : 0
        while received.count < count { try receive() }
        let isLine = headers["content-type"] == "application/json" && received.prefix(count).last == 0x0a
        let body = String(decoding: received.prefix(isLine ? count - 1 : count), as: UTF8.self)
        received.removeFirst(count)
        return Response(status: status, headers: headers, body: body)
    }

    /// Whether the server closes the connection without sending more.
    public func isClosed() -> Bool {
        do {
            try receive()
            return false
        } catch {
            return if case .closed = error { true } else { false }
        }
    }

    /// Whether the server has closed the connection. Does not wait.
    public var isClosedNow: Bool {
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN)
    }

    /// Whether unread bytes were received. Does not wait.
    public var isReadable: Bool {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) > 0
    }

    private func take(through end: [UInt8]) throws(Failure) -> [UInt8] {
        var start = 0
        while true {
            if let range = received[start...].firstRange(of: end) {
                defer { received.removeFirst(range.upperBound) }
                return Array(received[..<range.upperBound])
            }
            start = max(0, received.count - end.count)
            try receive()
        }
    }

    private func receive() throws(Failure) {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket, &bytes, bytes.count, 0)
        let text = { String(decoding: self.received.prefix(200), as: UTF8.self) }
        if count == 0 || (count < 0 && errno != EAGAIN) { throw .closed(received: text()) }
        guard count > 0 else { throw .silent(received: text()) }
        received += bytes[..<count]
    }
}
