import Glibc

/// A client that sends exactly what it is told, in the pieces it is told.
public final class RawClient {
    /// An answer as it came.
    public struct Response: Sendable {
        /// The status code.
        public let status: Int
        /// The headers, by their names in lower case.
        public let headers: [String: String]
        /// The body; of JSON, without the newline that it ends with.
        public let body: String
    }

    /// Why there is no answer.
    public enum Failure: Error, Equatable {
        /// With this error number.
        case notConnected(Int32)
        /// The server has closed the connection.
        case closed(received: String)
        /// Nothing came for too long.
        case silent(received: String)
    }

    /// How a client goes away.
    public enum Leaving: Sendable {
        case close, reset, finishSending
    }

    private var socket: Int32
    private var received: [UInt8] = []

    /// Connects. Waits at most `seconds` for each byte.
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

    /// Whether something has come that was not read, or the server has closed the connection.
    public var hasAnswer: Bool {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) >= 0 || errno != EAGAIN
    }

    /// Goes away.
    public func leave(_ leaving: Leaving) {
        guard leaving != .finishSending else { return finishSending() }
        if leaving == .reset {
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        close(socket)
        socket = -1
    }

    /// Sends; stops when the server does not take more.
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

    /// Sends nothing more, but still receives.
    public func finishSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// Sends a POST with a body.
    public func post(_ path: String, _ body: String, headers: String = "") {
        send("POST \(path) HTTP/1.1\r\nHost: test\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// The next answer. One to HEAD has no body, whatever its length says.
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

    /// Whether the server closes, having sent nothing more.
    public func isClosed() -> Bool {
        do {
            try receive()
            return false
        } catch {
            return if case .closed = error { true } else { false }
        }
    }

    /// Whether the server has closed by now; does not wait.
    public var isClosedNow: Bool {
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN)
    }

    /// Whether something has come that was not read yet; does not wait.
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
