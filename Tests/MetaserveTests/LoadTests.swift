import Foundation
import ServerSupport
import Testing
import VectorSupport

@testable import metaserve

/// `metaserve benchmark --http`.
@Suite("metaserve benchmark --http")
struct LoadTests {
    private let folder = Scratch()
    private let tutorial = Fixtures.model("tutorial")

    private struct Summary: Decodable {
        struct Fault: Decodable {
            let error: String
            let count: Int
        }
        let url: String
        let medianUs: Double
        let p99Us: Double
        let responses: Int
        let responsesPerSecond: Double
        let errors: [Fault]
        let errorCount: Int
        let connections: Int
    }

    private func summary(_ arguments: String...) throws -> Summary {
        let result = try Program.launch(Program.path, ["benchmark", "--json"] + arguments)
        #expect(result.status == 0, "\(arguments): \(result.errors)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Summary.self, from: Data(result.output.utf8))
    }

    @Test("each connection sends when it has its response; the server counts as many")
    func closed() throws {
        let server = try RunningServer(tutorial)
        let summary = try summary(tutorial, "--http", server.address, "--connections", "5", "--seconds", "0.3")
        #expect(summary.url == server.address + "/models/tutorial/predict" && summary.connections == 5)
        #expect(summary.responses > 5 && summary.errorCount == 0 && summary.responsesPerSecond > 0)
        #expect(summary.medianUs > 0 && summary.medianUs <= summary.p99Us)
        let metrics = try Program.curl(server.address + "/metrics")
        let line = metrics.split(separator: "\n").first {
            $0.hasPrefix("metaserve_requests_total") && $0.contains("200")
        }
        // The first request comes before the load.
        #expect(line?.split(separator: " ").last.flatMap { Double($0) } == Double(summary.responses + 1), "\(metrics)")
        #expect(server.stop() == 0)
    }

    @Test("with a rate, as many requests are sent as are due")
    func open() throws {
        let server = try RunningServer(tutorial)
        let summary = try summary(
            tutorial, "--http", server.address, "--connections", "3", "--rate", "200", "--seconds", "0.5")
        #expect(summary.responses == 100 && summary.errorCount == 0)
        let text = try Program.run(
            "benchmark", tutorial, "--http", server.address, "--rate", "100", "--seconds", "0.2", "--progress")
        for part in [
            "100 requests a second", "responses  20 in ", "99 %", "from when it was due", "\"responses_per_second\"",
        ] {
            #expect(text.output.contains(part), "\(part): \(text.output)")
        }
        #expect(server.stop() == 0)
    }

    @Test("a body from a file, a header and a path; large bodies are sent whole")
    func body() throws {
        let server = try RunningServer(Fixtures.model("digits"))
        let rows = Array(repeating: "[" + Array(repeating: "0.25", count: 64).joined(separator: ",") + "]", count: 3000)
        let path = folder.path + "/body.json"
        let text = "{\"feeds\":{\"x\":[\(rows.joined(separator: ","))],\"keep_prob\":1},\"fetches\":[\"class\"]}"
        try Fixtures.write(Array(text.utf8), to: path)
        let summary = try summary(
            "--http", server.address + "/predict", "--body", path, "--header", "X-Test: 1", "--connections", "2",
            "--seconds", "0.3")
        #expect(summary.responses > 1 && summary.errorCount == 0)
        let health = try self.summary("--http", server.address + "/v2/health/ready", "--seconds", "0.1")
        #expect(health.responses > 0 && health.errorCount == 0)
        #expect(server.stop() == 0)
    }

    @Test("a server that ends in the middle leaves errors, not a hanging client")
    func serverEnds() throws {
        let server = try RunningServer(tutorial)
        // The server ends when it has answered some requests.
        let command = """
            '\(Program.path)' benchmark --json '\(tutorial)' --http \(server.address) --connections 4 --seconds 3 &
            for try in $(seq 500); do
                curl -s \(server.address)/metrics | grep -Eq '^metaserve_requests_total.*"200".* [0-9]{2,}' && break
                sleep 0.02
            done
            kill -9 \(server.processIdentifier)
            wait $!
            """
        let result = try Program.launch("/bin/sh", ["-c", command])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("connection closed before the response"), "\(result.output)")
        #expect(result.output.contains("no connection"), "\(result.output)")
    }

    @Test("a first request that fails ends it, with the reason")
    func failures() throws {
        let server = try RunningServer(tutorial)
        let refused = try Program.run("benchmark", tutorial, "--http", "http://127.0.0.1:1")
        #expect(
            refused.errors == "Error: http://127.0.0.1:1/models/tutorial/predict: Connection refused. Is the server "
                + "running? To start one: metaserve serve \(tutorial)\n")
        let missing = try Program.run("benchmark", tutorial, "--http", server.address + "/models/other/predict")
        #expect(
            missing.status == 1
                && missing.errors.contains("the first request got status 404, expected 200 to 299: {\"error\""))
        let pathless = try Program.run("benchmark", "--body", "/etc/hostname", "--http", server.address)
        #expect(pathless.errors.contains("with --body, the address needs a path, such as /predict"))
        #expect(server.stop() == 0)
    }

    @Test("addresses are read into host, port and path")
    func addresses() throws {
        func parts(_ text: String) throws -> [String] {
            let address = try TargetAddress.parse(text)
            return [address.host, "\(address.port)", address.path, address.authority]
        }
        #expect(try parts("http://localhost:8501") == ["localhost", "8501", "", "localhost:8501"])
        #expect(try parts("HTTP://h/a/b?c=d#e") == ["h", "80", "/a/b?c=d", "h:80"])
        #expect(try parts("http://[::1]:9/") == ["::1", "9", "", "[::1]:9"])
        #expect(try parts("http://h?x") == ["h", "80", "/?x", "h:80"])
        for text in ["localhost:8501", "https://h", "http://", "http://h:0", "http://h:99999", "http://h/a b"] {
            #expect(throws: (any Error).self, "\(text)") { try TargetAddress.parse(text) }
        }
        #expect(TargetAddress.predictPath(of: "a b/ü.1") == "/models/a%20b%2F%C3%BC.1/predict")
    }

    @Test("headers that are given replace those of the generator")
    func requests() throws {
        let address = try TargetAddress.parse("http://h:1/p")
        let bytes = RequestBytes.compose(
            address, body: (Array("{}".utf8), "application/json"), headers: ["content-type: text/x", "A: b"])
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "POST /p HTTP/1.1\r\nHost: h:1\r\nContent-Length: 2\r\ncontent-type: text/x\r\nA: b\r\n\r\n{}")
    }

    @Test(
        "responses are read in pieces of any size",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, false),
            ("HTTP/1.1 429 Too Many\r\ncontent-length:0\r\nConnection: close\r\n\r\n", 429, true),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, true),
            ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", 200, false),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", 500, false),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
                200,
                false
            ),
        ])
    func responses(_ text: String, _ status: Int, _ closes: Bool) {
        let bytes = Array(text.utf8)
        var reader = ResponseReader()
        for size in 1...bytes.count {
            reader.reset()
            var place = 0
            var progress = ResponseReader.Progress.unfinished
            while place < bytes.count, progress == .unfinished {
                let piece = Array(bytes[place..<min(place + size, bytes.count)])
                progress = piece.withUnsafeBytes { reader.read($0) }
                if progress == .unfinished { place += piece.count }
            }
            #expect(progress == .complete(used: bytes.count - place) && reader.status == status, "\(size)")
            #expect(reader.closes == closes)
        }
    }

    @Test("the end of a response is found within more bytes; what is no response is malformed")
    func limits() {
        var reader = ResponseReader()
        func read(_ text: String) -> ResponseReader.Progress {
            reader.reset()
            return Array(text.utf8).withUnsafeBytes { reader.read($0) }
        }
        #expect(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/") == .complete(used: 39))
        #expect(read("HTTP/1.1 200 OK\r\n\r\nanything") == .unfinished && reader.endsWithConnection)
        for text in [
            "hello\n", "HTTP/2 200\r\n", "HTTP/1.1 abc no\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", String(repeating: "x", count: 70_000),
        ] {
            #expect(read(text) == .malformed, "\(text.prefix(60))")
        }
    }
}
