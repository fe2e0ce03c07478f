import HTTPServer
import ServerSupport
import Testing

/// Requests in every form that HTTP/1.1 has, and their answers.
@Suite("HTTP messages")
struct MessageTests {
    @Test("a connection is kept for the next request")
    func keepAlive() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        for body in ["one", "", "three"] {
            client.post("/echo", body)
            let response = try client.response()
            #expect(response.status == 200)
            #expect(response.body == body)
            #expect(response.headers["content-type"] == "application/json")
            #expect(response.headers["connection"] == nil)
        }
    }

    @Test("Connection: close is obeyed")
    func close() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.post("/echo", "last", headers: "Connection: close\r\n")
        #expect(try client.response().body == "last")
        #expect(client.isClosed())
    }

    @Test("requests sent at once are answered in order")
    func pipelining() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        let bodies = (0..<50).map { String(repeating: "\($0),", count: $0 * 7) }
        client.send(
            bodies.map { "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: \($0.utf8.count)\r\n\r\n\($0)" }.joined())
        for body in bodies { #expect(try client.response().body == body) }
    }

    @Test("a request may come byte by byte")
    func byteByByte() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        for byte in "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello" { client.send(String(byte)) }
        #expect(try client.response().body == "hello")
    }

    @Test("a chunked body is put together, whatever the chunks")
    func chunked() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        let text = String((0..<3000).map { Character(Unicode.Scalar(UInt8(97 + $0 % 26))) })
        for size in [1, 7, 1000, 3000] {
            client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
            var rest = Substring(text)
            while !rest.isEmpty {
                let chunk = rest.prefix(size)
                client.send("\(String(chunk.count, radix: 16));extension=1\r\n\(chunk)\r\n")
                rest = rest.dropFirst(size)
            }
            client.send("0\r\nTrailer: x\r\n\r\n")
            #expect(try client.response().body == text)
        }
    }

    @Test("the path comes as it was sent, without the query")
    func path() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        for (sent, seen) in [
            ("/a%2Fb%00c", "/a%2Fb%00c"), ("/a/../b", "/a/../b"), ("/x?y=%20&z", "/x"), ("/x?", "/x"), ("//", "//"),
            ("/%zz%", "/%zz%"), ("/ü", "/ü"), ("*", "*"), ("ftp://test/x", "ftp://test/x"), ("http:/x", "http:/x"),
        ] {
            client.post(sent, "")
            let response = try client.response()
            #expect(response.status == 404)
            #expect(response.body == "post \(seen)")
        }
    }

    @Test(
        "a target with scheme and host is its path",
        arguments: [
            ("http://test/x", "/x"), ("HTTP://test:80/x/y?z=1", "/x/y"), ("https://u@[::1]:1/%2F", "/%2F"),
            ("http://test", "/"),
            ("http://test?x", "/"), ("http://test//", "//"), ("http:///x", "http:///x"), ("http://", "http://"),
        ])
    func absoluteTargets(sent: String, seen: String) throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.post(sent, "")
        #expect(try client.response().body == "post \(seen)")
    }

    @Test("methods are told apart by case")
    func methods() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        for (sent, seen) in [
            ("GET", "get"), ("POST", "post"), ("PUT", "put"), ("DELETE", "delete"), ("OPTIONS", "options"),
            ("PATCH", "other"), ("get", "other"),
        ] {
            client.send("\(sent) /x HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")
            #expect(try client.response().body == "\(seen) /x")
        }
    }

    @Test("HEAD is answered as GET, without the body")
    func head() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.send("HEAD /x HTTP/1.1\r\nHost: t\r\n\r\n")
        let response = try client.response(hasBody: false)
        #expect(response.status == 404)
        #expect(response.headers["content-length"] == "7")
        client.post("/echo", "next")
        #expect(try client.response().body == "next")
    }

    @Test("a client that expects 100 Continue is told to")
    func expectContinue() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        #expect(try client.response().status == 100)
        client.send("body")
        #expect(try client.response().body == "body")
    }

    @Test("what a request measured is known to the handler")
    func measures() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        let request = "POST /measures HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello"
        for _ in 0..<2 {
            client.send(request)
            #expect(try client.response().body == "\(request.utf8.count) true")
        }
    }

    @Test("header names are compared without case, whole, and the last value counts")
    func headerNames() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.post(
            "/echo", "!",
            headers:
                "content-TYPE: a\r\nContent-Type: text/x\r\nContent-Typo: b\r\nContent-Types: c\r\nContent-Typ: d\r\n")
        #expect(try client.response().body == "text/x!")
    }

    @Test("status, media type and allowed methods are the handler's")
    func answerHeaders() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.post("/allow", "")
        let response = try client.response()
        #expect(response.status == 405)
        #expect(response.headers["allow"] == "GET, HEAD")
        #expect(response.headers["content-type"] == "text/plain")
        client.post("/echo", "!", headers: "Content-Type: text/x\r\n")
        let next = try client.response()
        #expect(next.status == 200)
        #expect(next.body == "text/x!")
        #expect(next.headers["allow"] == nil)
        #expect(next.headers["content-type"] == "application/json")
    }

    @Test("bytes after a body can be read", arguments: [0, 1, 4032, 4033, 100_000, 1 << 20])
    func padding(count: Int) throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.post("/padding", String(repeating: "a", count: count))
        #expect(try client.response().body == "read")
    }

    @Test("a large answer comes whole, and the next one too")
    func largeAnswer() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.post("/large", "")
        #expect(try client.response().body.utf8.count == TestRoutes.largeBytes)
        client.post("/echo", "small")
        #expect(try client.response().body == "small")
    }
}
