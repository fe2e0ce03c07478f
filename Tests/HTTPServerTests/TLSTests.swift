import Foundation
import HTTPServer
import ServerSupport
import Synchronization
import Testing

/// A self-signed certificate and its key, in a folder of their own.
struct SelfSigned {
    let folder: TemporaryFolder
    var certificate: String { folder.file("cert.pem") }
    var key: String { folder.file("key.pem") }
    var tls: HTTPServer.TLS { HTTPServer.TLS(certificatePath: certificate, keyPath: key) }

    private let keyArguments: [String]

    /// - Parameter key: OpenSSL's arguments for the key.
    /// - Throws: An error if OpenSSL fails.
    init(key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]) throws {
        keyArguments = key
        folder = try TemporaryFolder()
        try renew()
    }

    /// Replaces both, as renewal programs do.
    func renew() throws {
        let (newKey, newCertificate) = (folder.file("key.new"), folder.file("cert.new"))
        try Command.run(
            "openssl",
            [
                "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=IP:127.0.0.1", "-keyout", newKey, "-out", newCertificate, "-newkey",
            ] + keyArguments)
        rename(newCertificate, certificate)
        rename(newKey, key)
    }
}

/// What became of certificates.
private final class Events: Sendable {
    private let all = Mutex<[HTTPServer.CertificateEvent]>([])

    func add(_ event: HTTPServer.CertificateEvent) { all.withLock { $0.append(event) } }

    var replacedCount: Int { all.withLock { $0.count { if case .replaced = $0 { true } else { false } } } }

    var refusals: [String] {
        all.withLock { $0.compactMap { if case .refused(let error) = $0 { error.description } else { nil } } }
    }
}

/// TLS, with curl and openssl as clients.
@Suite("HTTP over TLS", .enabled(if: Command.path(of: "openssl") != nil && Command.path(of: "curl") != nil))
struct TLSTests {
    @Test("whose time is over gets an answer")
    func late() throws {
        let pair = try SelfSigned()
        let held = HeldExchanges(areLate: true)
        let server = try startServer(holding: held) { $0.tls = pair.tls }
        let answer = try Command.curl(
            "--cacert", pair.certificate, "https://127.0.0.1:\(server.port)/held", "-d", "late")
        #expect(answer.output.contains("exceeded its time limit"))
        #expect(held.count == 1)
        held.finishAll()
        #expect(eventually { server.activeRequestCount == 0 })
    }

    @Test("requests are answered, put off or not, small and large", arguments: ["", "/later"])
    func answers(prefix: String) throws {
        let pair = try SelfSigned()
        let server = try startServer { $0.tls = pair.tls }
        let url = "https://127.0.0.1:\(server.port)\(prefix)"
        let file = pair.folder.file("body")
        try String(repeating: "0123456789", count: 300_000).write(toFile: file, atomically: false, encoding: .utf8)
        // One connection, several requests.
        let (status, output) = try Command.curl(
            "--cacert", pair.certificate, "\(url)/echo", "-H", "Content-Type;", "-d", "one", "--next", "-sS",
            "--cacert",
            pair.certificate, "\(url)/echo", "-H", "Content-Type;", "-d", "two", "--next", "-sS", "--cacert",
            pair.certificate, "\(url)/echo", "-H", "Content-Type;", "--data-binary", "@\(file)", "--next", "-sS", "-I",
            "--cacert", pair.certificate, "\(url)/x")
        #expect(status == 0)
        #expect(output.hasPrefix("onetwo0123456789"))
        #expect(output.utf8.count > 3_000_000)
        #expect(output.contains("HTTP/1.1 404"))
        let large = try Command.curl("--cacert", pair.certificate, "\(url)/large", "-d", "")
        #expect(large.output.utf8.count == TestRoutes.largeBytes)
    }

    @Test(
        "TLS 1.2 and 1.3 are spoken, nothing older",
        arguments: [("1.1", false), ("1.2", true), ("1.3", true)])
    func versions(version: String, isSpoken: Bool) throws {
        let pair = try SelfSigned()
        let server = try startServer { $0.tls = pair.tls }
        let answer = try Command.curl(
            "--cacert", pair.certificate, "--tlsv\(version)", "--tls-max", version, "--ciphers", "DEFAULT@SECLEVEL=0",
            "https://127.0.0.1:\(server.port)/echo", "-H", "Content-Type;", "-d", "spoken")
        #expect(answer.output == (isSpoken ? "spoken" : ""))
        #expect((answer.status == 0) == isSpoken)
    }

    @Test(
        "only suites with forward secrecy and authenticated encryption are spoken",
        arguments: [
            ("ECDHE-RSA-AES128-GCM-SHA256", true), ("ECDHE-RSA-CHACHA20-POLY1305", true),
            ("ECDHE-RSA-AES128-SHA256", false), ("ECDHE-RSA-AES128-SHA", false), ("AES128-GCM-SHA256", false),
            ("AES128-SHA", false), ("AES256-CCM", false),
        ])
    func suites(suite: String, isSpoken: Bool) throws {
        let pair = try SelfSigned(key: ["rsa:2048"])
        let server = try startServer { $0.tls = pair.tls }
        let answer = try Command.curl(
            "--cacert", pair.certificate, "--tls-max", "1.2", "--ciphers", "\(suite):@SECLEVEL=0",
            "https://127.0.0.1:\(server.port)/echo", "-H", "Content-Type;", "-d", "spoken")
        #expect(answer.output == (isSpoken ? "spoken" : ""))
        #expect((answer.status == 0) == isSpoken)
    }

    @Test("a chunked body beyond the limit is answered while the client still sends")
    func chunkedTooLarge() throws {
        let pair = try SelfSigned()
        let server = try startServer {
            $0.tls = pair.tls
            $0.maxBodyBytes = 1000
        }
        let client = try TLSClient(port: server.port)
        client.send(raw: "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(raw: "7d0\r\n\(String(repeating: "b", count: 2000))\r\n")
        let body = #"{"error":"the body is larger than 1000 bytes: send less at once, or raise --max-body"}"#
        #expect(try client.receive(body.utf8.count) == body)
    }

    @Test("a client that speaks no TLS is closed, and others are answered")
    func plainClient() throws {
        let pair = try SelfSigned()
        let server = try startServer { $0.tls = pair.tls }
        let plain = try RawClient(port: server.port)
        plain.post("/echo", "plain")
        #expect(throws: RawClient.Failure.self) { try plain.response() }
        let answer = try Command.curl(
            "--cacert", pair.certificate, "https://127.0.0.1:\(server.port)/echo", "-H", "Content-Type;", "-d", "x")
        #expect(answer.output == "x")
    }

    @Test("a new certificate is used by new connections, and old connections go on")
    func renewal() throws {
        let pair = try SelfSigned()
        let events = Events()
        let server = try startServer {
            $0.tls = pair.tls
            $0.onCertificate = { events.add($0) }
        }
        let old = try TLSClient(port: server.port)
        #expect(try old.post("/echo", "one") == "one")
        try pair.renew()
        #expect(eventually { (try? echo(server, pair))?.status == 0 })
        #expect(events.replacedCount == 1)
        #expect(try old.post("/later/echo", "two") == "two")
        #expect(events.refusals == [])
    }

    @Test("files that do not fit together are refused, and the certificate stays")
    func brokenRenewal() throws {
        let pair = try SelfSigned()
        let other = try SelfSigned()
        let events = Events()
        let server = try startServer {
            $0.tls = pair.tls
            $0.onCertificate = { events.add($0) }
        }
        rename(other.key, pair.key)
        #expect(eventually { (try? echo(server, pair))?.output != "hello" || !events.refusals.isEmpty })
        #expect(
            events.refusals == ["the key in \(pair.key) does not belong to the certificate in \(pair.certificate)"])
        #expect(try echo(server, pair).output == "hello")
        // A good pair is taken again.
        try pair.renew()
        #expect(eventually { (try? echo(server, pair))?.status == 0 })
        #expect(events.replacedCount == 1)
        #expect(events.refusals.count == 1)
    }

    @Test("what is wrong with the files is said at the start")
    func badFiles() throws {
        let pair = try SelfSigned()
        let other = try SelfSigned()
        let text = pair.folder.file("text")
        try "no certificate".write(toFile: text, atomically: false, encoding: .utf8)
        let missing = pair.folder.file("missing")
        for (certificate, key, description) in [
            (
                missing, pair.key,
                "the certificate \(missing) cannot be read: No such file or directory; give a PEM file with --tls-cert"
            ),
            (
                pair.certificate, missing,
                "the key \(missing) cannot be read: No such file or directory; give a PEM file with --tls-key"
            ),
            (
                pair.certificate, pair.folder.path,
                "the key \(pair.folder.path) cannot be read: Is a directory; give a PEM file with --tls-key"
            ),
            (text, pair.key, "the certificate in \(text) cannot be used: No certificate was found."),
            (pair.certificate, text, "the key in \(text) cannot be used: The requested data were not available."),
            (
                pair.certificate, other.key,
                "the key in \(other.key) does not belong to the certificate in \(pair.certificate)"
            ),
        ] {
            let error = #expect(throws: HTTPServerError.self) {
                try startServer { $0.tls = HTTPServer.TLS(certificatePath: certificate, keyPath: key) }
            }
            #expect(error?.kind == .badCertificate)
            #expect(error?.description == description)
        }
    }

    @Test("an exchange learns that its TLS client is gone, and stopping waits for the others")
    func clientGone() throws {
        let pair = try SelfSigned()
        let held = HeldExchanges()
        let server = try startServer(holding: held) { $0.tls = pair.tls }
        let stays = try TLSClient(port: server.port)
        stays.send("/held", "stays")
        let goes = try TLSClient(port: server.port)
        goes.send("/held", "goes")
        #expect(eventually { held.count == 2 })
        #expect(held.abandonedCount == 0)
        goes.leave()
        #expect(eventually { held.abandonedCount == 1 })
        onThread {
            usleep(100_000)
            held.finishAll()
        }
        #expect(server.stop())
        #expect(try stays.receive(5) == "stays")
    }

    private func echo(_ server: HTTPServer, _ pair: SelfSigned) throws -> (status: Int32, output: String) {
        try Command.curl(
            "--cacert", pair.certificate, "https://127.0.0.1:\(server.port)/echo", "-H", "Content-Type;", "-d", "hello")
    }
}

/// A client that keeps one TLS connection.
private final class TLSClient {
    private let process: Process
    private var received = ""

    init(port: Int) throws {
        process = try Command.start("openssl", ["s_client", "-quiet", "-connect", "127.0.0.1:\(port)"])
    }

    deinit { leave() }

    /// Ends without a word.
    func leave() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func send(_ path: String, _ body: String) {
        send(raw: "POST \(path) HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    func send(raw request: String) {
        (process.standardInput as? Pipe)?.fileHandleForWriting.write(Data(request.utf8))
    }

    /// The next answer's body, of so many bytes.
    func receive(_ count: Int) throws -> String {
        while true {
            if let end = received.range(of: "\r\n\r\n"), received[end.upperBound...].utf8.count >= count {
                let body = String(received[end.upperBound...].prefix(count))
                received = String(received[end.upperBound...].dropFirst(count))
                return body
            }
            let data = (process.standardOutput as? Pipe)?.fileHandleForReading.availableData ?? Data()
            guard !data.isEmpty else { throw RawClient.Failure.closed(received: received) }
            received += String(decoding: data, as: UTF8.self)
        }
    }

    func post(_ path: String, _ body: String) throws -> String {
        send(path, body)
        return try receive(body.utf8.count)
    }
}
