import HTTPMessages
import HTTPServer
import Memory
import ServerSupport
import Synchronization
import Testing

/// What is decided when the headers are there, and what bodies take of the server's memory.
@Suite("Admission")
struct AdmissionTests {
    /// Refuses what has a token.
    private func admitting(_ exchange: HTTPExchange) -> Bool {
        guard exchange.request.headers[.authorization] != nil else { return true }
        exchange.response.status = 401
        exchange.response.body.append("no")
        return false
    }

    @Test("a body that is not wanted is refused before it comes", arguments: ["", "Expect: 100-continue\r\n"])
    func refused(expectation: String) throws {
        let server = try startServer { $0.admit = { admitting($0) } }
        for body in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
            let client = try RawClient(port: server.port)
            client.send("POST /echo HTTP/1.1\r\nHost: t\r\nAuthorization: a\r\n\(expectation)\(body)\r\n\r\n")
            let response = try client.response()
            #expect(response.status == 401)
            #expect(response.body == "no")
            #expect(response.headers["connection"]?.lowercased() == "close")
            #expect(client.isClosed())
        }
    }

    @Test("a body that is wanted is waited for")
    func admitted() throws {
        let server = try startServer { $0.admit = { admitting($0) } }
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try client.response().status == 100)
        client.send("{}")
        #expect(try client.response().body == "{}")
        // Without a body there is nothing to admit: whoever answers looks at it.
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nAuthorization: a\r\nContent-Length: 0\r\n\r\n")
        #expect(try client.response().status == 200)
    }

    private static let half = String(repeating: "b", count: 1 << 20)

    @Test("a client address has a quarter of the memory for bodies, until they are answered", arguments: [false, true])
    func share(isChunked: Bool) throws {
        let memory = MemoryAccount(limitBytes: 16 << 20)
        let held = HeldExchanges()
        let server = try startServer(holding: held) { $0.memory = memory }
        var clients: [RawClient] = []
        let length = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(2 << 20)"
        let body = isChunked ? "200000\r\n\(Self.half)" : Self.half
        let first = try RawClient(port: server.port)
        first.send("POST /held HTTP/1.1\r\nHost: t\r\n\(length)\r\n\r\n\(body)")
        #expect(eventually { memory.usedBytes(for: .requests) >= 1 << 20 })
        for _ in 0..<8 {
            let client = try RawClient(port: server.port)
            client.send("POST /held HTTP/1.1\r\nHost: t\r\n\(length)\r\n\r\n\(body)")
            clients.append(client)
        }
        #expect(eventually { clients.contains { $0.isReadable } })
        #expect(memory.usedBytes(for: .requests) <= 4 << 20)
        let refused = try #require(clients.first { $0.isReadable })
        let response = try refused.response()
        #expect(response.status == 503)
        #expect(response.headers["retry-after"] == "1")
        #expect(response.body.contains("one address may use"))
        #expect(refused.isClosed())
        clients = []
        #expect(eventually { server.openConnectionCount == 1 })
        first.send(isChunked ? "\(Self.half)\r\n0\r\n\r\n" : Self.half)
        #expect(eventually { held.count == 1 })
        held.finishAll()
        #expect(try first.response().body.utf8.count == 2 << 20)
    }

    @Test("without memory a body is refused, and its client may try again")
    func memoryShort() throws {
        let memory = MemoryAccount(limitBytes: 16 << 20)
        #expect(memory.take(15 << 20, for: .runs))
        let server = try startServer { $0.memory = memory }
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: \(2 << 20)\r\n\r\n\(Self.half)\(Self.half)")
        let response = try client.response()
        #expect(response.status == 503)
        #expect(response.headers["retry-after"] == "1")
        memory.give(15 << 20, for: .runs)
        let next = try RawClient(port: server.port)
        next.post("/echo", Self.half)
        #expect(try next.response().body == Self.half)
    }

    @Test("a length that can never be had is refused at once")
    func never() throws {
        let memory = MemoryAccount(limitBytes: 16 << 20)
        let server = try startServer { $0.memory = memory }
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: \(5 << 20)\r\n\r\n")
        let response = try client.response()
        #expect(response.status == 413)
        #expect(response.body.contains("--memory-limit"))
        #expect(client.isClosed())
    }
}
