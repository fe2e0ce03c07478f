import Foundation
import HTTPMessages
import Serving
import Settings
import Testing
import VectorSupport

@testable import API

/// A file that goes away with its owner.
private final class TokenPath {
    let path = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString).tokens"

    init(_ text: String) throws { try write(text) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String) throws { try Fixtures.write(Array(text.utf8), to: path) }
}

/// Collects what is reported.
private final class Reports: @unchecked Sendable {
    // Safety: used by one thread.
    var lines: [String] = []
}

@Suite("Who may ask")
struct AccessTests {
    private func rules(
        _ tokens: TokenPath?, _ admin: TokenPath?, _ reports: Reports = Reports()
    ) throws -> AccessRules {
        try AccessRules(tokenFile: tokens?.path, adminTokenFile: admin?.path) { message, _ in
            reports.lines.append(message)
        }
    }

    /// The status with which a request is refused, 200 if it is not, and the message.
    private func check(_ rules: AccessRules, _ access: Access, _ header: String?) -> (status: Int, message: String) {
        let bytes = header.map { Array($0.utf8) }
        return (bytes ?? []).withUnsafeBytes { buffer in
            do throws(RequestError) {
                try rules.check(access, bytes == nil ? nil : buffer)
                return (200, "")
            } catch { return (error.status, error.message) }
        }
    }

    @Test("without files everybody may ask, and nobody may administer")
    func noFiles() {
        let rules = AccessRules()
        #expect(check(rules, .open, nil).status == 200)
        #expect(check(rules, .inference, nil).status == 200)
        let admin = check(rules, .admin, "Bearer x")
        #expect(admin.status == 403)
        #expect(
            admin.message
                == "this route requires an admin token, and the server has no admin token file: start it with --admin-token-file FILE"
        )
    }

    @Test(
        "a token opens what it is for",
        arguments: [
            ("Bearer one", 200, 403), ("bearer  two", 200, 403), ("Bearer root", 200, 200), ("Bearer on", 401, 401),
            ("Bearer onee", 401, 401), ("Bearer one ", 401, 401), ("Bearer One", 401, 401), ("Bearer ", 401, 401),
            ("Bearer", 401, 401), ("Basic one", 401, 401), ("one", 401, 401), ("", 401, 401),
            ("Bearer #", 401, 401), ("Bearer one\u{0}", 401, 401),
            ("Bearer " + String(repeating: "x", count: 257), 401, 401),
        ])
    func tokens(header: String, inference: Int, admin: Int) throws {
        let rules = try rules(TokenPath("# ours\n\none\n  two\t\r\n"), TokenPath("root"))
        #expect(check(rules, .open, nil).status == 200)
        #expect(check(rules, .inference, header).status == inference)
        #expect(check(rules, .admin, header).status == admin)
        #expect(
            check(rules, .inference, nil).message
                == "a bearer token is required: send the header Authorization: Bearer TOKEN")
    }

    @Test("a token may have 256 characters, and each counts")
    func longTokens() throws {
        let token = String((0..<256).map { Character(UnicodeScalar(UInt8(0x41 + $0 % 50))) })
        let rules = try rules(TokenPath(token), nil)
        #expect(check(rules, .inference, "Bearer \(token)").status == 200)
        for index in 0..<256 {
            var wrong = Array(token.utf8)
            wrong[index] ^= 1
            #expect(check(rules, .inference, "Bearer \(String(decoding: wrong, as: UTF8.self))").status == 401)
            #expect(
                check(rules, .inference, "Bearer \(token.prefix(index + 1 == 256 ? 255 : index + 1))").status == 401)
        }
    }

    @Test("with admin tokens only, everybody may ask")
    func adminOnly() throws {
        let rules = try rules(nil, TokenPath("root"))
        #expect(check(rules, .inference, nil).status == 200)
        #expect(check(rules, .admin, nil).status == 401)
        #expect(check(rules, .admin, "Bearer root").status == 200)
    }

    @Test(
        "a file without use is an error at the start",
        arguments: [
            ("", ": contains no token: write one token per line"),
            ("# none\n\n", ": contains no token: write one token per line"),
            ("a\nb c\n", ":2: expected a token of at most 256 ASCII characters without spaces"),
            ("ä", ":1: expected a token of at most 256 ASCII characters without spaces"),
            (String(repeating: "x", count: 257), ":1: expected a token of at most 256 ASCII characters without spaces"),
            (String(repeating: "x\n", count: 1001), ": has more than 1000 tokens"),
        ])
    func uselessFile(text: String, message: String) throws {
        let file = try TokenPath(text)
        let error = #expect(throws: SettingsProblem.self) { try rules(file, nil) }
        #expect(error?.description == file.path + message)
    }

    @Test("a changed file counts, and one that is emptied or gone admits nobody until it is back")
    func changes() async throws {
        let file = try TokenPath("one")
        let reports = Reports()
        let rules = try rules(file, nil, reports)
        #expect(check(rules, .inference, "Bearer one").status == 200)
        // The clock of the look has seconds.
        func becomes(_ token: String, _ status: Int) async throws -> Bool {
            for _ in 0..<300 {
                if check(rules, .inference, "Bearer \(token)").status == status { return true }
                try await Task.sleep(for: .milliseconds(20))
            }
            return false
        }
        try file.write("two")
        #expect(try await becomes("two", 200))
        #expect(check(rules, .inference, "Bearer one").status == 401)
        try file.write("")
        #expect(try await becomes("two", 401))
        #expect(
            check(rules, .inference, "Bearer two").message
                == "no token is accepted, because the server's token file is invalid")
        try FileManager.default.removeItem(atPath: file.path)
        #expect(check(rules, .inference, "Bearer two").status == 401)
        try file.write("three")
        #expect(try await becomes("three", 200))
        #expect(reports.lines.contains("\(file.path): reloaded, 1 tokens"))
        #expect(
            reports.lines.contains("no token is accepted: \(file.path): contains no token: write one token per line"))
    }

    @Test("routes need what they say, health nothing")
    func routes() throws {
        var options = Service.Options()
        // The file is looked at again while requests come.
        let file = try TokenPath("one")
        defer { withExtendedLifetime(file) {} }
        options.access = try rules(file, nil)
        let model = try Model(contentsOf: Fixtures.model("tutorial"))
        let service = Service(
            ModelRegistry([model], ModelRegistry.Configuration(attach: Service.attachment)), options: options)
        for path in ["/", "/models", "/models/tutorial", "/metrics"] {
            let refused = service.respond(.get, Array(path.utf8))
            #expect(refused.status == 401, "\(path)")
            #expect(refused.headers["WWW-Authenticate"] == "Bearer")
            let wrong = service.respond(.get, Array(path.utf8), headers: [.authorization: Array("Bearer x".utf8)])
            #expect(wrong.headers["WWW-Authenticate"] == "Bearer error=\"invalid_token\"")
            let header: [HTTPHeader: [UInt8]] = [.authorization: Array("Bearer one".utf8)]
            #expect(service.respond(.get, Array(path.utf8), headers: header).status == 200, "\(path)")
        }
        #expect(service.respond(.post, Array("/predict".utf8)).status == 401)
        #expect(service.respond(.get, Array("/v2/health/live".utf8)).status == 200)
        #expect(service.respond(.get, Array("/v2/health/ready".utf8)).status == 200)
        options.readiness.beginDraining()
        #expect(service.respond(.get, Array("/v2/health/ready".utf8)).status == 503)
        #expect(service.respond(.get, Array("/v2/health/live".utf8)).status == 200)
    }
}

@Suite("Other origins")
struct CORSTests {
    private func service(_ origins: [String]) throws -> Service {
        var options = Service.Options()
        options.cors = CORSRules(origins: origins)
        let model = try Model(contentsOf: Fixtures.model("tutorial"))
        return Service(
            ModelRegistry([model], ModelRegistry.Configuration(attach: Service.attachment)), options: options)
    }

    private func ask(_ service: Service, _ method: HTTPMethod, _ path: String, _ origin: String?) -> DirectResponse {
        service.respond(method, Array(path.utf8), headers: origin.map { [.origin: Array($0.utf8)] } ?? [:])
    }

    @Test("a page of an origin that was named may read answers, errors too")
    func named() throws {
        let service = try service(["https://a.example", "http://b.example:8080"])
        for path in ["/models", "/nothing"] {
            let response = ask(service, .get, path, "http://b.example:8080")
            #expect(response.headers["Access-Control-Allow-Origin"] == "http://b.example:8080")
            #expect(response.headers["Vary"] == "Origin")
            let other = ask(service, .get, path, "https://c.example")
            #expect(other.headers["Access-Control-Allow-Origin"] == nil)
            #expect(other.headers["Vary"] == "Origin")
        }
    }

    @Test("a preflight tells methods and headers, on every route")
    func preflight() throws {
        let service = try service(["*"])
        let response = ask(service, .options, "/models/tutorial/predict", "https://a.example")
        #expect(response.status == 204)
        #expect(response.body.isEmpty)
        #expect(response.headers["Access-Control-Allow-Origin"] == "*")
        #expect(response.headers["Access-Control-Allow-Methods"] == "POST")
        #expect(
            response.headers["Access-Control-Allow-Headers"]
                == "Content-Type, Authorization, Inference-Header-Content-Length, Request-Timeout, Model-Label, "
                + "X-Request-ID, Content-Encoding, traceparent")
        #expect(response.headers["Access-Control-Max-Age"] == "86400")
        #expect(ask(service, .options, "/models", "x:y").headers["Access-Control-Allow-Methods"] == "GET, HEAD")
        #expect(ask(service, .options, "/nothing", "https://a.example").status == 404)
        #expect(ask(service, .options, "/models", nil).status == 405)
    }

    @Test("a preflight needs no token, and says nothing to origins that were not named")
    func strangers() throws {
        let service = try service(["https://a.example"])
        let response = ask(service, .options, "/models", "https://b.example")
        #expect(response.status == 204)
        #expect(response.headers["Access-Control-Allow-Methods"] == nil)
        #expect(response.headers["Access-Control-Allow-Origin"] == nil)
    }

    @Test("without configuration nothing is said")
    func off() throws {
        let service = try service([])
        #expect(ask(service, .get, "/models", "https://a.example").headers.keys.allSatisfy { !$0.hasPrefix("Access") })
        #expect(ask(service, .options, "/models", "https://a.example").status == 405)
    }

    @Test("what no browser sends is no origin")
    func origins() {
        for origin in ["*", "https://a.example", "http://localhost:3000", "http://[::1]:80", "app://x"] {
            #expect(CORSRules.isOrigin(origin), "\(origin)")
        }
        for origin in [
            "", "a.example", "https://", "https://a.example/", "https://A.example", "https://*.example", "a b://c",
        ] {
            #expect(!CORSRules.isOrigin(origin), "\(origin)")
        }
    }
}
