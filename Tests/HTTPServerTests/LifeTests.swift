import Glibc
import HTTPServer
import ServerSupport
import Synchronization
import Testing

/// Starting, working with many clients, stopping.
@Suite("HTTP server")
struct LifeTests {
    @Test("many clients at once each get their own answers")
    func manyClients() throws {
        let server = try startServer()
        let right = Atomic<Int>(0)
        onThreads(16) { [port = server.port] index in
            for round in 0..<10 {
                guard let client = try? RawClient(port: port) else { return }
                for turn in 0..<10 {
                    let body = String(repeating: "\(index)/\(round)/\(turn) ", count: 1 + 100 * turn)
                    client.post("/echo", body)
                    if (try? client.response())?.body == body { right.add(1, ordering: .relaxed) }
                }
            }
        }
        #expect(right.load(ordering: .relaxed) == 1600)
        #expect(eventually { server.openConnectionCount == 0 })
    }

    @Test("connections are spread evenly over the threads")
    func spread() throws {
        let server = try startServer(threads: 3)
        let clients = try (0..<12).map { _ in try RawClient(port: server.port) }
        var counts: [String: Int] = [:]
        for client in clients {
            client.post("/thread", "")
            counts[try client.response().body, default: 0] += 1
        }
        #expect(counts.values.sorted() == [4, 4, 4])
    }

    @Test("a port that is in use is named, and what to do")
    func portInUse() throws {
        let first = try startServer()
        let error = #expect(throws: HTTPServerError.self) { try startServer { $0.port = first.port } }
        #expect(error?.kind == .portInUse)
        #expect(
            error?.description == "port \(first.port) on 127.0.0.1 is in use: choose another with --port")
    }

    @Test(
        "an address that cannot be listened on is named, and what to do",
        arguments: [
            ("192.0.2.1", 0, "192.0.2.1 is not an address of this machine: give another with --host"),
            ("127.0.0.1", 65536, "port 65536 is not between 0 and 65535"),
            ("127.0.0.1", -1, "port -1 is not between 0 and 65535"),
            (
                "300.1.2.3", 0,
                "host \"300.1.2.3\": Name or service not known; give an address of this machine with --host"
            ),
        ])
    func badAddress(host: String, port: Int, description: String) {
        let error = #expect(throws: HTTPServerError.self) {
            try startServer {
                $0.host = host
                $0.port = port
            }
        }
        // What a resolver says differs with the network that there is.
        #expect(error?.description == description || host == "300.1.2.3")
        #expect(error?.kind == .badHost)
    }

    @Test("a port can be listened on again at once")
    func restart() throws {
        let first = try startServer()
        let client = try RawClient(port: first.port)
        client.post("/echo", "one")
        #expect(try client.response().body == "one")
        first.stop()
        let second = try startServer { $0.port = first.port }
        let next = try RawClient(port: second.port)
        next.post("/echo", "two")
        #expect(try next.response().body == "two")
    }

    @Test("stopping answers what has come, tells to close, and refuses what comes later")
    func stopDrains() throws {
        let server = try startServer(threads: 1)
        // One is being answered, the others wait for the thread.
        let clients = try (0..<5).map { _ in try RawClient(port: server.port) }
        for (index, client) in clients.enumerated() { client.post("/slow", "\(index)") }
        let idle = try RawClient(port: server.port)
        usleep(TestRoutes.slowMicroseconds / 2)
        server.stop()
        for (index, client) in clients.enumerated() {
            let response = try client.response()
            #expect(response.body == "\(index)")
            if index > 0 { #expect(response.headers["connection"] == "close") }
            #expect(client.isClosed())
        }
        #expect(idle.isClosed())
        #expect(throws: RawClient.Failure.notConnected(ECONNREFUSED)) { try RawClient(port: server.port) }
        #expect(server.openConnectionCount == 0)
    }

    @Test("stopping waits no longer than it is told")
    func stopTimeout() throws {
        let server = try startServer()
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nhalf")
        #expect(eventually { server.activeRequestCount == 1 })
        #expect(!server.stop(drainSeconds: 0))
        #expect(client.isClosed())
        server.stop()
    }

    @Test("stopping waits for answers that are put off")
    func stopWaits() throws {
        let held = HeldExchanges()
        let server = try startServer(holding: held)
        let clients = try (0..<20).map { _ in try RawClient(port: server.port) }
        for (index, client) in clients.enumerated() { client.post("/held", "\(index)") }
        #expect(eventually { held.count == 20 })
        onThread {
            usleep(200_000)
            held.finishAll()
        }
        #expect(server.stop())
        for (index, client) in clients.enumerated() {
            let response = try client.response()
            #expect(response.body == "\(index)")
            #expect(response.headers["connection"] == "close")
            #expect(client.isClosed())
        }
    }

    @Test("what is put off beyond the drain time is abandoned, and may still be finished")
    func stopAbandons() throws {
        let held = HeldExchanges()
        let server = try startServer(holding: held)
        let clients = try (0..<4).map { _ in try RawClient(port: server.port) }
        for client in clients { client.post("/held", "late") }
        #expect(eventually { held.count == 4 })
        onThread {
            while held.abandonedCount < 4 { usleep(1000) }; held.finishAll()
        }
        #expect(!server.stop(drainSeconds: 0, graceSeconds: 10))
        for client in clients { #expect(try client.response().body == "late") }
        #expect(server.openConnectionCount == 0)
    }

    @Test("stopping does not hang when an answer never comes")
    func stopGivesUp() throws {
        let held = HeldExchanges()
        var server: HTTPServer? = try startServer(holding: held, threads: 1)
        let port = try #require(server?.port)
        let client = try RawClient(port: port)
        client.post("/held", "never")
        #expect(eventually { held.count == 1 })
        #expect(server?.stop(drainSeconds: 0) == false)
        let response = try client.response()
        #expect(response.status == 503)
        #expect(response.headers["connection"] == "close")
        #expect(response.body == "{\"error\":\"the server is stopping: send the request again\"}")
        #expect(client.isClosed())
        #expect(throws: RawClient.Failure.notConnected(ECONNREFUSED)) { try RawClient(port: port) }
        server = nil
        // The exchange and its memory are still there.
        held.finishAll()
    }

    @Test(
        "what a client sent without waiting for answers is answered while stopping",
        arguments: ["/slow", "/later/slow"])
    func stopPipelined(path: String) throws {
        let server = try startServer(threads: 1)
        let client = try RawClient(port: server.port)
        let request = "POST \(path) HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n"
        client.send((0..<5).map { "\(request)\($0)" }.joined())
        #expect(eventually { server.activeRequestCount == 1 })
        #expect(server.stop())
        for index in 0..<5 {
            let response = try client.response()
            #expect(response.body == "\(index)")
            #expect(response.headers["connection"] == (index == 4 ? "close" : nil))
        }
        #expect(client.isClosed())
    }

    @Test("while draining, connections are taken and answers tell to close")
    func draining() throws {
        let server = try startServer()
        let kept = try RawClient(port: server.port)
        kept.post("/echo", "before")
        #expect(try kept.response().headers["connection"] == nil)
        server.beginDraining()
        let new = try RawClient(port: server.port)
        for client in [kept, new] {
            client.post("/later/echo", "after")
            let response = try client.response()
            #expect(response.body == "after")
            #expect(response.headers["connection"] == "close")
            #expect(client.isClosed())
        }
        #expect(server.stop())
    }
}
