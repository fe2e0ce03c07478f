import ServerSupport
import Testing

/// Checkpoints whose variables do not fit the graph as they are.
@Suite("Cases: restoring", Cases.areHere)
struct RestoreCaseTests {
    @Test("a model none of whose outputs can be restored is not ready, and says which variable is missing")
    func variablesMissing() throws {
        try Cases.serve("variables_missing", "--wait-for-models") { model throws in
            #expect(try model.get("/v2/health/ready").status == 503)
            #expect(try model.get("/v2/models/variables_missing/ready").status >= 400)
            #expect(model.server.log.contains("rnn/basic_lstm_cell/kernel"), "\(model.server.log)")
            #expect(model.server.log.contains("rnn/basic_lstm_cell/weights"), "\(model.server.log)")
            #expect(try model.predict("{\"feeds\": {\"x:0\": [[1, 2]]}}").status >= 500)
        }
    }

    @Test("an output whose variable is missing is not promised, and a warning names output and variable")
    func oneOutputOfTwo() throws {
        try Cases.serve("one_output_of_two") { model throws in
            #expect(try model.described("outputs") == ["z:0"])
            let warned = model.server.log.split(separator: "\n").filter { $0.contains("new_layer/w") }
            #expect(warned.contains { $0.contains("warning") && $0.contains("y:0") }, "\(model.server.log)")
            let warnings = try model.description()["warnings"] as? [String] ?? []
            #expect(warnings.contains { $0.contains("new_layer/w") && $0.contains("y:0") }, "\(warnings)")
            let response = try model.predict("{\"feeds\": {\"x:0\": [1, 2]}}")
            #expect(Array((response.object["outputs"] as? [String: Any] ?? [:]).keys) == ["z:0"], "\(response.text)")
            let missing = try model.predict("{\"feeds\": {\"x:0\": [1, 2]}, \"fetches\": [\"y:0\"]}")
            #expect(missing.status == 500)
            #expect(missing.text.contains("new_layer/w"))
            let prediction = try model.post("/v1/models/one_output_of_two:predict", "{\"inputs\": {\"x\": [1, 2]}}")
            #expect(prediction.status == 200, "\(prediction.text)")
            let metadata = try model.get("/v2/models/one_output_of_two")
            #expect((metadata.object["outputs"] as? [[String: Any]])?.count == 1, "\(metadata.text)")
            let inference = try model.post(
                "/v2/models/one_output_of_two/infer",
                "{\"inputs\": [{\"name\": \"x:0\", \"datatype\": \"FP32\", \"shape\": [2], \"data\": [1, 2]}]}")
            #expect((inference.object["outputs"] as? [[String: Any]])?.count == 1, "\(inference.text)")
        }
    }

    @Test("Saver(reshape=True) restores a variable of another shape")
    func saverReshape() throws {
        try Cases.serve("saver_reshape") { model throws in
            let response = try model.predict("{\"feeds\": {\"x:0\": [1]}}")
            #expect(response.output("y:0") as? [Double] == [5], "\(response.text)")
        }
    }
}
