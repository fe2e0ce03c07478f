import Foundation
import Glibc
import ServerSupport
import Testing
import VectorSupport

/// Requests that may be understood in two ways, as raw bytes.
@Suite("Requests that hide requests", .serialized)
struct SmugglingAttacks {
    /// What came back until the server closed, or nothing came for a second.
    private struct Outcome {
        var statuses: [Int] = []
        var isClosed = false
        var text = ""
    }

    private func send(_ text: String, to server: RunningServer, seconds: Int = 3) throws -> Outcome {
        let client = try RawClient(port: server.port, seconds: seconds)
        client.send(text)
        var outcome = Outcome()
        while true {
            do {
                let answer = try client.response()
                outcome.statuses.append(answer.status)
                outcome.text += answer.body
                // A second block of headers where a body should be.
                if answer.body.contains("HTTP/1.") { outcome.statuses.append(-1) }
            } catch RawClient.Failure.closed(let rest) {
                outcome.isClosed = true
                if !rest.isEmpty { outcome.statuses.append(-2) }
                return outcome
            } catch { return outcome }
        }
    }

    private static let inner = "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    private static let head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

    /// What is wrong, and the bytes.
    private static let ambiguous: [(name: String, text: String)] = [
        ("space before the colon of a length", head + "Content-Length : \(inner.utf8.count)\r\n\r\n" + inner),
        ("tab before the colon of a length", head + "Content-Length\t: \(inner.utf8.count)\r\n\r\n" + inner),
        ("space before the colon of a coding", head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inner),
        ("folded length", head + "Content-Length:\r\n \(inner.utf8.count)\r\n\r\n" + inner),
        ("folded header", head + "X: y\r\n Content-Length: \(inner.utf8.count)\r\n\r\n" + inner),
        ("folded header by a tab", head + "X: y\r\n\tz\r\nContent-Length: 2\r\n\r\n{}" + inner),
        ("bare CR in a value", head + "X: y\rContent-Length: \(inner.utf8.count)\r\n\r\n" + inner),
        ("bare CR before the end", head + "X: y\r\r\nContent-Length: 2\r\n\r\n{}" + inner),
        ("NUL in a length", head + "Content-Length: 2\0 0\r\n\r\n{}" + inner),
        ("NUL in a value", head + "X: a\0b\r\nContent-Length: 2\r\n\r\n{}" + inner),
        ("two lengths", head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} " + inner),
        ("list of lengths", head + "Content-Length: 2, 2\r\n\r\n{}" + inner),
        ("length with a sign", head + "Content-Length: +2\r\n\r\n{}" + inner),
        ("length below zero", head + "Content-Length: -2\r\n\r\n{}" + inner),
        ("empty length", head + "Content-Length: \r\n\r\n{}" + inner),
        ("length in hexadecimal", head + "Content-Length: 0x2\r\n\r\n{}" + inner),
        ("length and coding", head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner),
        (
            "length and coding in HTTP/1.0",
            "POST /predict HTTP/1.0\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                + inner
        ),
        ("unknown coding", head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner),
        ("coding in another spelling", head + "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n" + inner),
        ("coding twice", head + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + inner),
        ("two hosts", "GET /v2/health/live HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + inner),
        ("no host", "GET /v2/health/live HTTP/1.1\r\n\r\n" + inner),
    ]

    @Test("each gets 400, once, and the connection is closed; what is hidden in it is not run")
    func smuggling() throws {
        let server = try RunningServer(Fixtures.model("tutorial"), "--idle-timeout", "3")
        var faults: [String] = []
        for (name, text) in Self.ambiguous {
            let outcome = try send(text, to: server)
            let refusals = name.contains("unknown coding") || name.hasPrefix("coding") ? [[400], [501]] : [[400]]
            if !refusals.contains(outcome.statuses) || !outcome.isClosed || !outcome.text.hasPrefix("{\"error\":") {
                faults.append("\(name): \(outcome.statuses), closed \(outcome.isClosed), \(outcome.text.prefix(80))")
            }
        }
        #expect(faults == [])
        HostileReport.note(
            6, "\(Self.ambiguous.count) requests that hide another request in their body, as raw bytes",
            before: "the hidden request was run in 7; two header blocks in 3",
            "\(Self.ambiguous.count - faults.count) get one 400 in JSON, and the connection is closed",
            passed: faults.isEmpty)
    }

    @Test("many cookies, arguments and headers, long ones, and chunks without end get one answer in JSON")
    func sizes() throws {
        let server = try RunningServer(Fixtures.model("tutorial"), "--idle-timeout", "5")
        let get = "GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        var cases: [(name: String, text: String, statuses: Set<Int>)] = []
        for count in [100, 300, 1000] {
            cases.append(
                (
                    "\(count) cookies", get + "Cookie: " + String(repeating: "a=b; ", count: count) + "\r\n\r\n",
                    [200, 431]
                ))
            cases.append(
                (
                    "\(count) arguments",
                    "GET /models?\(String(repeating: "a&", count: count)) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                    [200, 400, 414, 431]
                ))
            cases.append(("\(count) headers", get + String(repeating: "a:b\r\n", count: count) + "\r\n", [200, 431]))
        }
        for length in [4000, 16_000, 60_000] {
            cases.append(
                (
                    "a header of \(length) bytes", get + "X: \(String(repeating: "a", count: length))\r\n\r\n",
                    [200, 431]
                ))
            cases.append(
                (
                    "a path of \(length) bytes",
                    "GET /\(String(repeating: "a", count: length)) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                    [404, 414, 431]
                ))
        }
        cases.append(
            ("a chunk of 2^64-1 bytes", Self.head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", [413]))
        cases.append(
            (
                "a chunk of 2^68 bytes", Self.head + "Transfer-Encoding: chunked\r\n\r\n100000000000000000\r\n{}",
                [400, 413]
            ))
        cases.append(
            (
                "a chunk's extension of 100,000 bytes",
                Self.head
                    + "Transfer-Encoding: chunked\r\n\r\n2;\(String(repeating: "a", count: 100_000))\r\n{}\r\n0\r\n\r\n",
                [400, 413, 431]
            ))
        var faults: [String] = []
        for (name, text, statuses) in cases {
            let outcome = try send(text, to: server, seconds: 7)
            let isJSON = outcome.text.isEmpty && outcome.statuses == [200] || outcome.text.hasPrefix("{")
            if outcome.statuses.count != 1 || !statuses.isSuperset(of: outcome.statuses) || !isJSON {
                faults.append("\(name): \(outcome.statuses) \(outcome.text.prefix(60))")
            }
        }
        #expect(faults == [])
        HostileReport.note(
            7, "100 to 1,000 cookies, arguments and headers; headers and paths of up to 60 KB; chunks of 2^64-1 bytes",
            before:
                "no response until the idle timeout (250 arguments or more), two header blocks (300 cookies or more), HTML for a long chunk extension",
            "\(cases.count - faults.count) of \(cases.count) get one response, errors in JSON", passed: faults.isEmpty)
    }
}
