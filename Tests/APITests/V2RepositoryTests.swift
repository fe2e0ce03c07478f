import API
import Glibc
import HTTPMessages
import Serving
import Testing
import VectorSupport

@Suite("Open Inference Protocol: the repository")
struct V2RepositoryTests {
    private func post(_ service: Service, _ path: String, _ body: String = "") -> DirectAnswer {
        service.answer(.post, Array("/v2/repository/\(path)".utf8), body: Array(body.utf8))
    }

    private func text(_ answer: DirectAnswer) -> String { String(decoding: answer.body, as: UTF8.self) }

    @Test("what there is; unloading and loading again")
    func unloadAndLoad() throws {
        let registry = try ModelRegistry(
            [.init(Fixtures.model("tutorial"))], ModelRegistry.Configuration(attach: Service.attachment))
        defer { registry.stop() }
        let service = Service(registry)
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
            client.infer("tutorial", #"{"inputs":[]}"#).error == "model \"tutorial\" is not loaded: it was unloaded")
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

    @Test("bodies that are not right, and a registry that is fixed")
    func wrong() throws {
        let service = try Client().service
        #expect(text(post(service, "index", "[]")) == #"{"error":"the body is a list; expected an object"}"#)
        #expect(
            text(post(service, "index", #"{"ready":1}"#))
                == #"{"error":"\"ready\" is a number; expected true or false"}"#)
        #expect(
            text(post(service, "models/tutorial/load", #"{"parameters":{"config":"{}"}}"#))
                == #"{"error":"parameter \"config\" is not taken: a model is loaded as its folder says"}"#)
        let fixed = post(service, "models/tutorial/load")
        #expect(fixed.status == 503)
        #expect(text(fixed) == #"{"error":"the models of this server are fixed"}"#)
    }
}
