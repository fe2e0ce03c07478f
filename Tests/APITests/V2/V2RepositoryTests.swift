import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

@Suite("Open Inference Protocol: the repository")
struct V2RepositoryTests {
    private func post(_ service: Service, _ path: String, _ body: String = "") -> DirectResponse {
        post(service, path, Array(body.utf8), "identity")
    }

    private func post(_ service: Service, _ path: String, _ body: [UInt8], _ coding: String) -> DirectResponse {
        service.respond(
            .post, Array("/v2/repository/\(path)".utf8),
            headers: [.authorization: Array("Bearer secret".utf8), .contentEncoding: Array(coding.utf8)], body: body)
    }

    /// Calls `body` with a service whose administrators have the token `secret`.
    private func withService(_ registry: ModelRegistry, _ body: (Service) throws -> Void) throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { folder in
            try Fixtures.write(Array("secret\n".utf8), to: folder + "/tokens")
            var options = Service.Options()
            options.access = try AccessRules(tokenFile: nil, adminTokenFile: folder + "/tokens") { _, _ in }
            try body(Service(registry, options: options))
        }
    }

    private func text(_ response: DirectResponse) -> String { response.text }

    @Test("what there is; unloading and loading again")
    func unloadAndLoad() throws {
        let registry = try ModelRegistry(
            [.init(Fixtures.model("tutorial"))], ModelRegistry.Configuration(attach: Service.attachment))
        defer { registry.stop() }
        try withService(registry) { service in
            let client = V2Client(Client(service))
            let ready = #"[{"name":"tutorial","version":"1000","state":"READY","reason":""}]"#
            #expect(text(post(service, "index")) == ready)
            #expect(text(post(service, "index", #"{"ready":true}"#)) == ready)
            #expect(client.get("/v2/models/tutorial/ready").status == 200)

            let unloaded = post(service, "models/tutorial/unload", "{}")
            #expect(unloaded.status == 200)
            #expect(text(unloaded) == "{}")
            #expect(client.get("/v2/models/tutorial/ready").status == 503)
            #expect(
                client.infer("tutorial", #"{"inputs":[]}"#).error == "model \"tutorial\" is not loaded: it was unloaded"
            )
            #expect(text(post(service, "index", #"{"ready":true}"#)) == "[]")
            // Until the last request that holds it is done, it is being unloaded.
            var index = ""
            for _ in 0..<1000 {
                index = text(post(service, "index"))
                if !index.contains("UNLOADING") { break }
                usleep(10_000)
            }
            #expect(index.contains(#""state":"UNAVAILABLE","reason":"unloaded"}"#))

            #expect(post(service, "models/tutorial/load").status == 200)
            #expect(client.get("/v2/models/tutorial/ready").status == 200)
            #expect(post(service, "models/nope/load").status == 404)
        }
    }

    @Test("compressed bodies are read, and what is none is refused")
    func compressed() throws {
        let registry = ModelRegistry(
            [try Model(contentsOf: Fixtures.model("tutorial"))],
            ModelRegistry.Configuration(attach: Service.attachment))
        // Python's gzip and zlib made these of `{"ready":1}`.
        let bodies = [
            ("gzip", "H4sIAAAAAAACA6tWKkpNTKlUsjKsBQBZdzo6CwAAAA=="),
            ("deflate", "eJyrVipKTUypVLIyrAUAF0MDvQ=="),
        ]
        try withService(registry) { service in
            for (coding, text) in bodies {
                let body = try #require(Data(base64Encoded: text))
                let response = post(service, "index", Array(body), coding)
                #expect(response.status == 400)
                #expect(self.text(response) == #"{"error":"\"ready\" is a number; expected true or false"}"#)
                #expect(
                    self.text(post(service, "models/tutorial/unload", Array(body.dropLast(3)), coding))
                        == #"{"error":"the body is not \#(coding), or is damaged or cut short"}"#)
            }
            #expect(post(service, "index", Array("{}".utf8), "br").status == 415)
            #expect(post(service, "models/tutorial/load", [], "gzip").status == 503)
        }
    }

    @Test("everybody may look; only administrators may load and unload")
    func access() throws {
        let service = try Client().service
        #expect(
            text(service.respond(.post, Array("/v2/repository/index".utf8)))
                == #"[{"name":"digits","version":"3000","state":"READY","reason":""},"#
                + #"{"name":"tutorial","version":"1000","state":"READY","reason":""}]"#)
        for path in ["models/tutorial/load", "models/tutorial/unload"] {
            let response = service.respond(.post, Array("/v2/repository/\(path)".utf8))
            #expect(response.status == 403, "\(path)")
        }
    }

    @Test("bodies that are not right, and a registry that is fixed")
    func wrong() throws {
        let registry = ModelRegistry(
            [try Model(contentsOf: Fixtures.model("tutorial"))],
            ModelRegistry.Configuration(attach: Service.attachment))
        try withService(registry) { service in
            #expect(text(post(service, "index", "[]")) == #"{"error":"the body is a list; expected an object"}"#)
            #expect(
                text(post(service, "index", #"{"ready":1}"#))
                    == #"{"error":"\"ready\" is a number; expected true or false"}"#)
            #expect(
                text(post(service, "models/tutorial/load", #"{"parameters":{"config":"{}"}}"#))
                    == #"{"error":"parameter \"config\" is not supported: a model's folder specifies what is loaded"}"#)
            let fixed = post(service, "models/tutorial/load")
            #expect(fixed.status == 503)
            #expect(text(fixed) == #"{"error":"the models of this server are fixed"}"#)
        }
    }
}
