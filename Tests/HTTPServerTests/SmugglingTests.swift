import HTTPServer
import ServerSupport
import Testing

/// Requests that a proxy in front may understand otherwise.
@Suite("HTTP smuggling")
struct SmugglingTests {
    private static let hidden = "GET /echo HTTP/1.1\r\nHost: t\r\n\r\n"
    private static let line = "POST /echo HTTP/1.1\r\n"
    private static let start = "\(line)Host: t\r\n"
    private static let length = hidden.utf8.count

    @Test(
        "a request of two meanings gets one answer, 400, and the connection is closed",
        arguments: [
            "\(start)Content-Length : \(length)\r\n\r\n", "\(start)Content-Length\t: \(length)\r\n\r\n",
            "\(start)Transfer-Encoding : chunked\r\n\r\n", "\(start)X: y\r\n Content-Length: \(length)\r\n\r\n",
            "\(start)Content-Length:\r\n\t\(length)\r\n\r\n", "\(start)X: y\rContent-Length: \(length)\r\n\r\n",
            "\(start)X: y\nZ: 1\r\n\r\n", "\(start)Content-Length: \(length)\0000\r\n\r\n",
            "\(start)Authorization: Bearer a\0b\r\n\r\n", "\(start)X: a\0\0Content-Length\05\r\n\r\n",
            "\(start)Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "POST /echo HTTP/1.0\r\nHost: t\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
            "POST /echo HTTP/1.0\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "\(line)\r\n", "\(start)Host: u\r\n\r\n", "GET /echo HTTP/1.1\nHost: t\r\n\r\n",
            "GET /echo\0x HTTP/1.1\r\nHost: t\r\n\r\n",
        ])
    func ambiguous(request: String) throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.send(request + Self.hidden)
        let response = try client.response()
        #expect(response.status == 400)
        #expect(response.body.hasPrefix(#"{"error":"#))
        #expect(client.isClosed())
    }

    @Test(
        "headers of every allowed form are taken",
        arguments: [
            "X:y\r\n", "X:\r\n", "X: \r\n", "!#$%&'*+-.^_`|~9aZ:\t1 2\t3\r\n", "X: a=\"b\"; \u{e9}\r\n",
            "Cookie: a=b; c=d\r\n",
        ])
    func allowed(header: String) throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        for target in ["/echo", "/echo?a=1&b=%20&c"] {
            client.post(target, "body", headers: header)
            #expect(try client.response().body == "body")
        }
        client.send(
            "POST /echo HTTP/1.1\r\nHost: t\r\n\(header)Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
        #expect(try client.response().body == "body")
    }
}
