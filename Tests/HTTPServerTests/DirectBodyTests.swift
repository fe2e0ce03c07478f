import Glibc
import HTTPServer
import ServerSupport
import Testing

/// Large bodies, whose rest is received directly into the exchange's memory.
@Suite("HTTP large bodies")
struct DirectBodyTests {
    /// A text in which every place differs from the others nearby.
    private static func text(_ count: Int, _ seed: Int = 0) -> String {
        var text = ""
        var number = seed
        while text.utf8.count < count {
            text += "\(number),"
            number += 1
        }
        return String(text.prefix(count))
    }

    private static func head(_ count: Int) -> String {
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: \(count)\r\n\r\n"
    }

    @Test(
        "every byte arrives in its place, also of a second body and of a request behind them",
        arguments: [65_535, 65_536, 73_000, 81_920, 200_000, 1 << 20, 3_150_001])
    func inPlace(count: Int) throws {
        let server = try startServer(threads: 1)
        let client = try RawClient(port: server.port)
        let first = Self.text(count)
        let second = Self.text(count - 1000, 77)
        client.send(Self.head(first.utf8.count) + first)
        #expect(try client.response().body == first)
        client.send(Self.head(second.utf8.count) + second + Self.head(5) + "third")
        #expect(try client.response().body == second)
        #expect(try client.response().body == "third")
    }

    @Test("pipelined large bodies keep their borders")
    func pipelined() throws {
        let server = try startServer(threads: 1)
        let client = try RawClient(port: server.port)
        let bodies = (0..<4).map { Self.text(80_000 + 7919 * $0, $0) }
        client.send(bodies.map { Self.head($0.utf8.count) + $0 }.joined())
        for body in bodies { #expect(try client.response().body == body) }
    }

    @Test("a body may come in pieces of any size, after its head or with it", arguments: [true, false])
    func pieces(isHeadAlone: Bool) throws {
        let server = try startServer(threads: 1)
        let client = try RawClient(port: server.port)
        let body = Self.text(300_000)
        client.send(Self.head(body.utf8.count))
        if isHeadAlone { usleep(20_000) }
        var rest = Array(body.utf8)[...]
        for size in [1, 9000, 1, 40_000, 3, 100_000, 65_536, 1 << 20] {
            client.send(String(decoding: rest.prefix(size), as: UTF8.self))
            rest = rest.dropFirst(size)
            usleep(3000)
        }
        #expect(try client.response().body == body)
    }

    @Test("bodies of several clients of one thread do not mix")
    func interleaved() throws {
        let server = try startServer(threads: 1)
        let clients = try (0..<8).map { _ in try RawClient(port: server.port) }
        let bodies = clients.indices.map { Self.text(150_000 + 1000 * $0, 1000 * $0) }
        for (client, body) in zip(clients, bodies) { client.send(Self.head(body.utf8.count)) }
        for part in 0..<5 {
            for (client, body) in zip(clients, bodies) {
                let bytes = Array(body.utf8)
                let size = bytes.count / 5 + 1
                let piece = bytes[min(bytes.count, part * size)..<min(bytes.count, (part + 1) * size)]
                client.send(String(decoding: piece, as: UTF8.self))
            }
        }
        for (client, body) in zip(clients, bodies) { #expect(try client.response().body == body) }
    }

    @Test("a client that leaves in the middle leaves nothing behind", arguments: [RawClient.Leaving.close, .reset])
    func leaving(_ leaving: RawClient.Leaving) throws {
        let server = try startServer(threads: 1)
        for _ in 0..<20 {
            let client = try RawClient(port: server.port)
            client.send(Self.head(500_000) + Self.text(150_000))
            client.leave(leaving)
        }
        // The same numbers of sockets, and the same exchanges.
        let client = try RawClient(port: server.port)
        let body = Self.text(400_000)
        client.send(Self.head(body.utf8.count) + body)
        #expect(try client.response().body == body)
    }

    @Test("a connection that is closed by the server's limit of time does not stop the others")
    func slow() throws {
        let server = try startServer(threads: 1) { $0.idleTimeoutSeconds = 1 }
        let slow = try RawClient(port: server.port)
        slow.send(Self.head(500_000) + Self.text(100_000))
        #expect(slow.isClosed())
        let client = try RawClient(port: server.port)
        let body = Self.text(200_000)
        client.send(Self.head(body.utf8.count) + body)
        #expect(try client.response().body == body)
    }

    @Test("a client that closes its sending end is answered, though its body waits while the thread works for others")
    func halfClosed() throws {
        let server = try startServer(threads: 1)
        let client = try RawClient(port: server.port)
        let others = try (0..<40).map { _ in try RawClient(port: server.port) }
        // The first keeps the thread busy until all is sent. Then one turn of the thread takes the body, and works for seconds.
        for other in others { other.post("/slow", "other") }
        let body = Self.text(1 << 20)
        client.send(Self.head(body.utf8.count) + body)
        client.finishSending()
        #expect(try client.response().body == body)
        for other in others { #expect(try other.response().body == "other") }
    }
}
