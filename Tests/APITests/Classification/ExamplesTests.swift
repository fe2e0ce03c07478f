import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// `:classify` and `:regress`: TensorFlow Serving's requests, with what TensorFlow computes of the examples in them.
@Suite("Examples")
struct ExamplesTests {
    let client: Client

    init() throws { client = try Client(Model(contentsOf: Fixtures.path("serving/flowers"))) }

    private func post(_ verb: String, _ body: String) -> Client.Response {
        client.post(body, "/v1/models/flowers:\(verb)")
    }

    /// Compares numbers within float32's precision, all else exactly.
    private static func areEqual(_ left: Any, _ right: Any) -> Bool {
        switch (left, right) {
        case (let left as [Any], let right as [Any]):
            left.count == right.count && zip(left, right).allSatisfy { areEqual($0, $1) }
        case (let left as String, let right as String): left == right
        case (let left as Double, let right as Double): abs(left - right) <= 1e-6 * max(1, abs(right))
        default: false
        }
    }

    @Test("recorded requests are answered as TensorFlow Serving does, by version too")
    func recorded() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("serving/runs.json")))
        let file = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        // Foundation would write 1.0 as 1: the bodies are cut out of the file as they stand.
        let bodies = try Self.bodies(in: String(decoding: data, as: UTF8.self))
        let runs = try #require(file["examples"] as? [[String: Any]])
        #expect(runs.count == 8)
        #expect(bodies.count == runs.count)
        for (run, body) in zip(runs, bodies) {
            let verb = try #require(run["verb"] as? String)
            for path in ["/v1/models/flowers:\(verb)", "/v1/models/flowers/versions/1:\(verb)"] {
                let response = client.post(body, path)
                #expect(response.status == 200, "\(response.body)")
                let object = try JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: Any]
                let results = try #require(object?["results"])
                #expect(Self.areEqual(results, try #require(run["results"])), "\(body): \(response.body)")
            }
        }
    }

    private static func bodies(in text: String) throws -> [String] {
        text.components(separatedBy: "\"body\": ").dropFirst().map {
            String($0[..<($0.range(of: ",\n\"results\"")?.lowerBound ?? $0.endIndex)])
        }
    }

    @Test(
        "requests that are wrong, in TensorFlow Serving's words",
        arguments: [
            ("classify", "[]", "the body is a list; expected an object with \"examples\""),
            ("classify", "{}", "When method is classify, key 'examples' is expected and was not found"),
            ("regress", #"{"examples":{}}"#, "Expecting 'examples' value to be an list/array"),
            ("classify", #"{"examples":[]}"#, "'examples' value is an empty array"),
            ("classify", #"{"examples":[1]}"#, "Example must be JSON object but got JSON Number"),
            ("classify", #"{"examples":[{}],"context":[]}"#, "Example must be JSON object but got JSON Array"),
            ("classify", #"{"examples":[{}],"signature_name":1}"#, "'signature_name' key must be a string value."),
            (
                "classify", #"{"examples":[{"x":[1.5,2]}]}"#,
                "Unexpected element type in feature: x expecting type: float"
            ),
            (
                "classify", #"{"examples":[{"x":["a",{"b64":"_w"},true]}]}"#,
                "Unexpected element type in feature: x expecting type: bytes"
            ),
            (
                "classify", #"{"examples":[{"x":[1,null]}]}"#,
                "Feature: x has element with unexpected JSON type: Null"
            ),
            (
                "classify", #"{"examples":[{"x":[[1.0]]}]}"#,
                "Feature: x has element with unexpected JSON type: Array"
            ),
            (
                "classify", #"{"examples":[{"x":{"b64":1}}]}"#,
                "Feature: x has element with unexpected JSON type: Object"
            ),
            ("classify", #"{"examples":[{"x":{"b64":"?"}}]}"#, "Feature: x: the value of \"b64\" is not base64"),
            (
                "classify", #"{"examples":[{"x":18446744073709551615}]}"#,
                "Feature: x has uint64 element. Only int64 is supported."
            ),
            (
                "classify", #"{"examples":[{"x":1e39}]}"#,
                "Feature: x has element 1e+39, which is out of range for float"
            ),
            (
                "classify", #"{"examples":[{}],"signature_name":"none"}"#,
                "No signature was found with the name: none; \"signature_name\" can be \"classes\", \"scores\", "
                    + "\"serving_default\""
            ),
            (
                "regress", #"{"examples":[{}]}"#,
                "Expected regression signature method_name to be tensorflow/serving/regress. Was: "
                    + "tensorflow/serving/classify; \"signature_name\" can be \"flat\", \"value\", \"wide\""
            ),
            (
                "classify", #"{"examples":[{}],"signature_name":"predict"}"#,
                "Expected classification signature method_name to be tensorflow/serving/classify. Was: "
                    + "tensorflow/serving/predict; \"signature_name\" can be \"classes\", \"scores\", \"serving_default\""
            ),
            (
                "regress", #"{"examples":[{"x":[1.5,2.5]}],"signature_name":"wide"}"#,
                "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,3]"
            ),
        ])
    func wrong(verb: String, body: String, error: String) {
        let response = post(verb, body)
        #expect(response.status == 400)
        #expect(response.error == error)
    }

    @Test("the graph says which feature is missing, or of another dtype")
    func unfit() throws {
        let missing = post("classify", #"{"examples":[{"x":[1.0,2.0]},{"x":[]}]}"#)
        #expect(missing.status == 400)
        #expect(
            missing.error?.hasSuffix("Feature: x (data type: float32) is required but could not be found.") == true,
            "\(missing)")
        let whole = post("classify", #"{"examples":[{"x":[1,2]}]}"#)
        #expect(
            whole.error?.hasSuffix("Data types don't match. Expected type: float32, Actual type: int64") == true,
            "\(whole)")
    }

    @Test(
        "a model without such signatures says what to ask instead; unknown models and versions have the words for them")
    func others() throws {
        let client = try Client(["tutorial"])
        let response = client.post(#"{"examples":[{}]}"#, "/v1/models/tutorial:classify")
        #expect(response.status == 400)
        #expect(
            response.error
                == "Expected classification signature method_name to be tensorflow/serving/classify. Was: "
                + "tensorflow/serving/predict; no signature of this model supports this method: use :predict")
        let none = client.post(#"{"examples":[{}]}"#, "/v1/models/totrial:regress")
        #expect(none.error == "Servable not found for request: Latest(totrial); the nearest is \"tutorial\"")
        let version = client.post(#"{"examples":[{}]}"#, "/v1/models/tutorial/versions/7:regress")
        #expect(version.error == "Servable not found for request: Specific(tutorial, 7); the loaded versions are 1000")
    }

    @Test("NaN among numbers is a number")
    func notANumber() {
        let response = post("regress", #"{"examples":[{"x":[1.0,NaN]},{"x":["NaN",-1.5]}],"signature_name":"flat"}"#)
        #expect(response.body == #"{"results":["NaN","NaN"]}"#)
        let bare = post("regress", #"{"examples":[{"x":[NaN,-Infinity]}],"signature_name":"flat"}"#)
        #expect(bare.body == #"{"results":["NaN"]}"#)
        let words = post("regress", #"{"examples":[{"x":["NaN","NaN"]}],"signature_name":"flat"}"#)
        #expect(words.status == 400)
    }

    @Test("broken bodies are answered by what the client did wrong", arguments: [41] as [UInt64])
    func mutations(seed: UInt64) {
        var random = SplitMix(state: seed)
        let body = Array(
            #"{"signature_name":"flat","context":{"count":7},"examples":[{"x":[1.0,2e3],"tags":["a",{"b64":"_w"}],"count":true},{"x":[-0.0,1.5]}]}"#
                .utf8)
        #expect(client.send(.post, "/v1/models/flowers:regress", body).status == 200)
        for _ in 0..<2000 {
            let changed = Mutation.apply(to: body, using: &random)
            let response = client.send(.post, "/v1/models/flowers:regress", changed)
            #expect(
                response.status == 200 || response.status == 400 && response.error != nil,
                "seed \(seed): \(String(decoding: changed, as: UTF8.self)): \(response.body)")
        }
    }
}
