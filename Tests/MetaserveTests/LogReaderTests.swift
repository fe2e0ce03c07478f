import Files
import Foundation
import Glibc
import ServerSupport
import Testing
import VectorSupport

@Suite("Logs that nobody reads")
struct LogReaderTests {
    /// A folder that goes away with the test.
    private final class Folder {
        let path = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString)"

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    /// Asks so often that an access log gets some megabytes; all are answered.
    private func ask(_ server: RunningServer, times: Int) throws {
        let client = try RawClient(port: server.port, seconds: 20)
        let path = "/" + String(repeating: "x", count: 1000)
        for _ in 0..<times {
            client.send("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(try client.response().status == 404)
        }
    }

    private func lost(_ server: RunningServer, _ log: String) throws -> Int {
        let metrics = try Program.curl(server.address + "/metrics")
        let match = metrics.firstMatch(of: try Regex("metaserve_log_lines_lost_total\\{log=\"\(log)\"\\} (\\d+)"))
        return try #require(match?.output[1].substring.flatMap { Int($0) })
    }

    @Test("a named pipe without a reader stops neither the start nor a request nor the end")
    func noReader() throws {
        let folder = try Folder()
        let pipe = folder.path + "/log"
        try #require(mkfifo(pipe, 0o600) == 0)
        let server = try RunningServer(Fixtures.model("tutorial"), "--access-log", pipe)
        #expect(server.log.contains("no process reads the named pipe"))
        try ask(server, times: 50)
        #expect(try lost(server, "access") >= 50)
        #expect(server.stop() == 0)
    }

    @Test("a named pipe whose reader does not read loses lines; the end comes all the same")
    func idleReader() throws {
        let folder = try Folder()
        let pipe = folder.path + "/log"
        try #require(mkfifo(pipe, 0o600) == 0)
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let server = try RunningServer(
            Fixtures.model("tutorial"), "--access-log", pipe, "--drain-timeout", "2")
        // More than the pipe and the server's own memory hold.
        try ask(server, times: 8000)
        #expect(try lost(server, "access") > 0)
        #expect(server.stop() == 0)
    }

    @Test("lines reach a named pipe once somebody reads it")
    func lateReader() throws {
        let folder = try Folder()
        let pipe = folder.path + "/log"
        try #require(mkfifo(pipe, 0o600) == 0)
        let server = try RunningServer(Fixtures.model("tutorial"), "--access-log", pipe)
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        var text = ""
        for _ in 0..<200 where !text.contains("/late") {
            _ = try Program.curl(server.address + "/late")
            usleep(50_000)
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(reader, &bytes, bytes.count)
            if count > 0 { text += String(decoding: bytes[..<count], as: UTF8.self) }
        }
        #expect(text.hasPrefix("{\"time\":"))
        #expect(text.contains("/late"))
    }

    @Test("a full disk and a limit on the size of files cost lines only", arguments: [false, true])
    func fullDisk(isLimit: Bool) throws {
        let folder = try Folder()
        var program = Program.path
        if isLimit {
            program = folder.path + "/limited"
            try Fixtures.write(
                Array("#!/bin/bash\nulimit -f 8\nexec \"\(Program.path)\" \"$@\"\n".utf8), to: program)
            try #require(chmod(program, 0o700) == 0)
        }
        let server = try RunningServer(
            program: program, Fixtures.model("tutorial"), "--access-log", isLimit ? folder.path + "/log" : "/dev/full")
        try ask(server, times: 50)
        usleep(200_000)
        #expect(try lost(server, "access") > 0)
        #expect(server.stop() == 0)
    }

    @Test("signals that are meant for others do not end the server")
    func otherSignals() throws {
        let server = try RunningServer(Fixtures.model("tutorial"))
        for signal in [SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXFSZ, SIGXCPU, SIGIO, SIGPWR] {
            server.send(signal)
            usleep(10_000)
        }
        #expect(try Program.curl(server.address + "/v2/health/live", "-w", "%{http_code}").hasSuffix("200"))
        #expect(server.stop() == 0)
    }

    @Test("a writer gives up where nobody reads, counts what is lost, and begins a new line afterwards")
    func lineWriter() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        var writer = try LineWriter(copying: ends[1])
        close(ends[1])
        defer { writer.close() }
        let line = Array(repeating: UInt8(ascii: "a"), count: 999) + [UInt8(ascii: "\n")]
        let lines = Array(repeatElement(line, count: 100).joined())
        let lost = lines.withUnsafeBytes { writer.write($0) { false } }
        // The pipe holds 64 KiB: 65 lines and a part of one.
        #expect((1...99).contains(lost))
        #expect(lines.withUnsafeBytes { writer.write($0) { false } } == 100)
        var bytes = [UInt8](repeating: 0, count: 1 << 17)
        #expect(read(ends[0], &bytes, bytes.count) > 0)
        #expect(Array("b\n".utf8).withUnsafeBytes { writer.write($0) { false } } == 0)
        let count = read(ends[0], &bytes, bytes.count)
        #expect(String(decoding: bytes[..<max(0, count)], as: UTF8.self).hasSuffix("b\n"))
    }
}
