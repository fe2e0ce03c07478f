import Glibc

/// One request before the load, so that a request that cannot succeed is not repeated.
enum FirstRequest {
    /// The response's status, and the beginning of its body.
    struct Response {
        let status: Int
        let excerpt: String
    }

    private static let excerptBytes = 400
    private static let maxKeptBytes = 64 << 10
    private static let waitMilliseconds: Int32 = 60_000

    /// Sends a request, and waits for the response.
    ///
    /// - Parameters:
    ///   - request: The bytes.
    ///   - server: The server.
    /// - Returns: The response.
    /// - Throws: ``ServerSocket/Failure`` if there is none.
    static func send(_ request: [UInt8], to server: ServerSocket) throws(ServerSocket.Failure) -> Response {
        guard let descriptor = server.connect() else {
            throw ServerSocket.Failure(reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var sent = 0
        var reader = ResponseReader()
        var kept: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            var waiting = pollfd(
                fd: descriptor, events: Int16(sent < request.count ? POLLIN | POLLOUT : POLLIN), revents: 0)
            let ready = poll(&waiting, 1, waitMilliseconds)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { throw ServerSocket.Failure(reason: "no response within a minute") }
            if waiting.revents & Int16(POLLOUT) != 0 {
                let count = request[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count > 0 { sent += count }
            }
            guard waiting.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { continue }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else {
                if count == 0, reader.endsWithConnection { return response(reader, kept) }
                let reason = count == 0 ? "the server closed the connection" : String(cString: strerror(errno))
                throw ServerSocket.Failure(reason: reason)
            }
            if kept.count < maxKeptBytes { kept += buffer[..<count] }
            switch buffer[..<count].withUnsafeBytes({ reader.read($0) }) {
            case .unfinished: continue
            case .complete: return response(reader, kept)
            case .malformed: throw ServerSocket.Failure(reason: "what it sends is not HTTP/1.1")
            }
        }
    }

    private static func response(_ reader: ResponseReader, _ kept: [UInt8]) -> Response {
        let end = Array("\r\n\r\n".utf8)
        let body = kept.firstRange(of: end).map { kept[$0.upperBound...] } ?? []
        let text = String(decoding: body.prefix(excerptBytes), as: UTF8.self)
        return Response(status: reader.status, excerpt: text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }
}
