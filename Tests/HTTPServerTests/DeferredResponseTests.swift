import Glibc
import HTTPServer
import ServerSupport
import Synchronization
import Testing

/// Answers that come from another thread, later.
@Suite("HTTP answers put off")
struct DeferredResponseTests {
    @Test("an answer that is put off comes, and the connection is kept", arguments: ["/later", "/at-once"])
    func keepAlive(prefix: String) throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        for body in ["one", "", "three", String(repeating: "4", count: 1_000_000)] {
            client.post("\(prefix)/echo", body)
            let response = try client.response()
            #expect(response.status == 200)
            #expect(response.body == body)
            client.post("/echo", "at once")
            #expect(try client.response().body == "at once")
        }
        #expect(eventually { server.activeRequestCount == 0 })
    }

    @Test("requests sent at once are answered in order, whichever are put off")
    func pipelining() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        let bodies = (0..<60).map { String(repeating: "\($0),", count: $0 * 7) }
        let prefixes = ["/later", "", "/at-once"]
        client.send(
            bodies.enumerated().map { index, body in
                "POST \(prefixes[index % 3])/echo HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }.joined())
        for body in bodies { #expect(try client.response().body == body) }
    }

    @Test("a request in pieces, in chunks, or after 100 Continue is put off as any other")
    func forms() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        for byte in "POST /later/echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello" {
            client.send(String(byte))
        }
        #expect(try client.response().body == "hello")
        client.send(
            "POST /later/echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        #expect(try client.response().body == "abcde")
        client.send("POST /later/echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        #expect(try client.response().status == 100)
        client.send("body")
        #expect(try client.response().body == "body")
        client.post("/later/echo", "last", headers: "Connection: close\r\n")
        #expect(try client.response().body == "last")
        #expect(client.isClosed())
    }

    @Test("HEAD, statuses and headers are those of the answer that is put off")
    func answerHeaders() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.send("HEAD /later/x HTTP/1.1\r\nHost: t\r\n\r\n")
        let head = try client.response(hasBody: false)
        #expect(head.status == 404)
        #expect(head.headers["content-length"] == "7")
        client.post("/later/allow", "")
        let response = try client.response()
        #expect(response.status == 405)
        #expect(response.headers["allow"] == "GET, HEAD")
        client.post("/later/large", "")
        #expect(try client.response().body.utf8.count == TestRoutes.largeBytes)
    }

    @Test("many clients at once each get their own answers, put off or not")
    func manyClients() throws {
        let server = try startServer()
        let right = Atomic<Int>(0)
        onThreads(16) { [port = server.port] index in
            for round in 0..<5 {
                guard let client = try? RawClient(port: port) else { return }
                for turn in 0..<20 {
                    let body = String(repeating: "\(index)/\(round)/\(turn) ", count: 1 + 50 * turn)
                    client.post(["/later/echo", "/echo", "/at-once/echo"][turn % 3], body)
                    if (try? client.response())?.body == body { right.add(1, ordering: .relaxed) }
                }
            }
        }
        #expect(right.load(ordering: .relaxed) == 1600)
        #expect(eventually { server.openConnectionCount == 0 && server.activeRequestCount == 0 })
    }

    @Test("many answers put off at once do not keep others waiting")
    func othersGoOn() throws {
        let held = HeldExchanges()
        let server = try startServer(holding: held, threads: 1)
        let clients = try (0..<200).map { _ in try RawClient(port: server.port) }
        for (index, client) in clients.enumerated() { client.post("/held", "\(index)") }
        #expect(eventually { held.count == 200 })
        let other = try RawClient(port: server.port)
        other.post("/echo", "other")
        #expect(try other.response().body == "other")
        held.finishAll()
        for (index, client) in clients.enumerated() { #expect(try client.response().body == "\(index)") }
        #expect(eventually { server.activeRequestCount == 0 })
    }

    @Test("an exchange learns that its client is gone", arguments: [RawClient.Leaving.close, .reset, .finishSending])
    func clientGone(_ leaving: RawClient.Leaving) throws {
        let held = HeldExchanges()
        let server = try startServer(holding: held)
        let stays = try RawClient(port: server.port)
        stays.post("/held", "stays")
        let goes = try (0..<20).map { index in
            let client = try RawClient(port: server.port)
            // What follows a request does not hide that the client is gone.
            client.post("/held", "goes")
            if index % 2 == 1 { client.send("POST /echo HTTP/1.1\r\n") }
            return client
        }
        #expect(eventually { held.count == 21 })
        #expect(held.abandonedCount == 0)
        for client in goes { client.leave(leaving) }
        #expect(eventually { held.abandonedCount == 20 })
        held.finishAll()
        #expect(try stays.response().body == "stays")
        #expect(eventually { server.openConnectionCount == 1 && server.activeRequestCount == 0 })
    }

    @Test("whose time is over gets an answer, however long it takes to finish")
    func late() throws {
        let held = HeldExchanges(areLate: true)
        let server = try startServer(holding: held, threads: 1)
        for round in 1...3 {
            let client = try RawClient(port: server.port)
            client.post("/held", "late")
            let answer = try client.response()
            #expect(answer.status == 504)
            #expect(answer.body.contains("exceeded its time limit"))
            #expect(client.isClosed())
            // Nobody has finished it.
            #expect(held.count == round)
        }
        // What comes of them now goes nowhere, and the next requests are as any.
        held.finishAll()
        #expect(eventually { server.activeRequestCount == 0 })
        let client = try RawClient(port: server.port)
        client.post("/later/echo", "in time")
        #expect(try client.response().body == "in time")
    }

    @Test("an exchange that was abandoned is as new for the next request")
    func abandonedIsReused() throws {
        let held = HeldExchanges()
        let server = try startServer(holding: held, threads: 1)
        for _ in 0..<10 {
            let goes = try RawClient(port: server.port)
            goes.post("/held", "goes")
            #expect(eventually { held.count == 1 })
            goes.leave(.reset)
            #expect(eventually { held.abandonedCount == 1 })
            held.finishAll()
            let stays = try RawClient(port: server.port)
            stays.post("/held", "stays")
            #expect(eventually { held.count == 1 })
            #expect(held.abandonedCount == 0)
            held.finishAll()
            #expect(try stays.response().body == "stays")
        }
    }
}
