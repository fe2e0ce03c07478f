import Foundation
import Serving
import Testing
import VectorSupport

/// What all protocols say of a model whose checkpoint lacks a variable, and of one that a pipeline feeds.
@Suite("Offered inputs and outputs")
struct OfferedTests {
    private func client(_ fixture: String) throws -> Client {
        try Client(try Model(contentsOf: Fixtures.path(fixture), name: "m"))
    }

    @Test("an output that cannot be computed is in no description, and no answer has fewer outputs than these")
    func leftOut() throws {
        let client = try client("restoring/partly")
        let paths = ["/models/m", "/v2/models/m", "/v1/models/m/metadata", "/openapi.json", "/"]
        for path in paths {
            let response = client.get(path)
            #expect(response.status == 200, "\(path)")
            #expect(!response.body.contains("\"z:0\"") && !response.body.contains("\"z\""), "\(path): \(response.body)")
        }
        #expect(
            client.get("/models/m").body.contains("left out: output \\\"z:0\\\": variable \\\"aa\\\": has no tensor"))
        #expect(client.post(#"{"feeds":{"x":[3]}}"#).body.hasPrefix(#"{"outputs":{"y:0":[6.0]}"#))
        #expect(client.post(#"{"inputs":[3]}"#, "/v1/models/m:predict").body == #"{"outputs":[6.0]}"#)
        let v2 = V2Client(client).infer(
            "m", #"{"inputs":[{"name":"x:0","datatype":"FP32","shape":[1],"data":[3]}]}"#)
        #expect(v2.text.contains(#""data":[6.0]"#), "\(v2.text)")
        #expect(!v2.text.contains("z:0"))
        #expect(client.post(#"{"feeds":{"x":[3]},"fetches":["z"]}"#).status == 500)
    }

    @Test("guessed inputs and outputs are called guessed, those of a signature are not")
    func guesses() throws {
        let guessed = try client("restoring/partly").get("/models/m").body
        #expect(guessed.contains(#"{"name":"x:0","dtype":"float32","shape":[null],"source":"guessed"}"#), "\(guessed)")
        #expect(!guessed.contains(#""source":"signature""#))
        let signed = try client("files/saved_model_1").get("/models/m").body
        #expect(signed.contains(#""source":"signature""#))
        #expect(!signed.contains(#""source":"guessed""#))
    }

    @Test("the tensors out of a pipeline are fed in every protocol")
    func pipeline() throws {
        let client = try client("pipelines/one_shot")
        let row = "[1,0,2,0]"
        let predict = client.post(#"{"feeds":{"IteratorGetNext:0":[\#(row)]},"fetches":["probs"]}"#)
        #expect(predict.status == 200, "\(predict.body)")
        let rows = client.post(#"{"instances":[\#(row)]}"#, "/v1/models/m:predict")
        #expect(rows.status == 200, "\(rows.body)")
        let v2 = V2Client(client).infer(
            "m",
            #"{"inputs":[{"name":"IteratorGetNext:0","datatype":"FP32","shape":[1,4],"data":\#(row)}],"outputs":[{"name":"probs:0"}]}"#
        )
        #expect(v2.status == 200, "\(v2.text)")
        let values = try #require(predict.body.firstRange(of: "0.23"))
        #expect(rows.body.contains(predict.body[values.lowerBound...].prefix(9)))
        #expect(v2.text.contains(predict.body[values.lowerBound...].prefix(9)))
        let unfed = client.post(#"{"feeds":{}}"#)
        #expect(unfed.error == "the fetches need a feed for \"IteratorGetNext:0\" (float32 [?,4])")
    }

    @Test("TensorFlow Serving's errors for a switch that is not fed say its usual value")
    func switches() throws {
        let client = try client("pipelines/shuffle_batch")
        let hint =
            "; \"keep_prob:0\" is usually 1 for predictions: feed that, or start with --default keep_prob:0=1"
        #expect(
            client.post(#"{"inputs":{"shuffle_batch":[[1,0,2,0]]}}"#, "/v1/models/m:predict").error
                == "Missing named input: keep_prob in 'inputs' object." + hint)
        #expect(
            client.post(#"{"instances":[{"shuffle_batch":[1,0,2,0]}]}"#, "/v1/models/m:predict").error
                == "Failed to process element: 0 of 'instances' list. JSON object keys must be equal to: keep_prob,shuffle_batch"
                + hint)
    }
}
