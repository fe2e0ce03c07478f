import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// Several versions of a model, as requests see them.
@Suite("Versions and labels in requests")
struct VersionTests {
    private let registry: ModelRegistry
    private let service: Service

    init() throws {
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        var settings = ModelSettings()
        settings.versions = .latest(2)
        settings.labels = ["stable": .number(300), "canary": .latest]
        configuration.models["digits"] = settings
        registry = try ModelRegistry([ModelRegistry.ServedPath(Fixtures.model("digits"))], configuration)
        service = Service(registry)
    }

    private func get(_ path: String) -> String {
        service.respond(.get, Array(path.utf8)).text
    }

    private func post(_ path: String, label: String? = nil) -> (status: Int, body: String) {
        let image = [String](repeating: "0", count: 64).joined(separator: ",")
        let response = service.respond(
            .post, Array(path.utf8), headers: label.map { [.modelLabel: Array($0.utf8)] } ?? [:],
            body: Array(#"{"feeds": {"keep_prob": 1, "x": [[\#(image)]]}}"#.utf8))
        return (response.status, response.text)
    }

    @Test("a header pins the version of a label; a number in the path wins")
    func header() {
        #expect(post("/predict").body.hasSuffix(#""step":3000}}"#))
        #expect(post("/predict", label: "stable").body.hasSuffix(#""step":300}}"#))
        #expect(post("/predict", label: "canary").body.hasSuffix(#""step":3000}}"#))
        #expect(post("/models/digits/versions/3000/predict", label: "stable").body.hasSuffix(#""step":3000}}"#))
        let unknown = post("/predict", label: "none")
        #expect(unknown.status == 404)
        #expect(unknown.body.contains(#"has no version labelled \"none\"; the labels are canary, stable"#))
    }

    @Test("a model's answer tells how its versions stand")
    func state() throws {
        let versions = #"[{"version":300,"state":"AVAILABLE"},{"version":3000,"state":"AVAILABLE"}]"#
        let reloads = #"{"succeeded":2,"failed":0,"last_error":null,"waiting_for":null}"#
        #expect(
            get("/models/digits").hasSuffix(
                #","versions":\#(versions),"labels":{"canary":3000,"stable":300},"reloads":\#(reloads)}"#))
        #expect(service.respond(.get, Array("/v2/health/ready".utf8)).status == 200)
    }

    @Test("a model that was unloaded is told of")
    func unloaded() throws {
        try registry.unload("digits")
        let response = post("/models/digits/predict")
        #expect(response.status == 503)
        #expect(response.body == #"{"error":"model \"digits\" is not loaded: it was unloaded"}"#)
        #expect(post("/models/digits/versions/300/predict").status == 404)
        #expect(service.respond(.get, Array("/v2/health/ready".utf8)).status == 200)
    }

    @Test("a server that waits for its models is not ready")
    func waiting() throws {
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        configuration.waits = true
        let service = Service(try ModelRegistry(["/nowhere/at/all"], configuration))
        #expect(service.respond(.get, Array("/v2/health/ready".utf8)).status == 503)
        #expect(service.respond(.get, Array("/v2/health/live".utf8)).status == 200)
    }
}
