import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

@Suite("OpenAPI")
struct OpenAPITests {
    private let client: Client

    init() throws { client = try Client() }

    private func document() throws -> [String: Any] {
        let response = client.get("/openapi.json")
        #expect(response.status == 200)
        return try #require(try JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: Any])
    }

    /// The value at keys, one in the other; a reference is followed.
    private func value(_ document: [String: Any], _ keys: String...) -> Any? {
        keys.reduce(document as Any?) { value, key in
            var value = value
            if let reference = (value as? [String: Any])?["$ref"] as? String {
                value = reference.split(separator: "/").dropFirst().reduce(document as Any?) {
                    ($0 as? [String: Any])?[String($1)]
                }
            }
            return (value as? [String: Any])?[key]
        }
    }

    @Test("every model has its paths, in all protocols")
    func paths() throws {
        let document = try document()
        #expect(document["openapi"] as? String == "3.1.0")
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        for path in [
            "/", "/models", "/models/{name}", "/models/{name}/plan", "/predict", "/models/digits/predict",
            "/models/tutorial/predict",
            "/models/digits/versions/3000/predict", "/v1/models/digits:predict",
            "/v1/models/digits/versions/3000:predict", "/v1/models/{name}", "/v1/models/{name}/metadata",
            "/v2", "/v2/models/{name}", "/v2/models/digits/infer", "/v2/models/tutorial/versions/1000/infer",
            "/v2/models/{name}/config", "/v2/models/stats", "/v2/health/ready", "/metrics",
        ] { #expect(paths[path] != nil, "\(path)") }
        for (path, operations) in paths {
            for (method, operation) in operations {
                let operation = operation as? [String: Any]
                #expect(operation?["summary"] as? String != "", "\(method) \(path)")
                #expect((operation?["responses"] as? [String: Any])?.keys.sorted() == ["200", "default"])
            }
        }
    }

    @Test("inputs have their true shapes and dtypes")
    func shapes() throws {
        let document = try document()
        let feeds = value(
            document, "paths", "/models/digits/predict", "post", "requestBody", "content", "application/json", "schema",
            "properties", "feeds")
        let object = try #require(feeds as? [String: Any])
        #expect(object["required"] as? [String] == ["x:0", "keep_prob:0"])
        let x = try #require((object["properties"] as? [String: Any])?["x:0"] as? [String: Any])
        #expect(x["type"] as? String == "array")
        #expect(x["minItems"] == nil)
        let row = try #require(x["items"] as? [String: Any])
        #expect(row["minItems"] as? Int == 64)
        #expect(row["maxItems"] as? Int == 64)
        #expect(x["description"] as? String == "float32 [?,64]")
    }

    @Test("the examples are answered")
    func examples() throws {
        let document = try document()
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        var count = 0
        for path in paths.keys.sorted() {
            guard
                let example = value(
                    document, "paths", path, "post", "requestBody", "content", "application/json", "example")
            else { continue }
            count += 1
            let body = try JSONSerialization.data(withJSONObject: example)
            let response = client.send(.post, path, Array(body))
            #expect(response.status == 200, "\(path): \(String(decoding: body, as: UTF8.self)): \(response.body)")
        }
        #expect(count == 2 * 3 * 2)
    }
}
