import API
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// The paths of TF Serving's REST protocol, and what it says of models.
@Suite("TF Serving's paths")
struct TFServingPathTests {
    let client: Client

    init() throws { client = try Client(SignatureModel.load()) }

    private func predict(_ body: String, _ path: String) -> Client.Response { client.post(body, path) }

    @Test("versions and labels, known or not")
    func versions() {
        let body = #"{"signature_name":"one","instances":[[1,2]]}"#
        #expect(predict(body, "/v1/models/sig/versions/1:predict").body == #"{"predictions":[[2.0,4.0]]}"#)
        #expect(predict(body, "/v1/models/%73ig/versions/1:predict").status == 200)
        for (path, status, error) in [
            ("nope:predict", 404, "Servable not found for request: Latest(nope); the served models are \"sig\""),
            ("sgi:predict", 404, "Servable not found for request: Latest(sgi); the nearest is \"sig\""),
            ("a%2Fb%20c:predict", 404, "Servable not found for request: Latest(a/b c); the served models are \"sig\""),
            (
                "sig/versions/2:predict", 404,
                "Servable not found for request: Specific(sig, 2); the loaded versions are 1"
            ),
            (
                "nope/versions/2:predict", 404,
                "Servable not found for request: Specific(nope, 2); the served models are \"sig\""
            ),
            ("sig/versions/x:predict", 400, "Failed to convert version: x to numeric."),
            (
                "sig/versions/9223372036854775808:predict", 400,
                "Failed to convert version: 9223372036854775808 to numeric."
            ),
            ("sig/labels/stable:predict", 400, "Unrecognized servable version label: stable; it has no labels"),
            (
                "nope/labels/stable:predict", 404,
                "Servable not found for request: Label(nope, stable); the served models are \"sig\""
            ),
            ("sig", 405, "/v1/models/sig accepts GET, HEAD; /v1/models/sig:predict accepts POST"),
            (
                "sig:perdict", 404,
                "there is no route /v1/models/sig:perdict; the nearest is POST /v1/models/sig:predict: GET / shows what is "
                    + "served"
            ),
            (
                "sig/version/1:predict", 404,
                "there is no route /v1/models/sig/version/1:predict; the nearest is POST /v1/models/sig/versions/1:predict: "
                    + "GET / shows what is served"
            ),
            (
                "sig/predict", 404,
                "there is no route /v1/models/sig/predict; the nearest is POST /v1/models/sig:predict: GET / shows what is "
                    + "served"
            ),
            (":predict", 404, "there is no route /v1/models/:predict: GET / shows what is served"),
            ("sig:explain", 404, "there is no route /v1/models/sig:explain: GET / shows what is served"),
            ("sig:x:predict", 404, "there is no route /v1/models/sig:x:predict: GET / shows what is served"),
        ] {
            let response = predict(body, "/v1/models/" + path)
            #expect(response.status == status, "\(path)")
            #expect(response.error == error, "\(path)")
        }
        #expect(client.get("/v1/models/sig:predict").allow == "POST")
    }

    @Test("the state of versions")
    func status() {
        let state =
            #""model_version_status":[{"version":"1","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]"#
        let one = #"{\#(state),"name":"sig","ready":true}"#
        #expect(client.get("/v1/models/sig").body == one)
        #expect(client.get("/v1/models/sig/versions/1").body == one)
        #expect(client.get("/v1/models").body == #"{"models":["sig"],"states":[{"name":"sig",\#(state)}]}"#)
        for (path, status, error) in [
            ("nope", 404, "Could not find any versions of model nope; the served models are \"sig\""),
            ("sig/versions/7", 404, "Could not find version 7 of model sig; there are 1"),
            ("sig/versions/x", 400, "Failed to convert version: x to numeric."),
            ("sig/labels/x", 400, "Unrecognized servable version label: x; it has no labels"),
            ("nope/metadata", 404, "Servable not found for request: Latest(nope); the served models are \"sig\""),
            (
                "sig/versions/2/metadata", 404,
                "Servable not found for request: Specific(sig, 2); the loaded versions are 1"
            ),
        ] {
            let response = client.get("/v1/models/" + path)
            #expect(response.status == status, "\(path)")
            #expect(response.error == error, "\(path)")
        }
    }

    @Test("states that are not good, the newest version first")
    func failedVersions() throws {
        let model = try SignatureModel.load()
        let version = ModelVersion(model, attachment: Service.attachment(for: model))
        let registry = ModelRegistry([model], ModelRegistry.Configuration(attach: Service.attachment))
        registry.catalog.models[0].publish(
            VersionSet(
                [version], current: version, labels: ["stable": version],
                states: [
                    VersionState(number: 1, phase: .available),
                    VersionState(number: 3, phase: .ended, error: "model-3.index: is cut off"),
                    VersionState(number: 2, phase: .loading),
                ]))
        let service = Service(registry)
        func get(_ path: String) -> String {
            service.respond(.get, Array(path.utf8)).text
        }
        #expect(
            get("/v1/models/sig")
                == #"{"model_version_status":[{"version":"3","state":"END","status":{"error_code":"UNKNOWN","#
                + #""error_message":"model-3.index: is cut off"}},"#
                + #"{"version":"2","state":"LOADING","status":{"error_code":"OK","error_message":""}},"#
                + #"{"version":"1","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}],"name":"sig","ready":true}"#
        )
        #expect(get("/v1/models/sig/versions/2").contains(#"[{"version":"2","#))
        #expect(get("/v1/models/sig/labels/stable").contains(#"[{"version":"1","#))
        let body = Array(#"{"signature_name":"one","instances":[[1,2]]}"#.utf8)
        let labelled = service.respond(.post, Array("/v1/models/sig/labels/stable:predict".utf8), body: body)
        #expect(labelled.status == 200)
        let loading = service.respond(.post, Array("/v1/models/sig/versions/2:predict".utf8), body: body)
        #expect(loading.status == 404)
    }

    @Test("metadata is the signatures, as TF Serving prints them")
    func metadata() throws {
        let client = try Client(Model(contentsOf: Fixtures.path("files/saved_model_1")))
        let shape =
            #""tensor_shape":{"dim":[{"size":"-1","name":""},{"size":"2","name":""}],"unknown_rank":false}"#
        #expect(
            client.get("/v1/models/saved_model_1/metadata").body
                == #"{"model_spec":{"name":"saved_model_1","signature_name":"","version":"1"},"#
                + #""metadata":{"signature_def":{"signature_def":{"serving_default":{"#
                + #""inputs":{"in":{"dtype":"DT_FLOAT",\#(shape),"name":"x:0"}},"#
                + #""outputs":{"out":{"dtype":"DT_FLOAT",\#(shape),"name":"y:0"}},"#
                + #""method_name":"tensorflow/serving/predict","defaults":{}}}}}}"#)
        let sig = self.client.get("/v1/models/sig/versions/1/metadata").body
        #expect(
            sig.contains(
                #""scale":{"dtype":"DT_FLOAT","tensor_shape":{"dim":[],"unknown_rank":true},"name":"in_scale:0"}"#))
        #expect(sig.contains(#""text":{"dtype":"DT_STRING""#))
    }
}
