import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// SavedModels whose signatures are unusual, as TensorFlow wrote and answers them.
@Suite("Unusual signatures")
struct SignatureFixtureTests {
    private func model(_ name: String) throws -> Model {
        try Model(contentsOf: Fixtures.path("signatures/" + name))
    }

    private func text(_ value: Any) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: value, options: .fragmentsAllowed), as: UTF8.self)
    }

    /// Whether two values of JSON are the same, numbers within single precision.
    private func equal(_ left: Any?, _ right: Any?) -> Bool {
        if let left = left as? [Any], let right = right as? [Any] {
            return left.count == right.count && zip(left, right).allSatisfy { equal($0, $1) }
        }
        if let left = left as? NSNumber, let right = right as? NSNumber {
            return abs(left.doubleValue - right.doubleValue) <= 1e-5 * max(1, abs(right.doubleValue))
        }
        return false
    }

    @Test("each call is answered as TensorFlow answers it", arguments: ["functions", "sparse_and_doubled"])
    func responses(name: String) throws {
        let file = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("signatures/runs.json")))
        let runs = try #require(try JSONSerialization.jsonObject(with: file) as? [String: [[String: Any]]])
        let client = try Client(model(name))
        for run in try #require(runs[name]) {
            let expected = try #require(run["outputs"] as? [String: Any])
            var body: [String: Any] = ["feeds": try #require(run["feeds"])]
            if let signature = run["signature"] as? String { body["signature"] = signature }
            let response = try client.post(text(body))
            #expect(response.status == 200, "\(response.body)")
            let object = try JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: Any]
            let outputs = try #require(object?["outputs"] as? [String: Any], "\(response.body)")
            for (key, value) in expected {
                #expect(equal(outputs[key], value), "\(key) of \(body): \(String(describing: outputs[key]))")
            }
        }
    }

    @Test("the functions of a SavedModel without signatures are its signatures, under the names of their arguments")
    func functions() throws {
        let model = try model("functions")
        #expect(
            model.signatures.keys.sorted() == [
                "__call__", "__call__/2", "__call__/3", "__call__/4", "look", "nested", "ragged", "sparse", "steps",
            ])
        #expect(model.defaultSignature?.name == "__call__")
        #expect(model.inputs.map(\.name) == ["x"])
        #expect(model.outputs.map(\.name) == ["both_0", "both_1", "y"])
        #expect(model.signatures["nested"]?.inputs.map(\.name) == ["features_u", "features_v_0", "n"])
        #expect(model.signatures["__call__/2"]?.inputs.map(\.name) == ["scale", "x"])
        #expect(
            model.signatures["ragged"]?.inputs.map(\.name) == ["x/values", "x/row_splits_0", "x/row_splits_1"])
        #expect(!model.inputs.contains { $0.tensor.hasPrefix("saver_filename") })
        let client = try Client(model)
        #expect(client.post(#"{"feeds":{"saver_filename":"x"}}"#).status == 400)
        let rows = client.post(#"{"inputs":{"words":["cat"]},"signature_name":"look"}"#, "/v1/models/functions:predict")
        #expect(rows.body == #"{"outputs":{"output_0":[0],"output_1":[-1],"output_2":[-5]}}"#)
    }

    @Test("a sparse input is fed as JSON or by its parts, in V2 too, and what does not fit says how")
    func sparse() throws {
        let client = try Client(model("sparse_and_doubled"))
        let table = #""k":[[1,2],[3,4],[5,6]]"#
        let whole = client.post(
            #"{"feeds":{"sp":{"sparse":{"indices":[[0,1],[1,0]],"values":[1.5,2],"shape":[2,3]}},\#(table)},"fetches":["y"]}"#
        )
        let parts = client.post(
            #"{"feeds":{"sp/indices":[[0,1],[1,0]],"sp/values":[1.5,2],"sp/dense_shape":[2,3],\#(table)},"fetches":["y"]}"#
        )
        #expect(whole.body.hasPrefix(#"{"outputs":{"y":[[4.5,6.0],[2.0,4.0]]}"#))
        #expect(parts.body == whole.body)
        let v2 = V2Client(client).infer(
            "sparse_and_doubled",
            #"{"inputs":[{"name":"sp/indices","shape":[1,2],"datatype":"INT64","data":[1,0]},{"name":"sp/values","shape":[1],"datatype":"FP32","data":[2]},{"name":"sp/dense_shape","shape":[2],"datatype":"INT64","data":[2,3]},{"name":"k","shape":[3,2],"datatype":"FP32","data":[1,2,3,4,5,6]}],"outputs":[{"name":"y"},{"name":"y_again"}]}"#
        )
        #expect(v2.text.contains(#""name":"y_again","datatype":"FP32","shape":[2,2],"data":[0.0,0.0,2.0,4.0]"#))
        func error(_ sp: String) -> String? { client.post(#"{"feeds":{"sp":\#(sp),\#(table)},"fetches":["y"]}"#).error }
        let expected =
            #"feed "sp": expected {"sparse": {"indices": ..., "values": ..., "shape": ...}}, or feeds for "sp/indices", "sp/values", "sp/dense_shape"; got "#
        #expect(error("[1]") == expected + "a list")
        #expect(error(#"{"ragged":{}}"#) == expected + "other keys")
        #expect(error(#"{"sparse":{"indices":[[0,1]],"values":[1]}}"#) == expected + #"no "shape""#)
        #expect(error(#"{"sparse":{"rows":1}}"#) == expected + #"the key "rows""#)
        let described = client.get("/models/sparse_and_doubled").body
        #expect(
            described.contains(
                #""name":"sp/values","tensor":"sp/values:0","dtype":"float32","shape":[null],"source":"signature","note":"values of the sparse tensor \"sp\"""#
            ))
        #expect(described.contains(#""name":"back/indices""#))
    }

    @Test("a folder of a numbered version has its model's name")
    func names() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/saved_model_2")) { copy in
            let parent = copy + "/../" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: false)
            defer { try? FileManager.default.removeItem(atPath: parent) }
            try FileManager.default.copyItem(atPath: copy, toPath: parent + "/1")
            let name = parent.split(separator: "/").last.map(String.init)
            #expect(try Model(contentsOf: parent + "/1").name == name)
            #expect(try Model(contentsOf: parent + "/1/").name == name)
            #expect(try Model(contentsOf: parent).name == name)
        }
    }
}

@Suite("Files that are called saved_model.pb")
struct SavedModelNameTests {
    @Test("a graph is served as the frozen graph that it is")
    func graph() throws {
        try Fixtures.withCopy(of: Fixtures.path("files/frozen")) { copy in
            try FileManager.default.moveItem(atPath: copy + "/frozen.pb", toPath: copy + "/saved_model.pb")
            let model = try Model(contentsOf: copy)
            #expect(model.format == "frozen graph")
            #expect(model.warnings == ["\(copy)/saved_model.pb is a graph, not a SavedModel: it is not read as one"])
            #expect(try Model(contentsOf: copy + "/saved_model.pb").format == "frozen graph")
        }
    }

    @Test(
        "beside a checkpoint a damaged one is passed over with a warning; alone it is an error", arguments: [0, 1, 100])
    func damaged(length: Int) throws {
        let bytes = try Fixtures.bytes(Fixtures.path("files/saved_model_2/saved_model.pb"))
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { copy in
            try Fixtures.write(Array(bytes.prefix(length)), to: copy + "/saved_model.pb")
            let model = try Model(contentsOf: copy)
            #expect(model.step == 1000)
            #expect(
                model.warnings == [
                    "\(copy)/saved_model.pb is not a valid SavedModel: it is cut off or damaged; the checkpoint beside it is served"
                ])
        }
        try Fixtures.withCopy(of: Fixtures.path("files/saved_model_2")) { copy in
            try Fixtures.write(Array(bytes.prefix(length)), to: copy + "/saved_model.pb")
            #expect(throws: ModelError.self) { try Model(contentsOf: copy) }
        }
    }
}

@Suite("Two keys of a signature for one tensor")
struct DoubledKeyTests {
    @Test("either may be fed, each output is there by its own key, and both inputs at once are an error that says why")
    func doubled() throws {
        let client = try Client(Model(contentsOf: Fixtures.path("signatures/sparse_and_doubled"), name: "m"))
        let sp = #""sp/indices":[[0,0]],"sp/values":[1],"sp/dense_shape":[1,3]"#
        let table = "[[1,2],[3,4],[5,6]]"
        let outputs = #""fetches":["y","y_again"]"#
        let first = client.post(#"{"feeds":{\#(sp),"k":\#(table)},\#(outputs)}"#)
        #expect(first.body.hasPrefix(#"{"outputs":{"y":[[1.0,2.0]],"y_again":[[1.0,2.0]]}"#))
        #expect(client.post(#"{"feeds":{\#(sp),"k_again":\#(table)},\#(outputs)}"#).body == first.body)
        #expect(
            client.post(#"{"feeds":{\#(sp),"k":\#(table),"k_again":\#(table)}}"#).error
                == #"feeds "k" and "k_again" are the same tensor, "k:0": feed one of them"#)
        let served = client.post(#"{"inputs":{\#(sp),"k":\#(table)}}"#, "/v1/models/m:predict")
        #expect(served.body.contains(#""y_again":[[1.0,2.0]]"#))
    }
}
