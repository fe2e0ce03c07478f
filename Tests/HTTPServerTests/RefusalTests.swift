import Glibc
import HTTPMessages
import HTTPServer
import ServerSupport
import Synchronization
import Testing

/// A request that could be understood in two ways, or is no HTTP.
struct Hostile: CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let status: Int

    /// A request whose headers are given.
    init(_ name: String, _ headers: String, body: String = "", status: Int = 400) {
        self.init(name, line: "POST /echo HTTP/1.1", "Host: t\r\n\(headers)\r\n\r\n\(body)", status: status)
    }

    /// A request of any other kind.
    init(_ name: String, line: String, _ rest: String, status: Int = 400) {
        testDescription = name
        text = "\(line)\r\n\(rest)"
        self.status = status
    }
}

/// Requests that hide others, and those that libmicrohttpd answers by itself.
@Suite("HTTP refusals")
struct RefusalTests {
    private static let hidden = "GET /hidden HTTP/1.1\r\nHost: t\r\n\r\n"
    private static let length = hidden.utf8.count

    static let refused = [
        Hostile("space before the colon", "Content-Length : \(length)", body: hidden),
        Hostile("tab before the colon", "Content-Length\t: \(length)", body: hidden),
        Hostile("space in chunked's name", "Transfer-Encoding : chunked", body: "0\r\n\r\n\(hidden)"),
        Hostile("no name", ": a\r\nContent-Length: 0"),
        Hostile("folded length", "Content-Length:\r\n \(length)", body: hidden),
        Hostile("length behind a fold", "X: y\r\n Content-Length: \(length)", body: hidden),
        Hostile("folded by a tab at the end", "Content-Length: 0\r\nX: y\r\n\tz"),
        Hostile("fold before the first header", line: "POST /echo HTTP/1.1", " X: y\r\nHost: t\r\n\r\n"),
        Hostile("length behind CR", "X: y\rContent-Length: \(length)", body: hidden),
        Hostile("CR before CR LF", "X: y\r\r\nContent-Length: 0"),
        Hostile("CR in the first line", line: "POST /echo\r HTTP/1.1", "Host: t\r\n\r\n"),
        Hostile("NUL in a length", "Content-Length: \(length)\u{0}0", body: hidden),
        Hostile("NUL in a value", "X: a\u{0}b\r\nContent-Length: 0"),
        Hostile("NUL at the end", "Content-Length: 0\r\nX: a\u{0}"),
        Hostile("NUL behind the colon", "X:\u{0}a\r\nContent-Length: 0"),
        Hostile("NUL in a name", "X\u{0}: a\r\nContent-Length: 0"),
        Hostile("NUL in the target", line: "GET /echo\u{0}x HTTP/1.1", "Host: t\r\n\r\n"),
        Hostile("two lengths", "Content-Length: 2\r\nContent-Length: 3", body: "{}"),
        Hostile("plus", "Content-Length: +2", body: "{}"), Hostile("minus", "Content-Length: -2", body: "{}"),
        Hostile("list", "Content-Length: 2, 2", body: "{}"), Hostile("no length", "Content-Length: ", body: "{}"),
        Hostile("two numbers", "Content-Length: 2 2", body: "{}"),
        Hostile("both", "Content-Length: 2\r\nTransfer-Encoding: chunked", body: "0\r\n\r\n\(hidden)"),
        Hostile(
            "both in HTTP/1.0", line: "POST /echo HTTP/1.0",
            "Host: t\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Hostile(
            "chunks in HTTP/1.0", line: "POST /echo HTTP/1.0",
            "Host: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Hostile("odd coding", "Content-Length: 2\r\nTransfer-Encoding: xchunked", body: "{}"),
        Hostile("odd blank", "Content-Length: 2\r\ntransfer-ENCODING:\u{b}chunked", body: "{}"),
        Hostile("no Host", line: "GET /echo HTTP/1.1", "\r\n"), Hostile("two Hosts", "Host: u\r\nContent-Length: 0"),
        Hostile("no colon", "X\r\nContent-Length: 0"), Hostile("no version", line: "GET /", "Host: t\r\n\r\n"),
        Hostile("300 headers", "\(String(repeating: "a:b\r\n", count: 300))b:c", status: 431),
        Hostile("length of 65 bits", "Content-Length: 18446744073709551616", body: "x", status: 413),
        Hostile("chunk of 64 bits", "Transfer-Encoding: chunked", body: "ffffffffffffffff\r\nabc", status: 413),
        Hostile("chunk of 63 bits", "Transfer-Encoding: chunked", body: "7FFFFFFFFFFFFFFF;a=b\r\nabc", status: 413),
        Hostile(
            "second chunk of 64 bits", "Transfer-Encoding: chunked", body: "1\r\na\r\nFFFFFFFFFFFFFFFE\r\nabc",
            status: 413),
        Hostile("no chunk", "Transfer-Encoding: chunked", body: "zz\r\nabc"),
        Hostile("no end of a chunk", "Transfer-Encoding: chunked", body: "2\r\n{}xx0\r\n\r\n"),
        Hostile(
            "long extension of a chunk", "Transfer-Encoding: chunked",
            body: "2;\(String(repeating: "a", count: 100_000))\r\n{}\r\n0\r\n\r\n"),
    ]

    @Test("is answered once, in JSON, and the connection is closed", arguments: refused, [false, true])
    func isRefused(request: Hostile, isSecond: Bool) throws {
        let noted = Mutex<[Int]>([])
        let server = try startServer { configuration in
            configuration.onRefusal = { exchange in noted.withLock { $0.append(exchange.response.status) } }
        }
        let client = try RawClient(port: server.port)
        if isSecond {
            client.post("/echo", "first")
            #expect(try client.response().body == "first")
        }
        client.send(request.text)
        let response = try client.response()
        #expect(response.status == request.status)
        #expect(response.headers["content-type"] == "application/json")
        #expect(response.headers["connection"]?.lowercased() == "close")
        #expect(response.body.hasPrefix(#"{"error":""#) && response.body.hasSuffix(#""}"#))
        #expect(client.isClosed())
        #expect(noted.withLock { $0 } == [request.status])
        #expect(eventually { server.openConnectionCount == 0 && server.activeRequestCount == 0 })
    }

    @Test(
        "what is odd and clear is answered",
        arguments: [
            "GET /allow HTTP/1.1\r\nHost:\r\n\r\n",
            "GET /allow HTTP/1.1\r\nHost: t\r\nX:\r\nY:   z  \r\n\r\n", "GET /allow?a=b%00 HTTP/1.1\r\nHost: t\r\n\r\n",
            "GET /allow? HTTP/1.1\r\nhost: t\r\n\r\n", "\r\nGET /allow HTTP/1.1\r\nHost: t\r\n\r\n",
            "GET /allow HTTP/1.1\r\nHost: t\r\nCookie: \(String(repeating: "a=b; ", count: 1000))\r\n\r\n",
            "GET /allow?\(String(repeating: "a=b&", count: 1000)) HTTP/1.1\r\nHost: t\r\n\r\n",
        ])
    func isAnswered(text: String) throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        for _ in 0..<3 {
            client.send(text)
            #expect(try client.response().status == 405)
        }
    }

    @Test("a head that comes byte by byte, and has many headers, is what it is at once")
    func slowly() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        for _ in 0..<3 {
            client.send("GET /allow?x=y HTTP/1.1\r\nHost: t\r\n")
            for index in 0..<150 {
                for byte in "X-\(index): \(String(repeating: "v", count: index % 20))\r\n".unicodeScalars {
                    client.send(String(Character(byte)))
                }
            }
            client.send("\r\n")
            #expect(try client.response().status == 405)
        }
    }
}
