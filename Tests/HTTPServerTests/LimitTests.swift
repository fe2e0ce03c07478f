import Glibc
import HTTPServer
import ServerSupport
import Testing

/// A request that libmicrohttpd refuses itself.
struct Malformed: CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let status: Int

    init(_ name: String, line: String = "POST /echo HTTP/1.1\r\nHost: t", _ rest: String, _ status: Int) {
        testDescription = name
        text = "\(line)\r\n\(rest)"
        self.status = status
    }
}

/// What is too large, too slow, or not HTTP.
@Suite("HTTP limits")
struct LimitTests {
    private let tooLarge =
        #"{"error":"the body is larger than 1000 bytes: send less at once, or raise --max-body"}"#

    private func small() throws -> HTTPServer { try startServer { $0.maxBodyBytes = 1000 } }

    @Test("a body of just the limit is taken, with and without chunks")
    func justTheLimit() throws {
        let server = try small()
        let client = try RawClient(port: server.port)
        let body = String(repeating: "b", count: 1000)
        client.post("/echo", body)
        #expect(try client.response().body == body)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n\(body)\r\n0\r\n\r\n")
        #expect(try client.response().body == body)
    }

    @Test(
        "an announced length beyond the limit is answered before the body",
        arguments: ["1001", "0001001", "999999999999999999", "9223372036854775808", "18446744073709551615"])
    func announced(length: String) throws {
        let server = try small()
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: \(length)\r\n\r\n")
        let response = try client.response()
        #expect(response.status == 413)
        #expect(response.body == tooLarge)
        #expect(response.headers["connection"] == "close")
        #expect(client.isClosed())
    }

    @Test("a client that sends on after 413 still gets it")
    func lingering() throws {
        let server = try small()
        let client = try RawClient(port: server.port)
        client.post("/echo", String(repeating: "b", count: 8 << 20))
        let response = try client.response()
        #expect(response.status == 413)
        #expect(response.body == tooLarge)
    }

    @Test("a chunked body beyond the limit is answered while the client still sends", arguments: [1001, 500_000])
    func chunkedTooLargeWithoutEnd(count: Int) throws {
        let server = try small()
        let client = try RawClient(port: server.port)
        client.post("/echo", "first")
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send("\(String(count, radix: 16))\r\n\(String(repeating: "b", count: count))\r\n")
        #expect(try client.response().body == "first")
        let response = try client.response()
        #expect(response.status == 413)
        #expect(response.body == tooLarge)
        #expect(response.headers["connection"] == "close")
        #expect(client.isClosed())
        // It is read on.
        for _ in 0..<100 { #expect(client.send("10000\r\n\(String(repeating: "b", count: 65536))\r\n")) }
    }

    @Test("a client that reads only after it has sent a large chunked body gets 413")
    func chunkedTooLargeUnread() throws {
        let server = try small()
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk = "10000\r\n\(String(repeating: "b", count: 65536))\r\n"
        for _ in 0..<500 { #expect(client.send(chunk)) }
        client.send("0\r\n\r\n")
        let response = try client.response()
        #expect(response.status == 413)
        #expect(response.body == tooLarge)
    }

    @Test("a chunked body beyond the limit is answered at its end", arguments: [1001, 500_000])
    func chunkedTooLarge(count: Int) throws {
        let server = try small()
        let client = try RawClient(port: server.port)
        let body = String(repeating: "b", count: count)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send("\(String(count, radix: 16))\r\n\(body)\r\n0\r\n\r\n")
        let response = try client.response()
        #expect(response.status == 413)
        #expect(response.body == tooLarge)
    }

    @Test("a chunked body without end is cut")
    func endless() throws {
        let server = try small()
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk = "10000\r\n\(String(repeating: "b", count: 65536))\r\n"
        // It is answered at once, and read on for some seconds.
        #expect((0..<1_000_000).contains { _ in !client.send(chunk) })
    }

    @Test(
        "a body whose length can be understood in two ways is refused",
        arguments: [
            ("Content-Length: 2\r\nContent-Length: 2\r\n", 400), ("Content-Length: 2\r\nContent-Length: 3\r\n", 400),
            ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", 400),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
            ("Transfer-Encoding: gzip, chunked\r\n", 501), ("transfer-encoding: identity\r\n", 501),
        ])
    func framing(headers: String, status: Int) throws {
        let server = try small()
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\n\(headers)\r\n2\r\n{}\r\n0\r\n\r\n")
        let response = try client.response()
        #expect(response.status == status)
        #expect(response.body.hasPrefix(#"{"error":"the "#))
        #expect(client.isClosed())
    }

    @Test(
        "what is no HTTP is refused, and the server lives on",
        arguments: [
            Malformed("negative length", "Content-Length: -2\r\n\r\n{}", 400),
            Malformed("length with a letter", "Content-Length: 2x\r\n\r\n{}", 400),
            Malformed("empty length", "Content-Length: \r\n\r\n{}", 400),
            Malformed("length of 65 bits", "Content-Length: 18446744073709551616\r\n\r\n{}", 413),
            Malformed("negative chunk", "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
            Malformed("chunk of 72 bits", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 413),
            Malformed("long path", line: "GET /\(String(repeating: "a", count: 40000)) HTTP/1.1", "\r\n", 414),
            Malformed("long header", "X: \(String(repeating: "a", count: 40000))\r\n\r\n", 431),
            Malformed("many headers", "\(String(repeating: "X: a\r\n", count: 10000))\r\n", 431),
            Malformed("no version", line: "GET /", "\r\n", 400),
            Malformed("HTTP/2", line: "PRI * HTTP/2.0", "\r\nSM\r\n\r\n", 505),
        ])
    func malformed(_ request: Malformed) throws {
        let server = try small()
        let client = try RawClient(port: server.port)
        client.send(request.text)
        #expect(try client.response().status == request.status)
        let next = try RawClient(port: server.port)
        next.post("/echo", "alive")
        #expect(try next.response().body == "alive")
    }

    @Test("clients that are idle or too slow are cut")
    func slowClients() throws {
        let server = try startServer { $0.idleTimeoutSeconds = 1 }
        let quiet = try RawClient(port: server.port)
        let headers = try RawClient(port: server.port)
        headers.send("POST /echo HTTP/1.1\r\nX: ")
        let body = try RawClient(port: server.port)
        body.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 500\r\n\r\n")
        let chunk = try RawClient(port: server.port)
        chunk.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n1;")
        let kept = try RawClient(port: server.port)
        kept.post("/echo", "one")
        #expect(try kept.response().body == "one")
        let reader = try RawClient(port: server.port)
        reader.send("POST /large HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")
        #expect(
            eventually {
                for client in [headers, body, chunk] where !client.isClosedNow { client.send("a") }
                usleep(100_000)
                return [quiet, headers, body, chunk, kept].allSatisfy(\.isClosedNow)
            })
        #expect(eventually { server.openConnectionCount == 0 && server.activeRequestCount == 0 })
    }

    @Test("clients that go away in the middle leave nothing behind")
    func disconnects() throws {
        let server = try startServer()
        for index in 0..<200 {
            let client = try RawClient(port: server.port)
            switch index % 4 {
            case 0: client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\nhalf")
            case 1: client.send("POST /ec")
            case 2: client.send("POST /large HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")
            default: client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
            }
        }
        #expect(eventually { server.openConnectionCount == 0 && server.activeRequestCount == 0 })
        let client = try RawClient(port: server.port)
        client.post("/echo", "alive")
        #expect(try client.response().body == "alive")
    }

    @Test("a client that has closed its sending end is still answered")
    func halfClosed() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.post("/slow", "whole")
        client.finishSending()
        #expect(try client.response().body == "whole")
    }

    @Test("clients that go away while their answers are put off leave nothing behind")
    func disconnectsWhileDeferred() throws {
        let held = HeldExchanges()
        let server = try startServer(holding: held)
        for index in 0..<300 {
            let client = try RawClient(port: server.port)
            client.post("/held", String(repeating: "b", count: 5000))
            #expect(eventually { held.count > index % 50 })
            client.leave([.close, .reset, .finishSending][index % 3])
            if index % 50 == 49 {
                #expect(eventually { held.abandonedCount == 50 })
                held.finishAll()
            }
        }
        #expect(eventually { server.openConnectionCount == 0 && server.activeRequestCount == 0 })
        let client = try RawClient(port: server.port)
        client.post("/later/echo", "alive")
        #expect(try client.response().body == "alive")
    }

    @Test("connections that have long been idle make room for others")
    func makingRoom() throws {
        let server = try startServer { $0.maxConnections = 4 }
        let idle = try (0..<3).map { _ in try RawClient(port: server.port) }
        let busy = try RawClient(port: server.port)
        busy.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nbu")
        #expect(eventually { server.openConnectionCount == 4 && server.activeRequestCount == 1 })
        let waiting = try RawClient(port: server.port)
        waiting.post("/echo", "waited")
        #expect(try waiting.response().body == "waited")
        #expect(idle.contains { $0.isClosedNow })
        busy.send("sy")
        #expect(try busy.response().body == "busy")
    }

    @Test("connections beyond the limit wait for their turn")
    func connectionLimit() throws {
        let server = try startServer { $0.maxConnections = 2 }
        var clients = try (0..<2).map { _ in try RawClient(port: server.port) }
        for client in clients { client.post("/echo", "in") }
        for client in clients { #expect(try client.response().body == "in") }
        let waiting = try RawClient(port: server.port)
        waiting.post("/echo", "waited")
        usleep(100_000)
        #expect(server.openConnectionCount == 2)
        clients.removeLast()
        #expect(try waiting.response().body == "waited")
    }
}
