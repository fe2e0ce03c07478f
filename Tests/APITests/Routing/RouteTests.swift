import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

@Suite("Routes")
struct RouteTests {
    let client: Client

    init() throws { client = try Client() }

    @Test("what is served, and a line to copy")
    func server() throws {
        let response = client.get("/")
        #expect(
            response.body
                == #"{"name":"metaserve","version":"dev","models":["digits","tutorial"],"try":"curl -d '{\"feeds\":{\"w1:0\":1.0,\"w2:0\":1.0}}' localhost:8501/models/tutorial/predict"}"#
        )
        #expect(client.post(#"{"feeds":{"w1:0":1.0,"w2:0":1.0}}"#, "/models/tutorial/predict").status == 200)
        #expect(client.send(.head, "/").status == 200)
    }

    @Test("the line to copy says how the server is reached")
    func line() throws {
        func line(_ address: ServerAddress, _ token: String? = nil) throws -> String {
            var options = Service.Options()
            options.address = { address }
            var headers: [HTTPHeader: [UInt8]] = [:]
            if let token {
                let path = FileManager.default.temporaryDirectory.appendingPathComponent("tokens-\(UUID().uuidString)")
                    .path
                try Fixtures.write(Array(token.utf8), to: path)
                defer { try? FileManager.default.removeItem(atPath: path) }
                options.access = try AccessRules(tokenFile: path, adminTokenFile: nil) { _, _ in }
                headers[.authorization] = Array("Bearer \(token)".utf8)
            }
            let registry = ModelRegistry(
                [try Model(contentsOf: Fixtures.model("tutorial"))],
                ModelRegistry.Configuration(attach: Service.attachment))
            let response = Service(registry, options: options).respond(.get, Array("/".utf8), headers: headers)
            let object = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
            return try #require(object?["try"] as? String)
        }
        let feeds = #"-d '{"feeds":{"w1:0":1.0,"w2:0":1.0}}'"#
        #expect(
            try line(ServerAddress(url: "https://localhost:8501"))
                == "curl \(feeds) https://localhost:8501/models/tutorial/predict")
        #expect(
            try line(ServerAddress(url: "http://localhost", socketPath: "/run/it's here"))
                == "curl --unix-socket '/run/it'\\''s here' \(feeds) http://localhost/models/tutorial/predict")
        #expect(
            try line(ServerAddress(url: "http://localhost:1"), "secret")
                == "curl -H \"Authorization: Bearer $TOKEN\" \(feeds) http://localhost:1/models/tutorial/predict")
    }

    @Test("the models, and one of them")
    func models() throws {
        let list = client.get("/models").body
        #expect(
            list.hasPrefix(
                #"{"models":[{"name":"digits","state":"available","reason":null,"warnings":[],"step":3000,"prefix":""#))
        #expect(list.hasSuffix(#""default":"tutorial"}"#))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(client.get("/models/digits").body.utf8)) as? [String: Any])
        let inputs = try #require(object["inputs"] as? [[String: Any]])
        #expect(inputs.map { $0["name"] as? String } == ["x:0", "keep_prob:0", "labels:0"])
        #expect(inputs[0]["dtype"] as? String == "float32")
        let shape = try #require(inputs[0]["shape"] as? [Any])
        #expect(shape[0] is NSNull)
        #expect(shape[1] as? Int == 64)
        #expect(object["state"] as? String == "available")
        #expect(object["reason"] is NSNull)
        #expect(object["warnings"] as? [String] == [])
        #expect(object["step"] as? Int == 3000)
        let outputs = try #require(object["outputs"] as? [[String: Any]])
        #expect(outputs.contains { $0["name"] as? String == "class:0" && $0["dtype"] as? String == "int64" })
        let variables = try #require(object["variables"] as? [[String: Any]])
        #expect(
            variables.contains { $0["name"] as? String == "hidden1/weights" && $0["bytes"] as? Int == 64 * 128 * 4 })
        #expect(object["load_ms"] is Double)
    }

    @Test("health")
    func health() {
        #expect(client.get("/v2/health/live").status == 200)
        #expect(client.get("/v2/health/ready").status == 200)
    }

    @Test("the health paths of others are open to everybody, and follow the server's state")
    func healthOfOthers() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { folder in
            try Fixtures.write(Array("secret\n".utf8), to: folder + "/tokens")
            var options = Service.Options()
            options.access = try AccessRules(tokenFile: folder + "/tokens", adminTokenFile: nil) { _, _ in }
            let registry = ModelRegistry(
                [try Model(contentsOf: folder, name: "tutorial")],
                ModelRegistry.Configuration(attach: Service.attachment))
            let client = Client(Service(registry, options: options))
            #expect(client.get("/models").status == 401)
            let paths = ["/health", "/healthz", "/livez", "/readyz"]
            for path in paths { #expect(client.get(path).body == #"{"status":"ok"}"#) }
            options.readiness.beginDraining()
            #expect(paths.map { client.get($0).status } == [200, 200, 200, 503])
            #expect(client.get("/readyz").error == "the server is stopping")
        }
    }

    @Test(
        "a path that is nearly a route gets the route",
        arguments: [
            ("POST", "/models/tutorial/perdict", "; the nearest is POST /models/tutorial/predict"),
            ("POST", "/model/tutorial/predict", "; the nearest is POST /models/tutorial/predict"),
            ("POST", "/v2/models/tutorial/infre", "; the nearest is POST /v2/models/tutorial/infer"),
            (
                "POST", "/v2/model/tutorial/versions/1/infer",
                "; the nearest is POST /v2/models/tutorial/versions/1/infer"
            ),
            ("GET", "/metric", "; the nearest is GET /metrics"),
            ("GET", "/healtz", "; the nearest is GET /health or GET /healthz"),
            ("GET", "/nothing", ""), ("GET", "/models/tutorial/a/b/c", ""),
        ])
    func nearRoutes(method: String, path: String, hint: String) {
        let response = client.send(method == "GET" ? .get : .post, path)
        #expect(response.status == 404)
        #expect(response.error == "there is no route \(path)\(hint): GET / shows what is served")
    }

    @Test("a method that a path does not take gets the path that takes it")
    func nearMethods() {
        for (path, message) in [
            ("/v2/models/tutorial", "/v2/models/tutorial accepts GET, HEAD; /v2/models/tutorial/infer accepts POST"),
            ("/models/tutorial", "/models/tutorial accepts GET, HEAD; /models/tutorial/predict accepts POST"),
            (
                "/models/tutorial:predict",
                "/models/tutorial:predict accepts GET, HEAD; /models/tutorial/predict accepts POST"
            ),
            ("/metrics", "/metrics accepts GET, HEAD"),
        ] { #expect(client.send(.post, path).error == message) }
    }

    @Test("wrong paths, methods and names")
    func wrong() {
        let route = client.get("/nothing")
        #expect(route.status == 404)
        #expect(route.error == "there is no route /nothing: GET / shows what is served")
        let method = client.get("/predict")
        #expect(method.status == 405)
        #expect(method.allow == "POST")
        #expect(method.error == "/predict accepts POST")
        #expect(client.send(.delete, "/models").allow == "GET, HEAD")
        let model = client.get("/models/nope")
        #expect(model.status == 404)
        #expect(model.error == "there is no model \"nope\"; the served models are \"digits\", \"tutorial\"")
        #expect(client.get("/models/%").status == 400)
        #expect(client.get("/models/%00").status == 400)
        #expect(client.get("/models/%+f").error == "\"%+f\" is not a percent-encoded name")
        #expect(client.get("/models/%ff").status == 400)
        #expect(client.post(#"{"feeds":{"w1":1,"w2":1}}"#, "/models/t%75torial/predict").status == 200)
        #expect(client.get("/models/" + String(repeating: "x", count: 64 << 10)).status == 404)
        #expect(client.get("*").status == 404)
        #expect(client.get("/models/%74utorial").status == 200)
        #expect(client.get("/models/..%2f..%2fetc").status == 404)
        #expect(client.get("//models//tutorial/").status == 200)
        let conflict = client.post(#"{"model":"digits","feeds":{}}"#, "/models/tutorial/predict")
        #expect(conflict.error == "the path names model \"tutorial\", the body \"digits\"")
    }
}
