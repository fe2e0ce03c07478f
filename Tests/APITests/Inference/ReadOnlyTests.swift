import Foundation
import Serving
import Testing
import VectorSupport

/// A model of `Fixtures/assigning`, and what TensorFlow answers run after run in one session.
private struct Assigning {
    let name: String
    let bodies: [String]
    let expected: [[[Double]]]

    init(_ name: String) throws {
        self.name = name
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("assigning/runs.json")))
        let all = try #require(try JSONSerialization.jsonObject(with: data) as? [String: [[String: Any]]])
        let runs = try #require(all[name])
        expected = try runs.map { try #require($0["y"] as? [[Double]]) }
        bodies = try runs.map {
            String(decoding: try JSONSerialization.data(withJSONObject: ["feeds": $0["feeds"]]), as: UTF8.self)
        }
    }

    var folder: String { Fixtures.path("assigning/\(name)") }

    func client(_ variables: VariablesMode? = nil) throws -> Client {
        try Client(try Model(contentsOf: folder, variables: variables))
    }

    /// Asks for the output, and compares it with a run of TensorFlow's.
    func expect(_ response: Client.Response, like run: Int) throws {
        #expect(response.status == 200, "\(response.body)")
        let object = try JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: Any]
        let rows = try #require((object?["outputs"] as? [String: Any])?["y:0"] as? [[Double]])
        for (row, expectedRow) in zip(rows, expected[run]) {
            for (value, expectedValue) in zip(row, expectedRow) { #expect(abs(value - expectedValue) <= 1e-5) }
        }
        #expect(rows.count == expected[run].count)
    }
}

@Suite("Read-only variables")
struct ReadOnlyTests {
    private static let advice =
        ". To allow assignments, set \"variables: session\" in the model's metaserve.yaml or start with --variables session"

    @Test(
        "where a training switch decides what is assigned, a run that would assign is refused and changes nothing",
        arguments: [
            (
                "branch",
                "node \"cond/AssignSub\" (op AssignSub): would assign the variable \"bn/moving_mean\", which is read-only: the training switch \"is_training:0\" decides whether variables are assigned"
            ),
            (
                "branch_of_resource",
                "node \"cond/then/AssignSubVariableOp\" (op AssignSubVariableOp): would assign the variable \"bn/moving_mean\", which is read-only: the training switch \"phase_train:0\" decides whether variables are assigned"
            ),
            (
                "testing_branch",
                "node \"cond/AssignSubVariableOp\" (op AssignSubVariableOp): would assign the variable \"bn/moving_mean\", which is read-only: the training switch \"is_testing:0\" decides whether variables are assigned"
            ),
        ])
    func refused(name: String, message: String) throws {
        let model = try Assigning(name)
        let client = try model.client()
        for _ in 0..<2 {
            try model.expect(client.post(model.bodies[0]), like: 0)
            let refused = client.post(model.bodies[1])
            #expect(refused.status == 409)
            #expect(refused.error == message + Self.advice)
        }
        try model.expect(client.post(model.bodies[0]), like: 0)
    }

    @Test("every protocol refuses with 409 and the variable's name")
    func protocols() throws {
        let model = try Assigning("branch")
        let client = try model.client()
        let training = #""x": [[1, 2]], "is_training": true"#
        let v2 =
            #"{"inputs": [{"name": "x:0", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}, {"name": "is_training:0", "shape": [], "datatype": "BOOL", "data": [true]}]}"#
        let requests = [
            ("/predict", "{\"feeds\": {\(training)}}"),
            ("/v1/models/branch:predict", "{\"inputs\": {\(training)}}"),
            ("/v2/models/branch/infer", v2),
        ]
        for (path, body) in requests {
            let response = client.post(body, path)
            #expect(response.status == 409, "\(path): \(response.body)")
            #expect(response.body.contains("bn/moving_mean"), "\(path): \(response.body)")
            #expect(response.body.contains("--variables session"), "\(path): \(response.body)")
        }
        let prediction = client.post(
            #"{"inputs": {"x": [[1, 2]], "is_training": false}}"#, "/v1/models/branch:predict")
        #expect(prediction.status == 200, "\(prediction.body)")
    }

    @Test(
        "in a session, runs assign as TensorFlow's do",
        arguments: ["branch", "branch_of_resource", "testing_branch", "update_ops", "always", "counter"])
    func session(name: String) throws {
        let model = try Assigning(name)
        let client = try model.client(.session)
        for run in model.bodies.indices { try model.expect(client.post(model.bodies[run]), like: run) }
    }

    @Test("assignments that no output needs do not hinder any output; fetched by themselves, they are refused")
    func updateOps() throws {
        let model = try Assigning("update_ops")
        let client = try model.client()
        for run in model.bodies.indices { try model.expect(client.post(model.bodies[run]), like: run) }
        let fetched = client.post(
            #"{"feeds": {"x": [[1, 2]], "is_training": false}, "fetches": ["bn/update_mean"]}"#)
        #expect(fetched.status == 409)
        #expect(
            fetched.error
                == "node \"bn/update_mean\" (op AssignSub): would assign the variable \"bn/moving_mean\", which is read-only: the training switch \"is_training:0\" decides whether variables are assigned"
                + Self.advice)
    }

    @Test(
        "without a training switch, or where the outputs assign whatever it is, a session holds unless told otherwise",
        arguments: [
            ("counter", "no training switch of the graph decides what is assigned", "counted", "count"),
            (
                "always", "the outputs need \"bn/update_mean\", which always assigns a variable", "bn/update_mean",
                "bn/moving_mean"
            ),
        ])
    func standard(name: String, reason: String, node: String, variable: String) throws {
        let model = try Assigning(name)
        let client = try model.client()
        for run in model.bodies.indices { try model.expect(client.post(model.bodies[run]), like: run) }
        let described = client.get("/models/\(name)").body
        #expect(described.contains(#""variables_mode":"session""#), "\(described)")
        #expect(
            described.contains("\"variables_reason\":\"\(reason.replacingOccurrences(of: "\"", with: "\\\""))\""),
            "\(described)")
        let readOnly = try model.client(.readOnly)
        let refused = readOnly.post(model.bodies[0])
        #expect(refused.status == 409)
        #expect(refused.error?.contains("would assign the variable \"\(variable)\", which is read-only") == true)
        #expect(refused.error?.hasPrefix("node \"\(node)\"") == true)
        #expect(readOnly.get("/models/\(name)").body.contains(#""variables_mode":"read-only""#))
    }

    @Test("the model's own metaserve.yaml chooses the mode, and gives way to the caller")
    func settings() throws {
        try Fixtures.withCopy(of: Fixtures.path("assigning/branch")) { copy in
            try Fixtures.write(Array("variables: session\n".utf8), to: copy + "/metaserve.yaml")
            let model = try Model(contentsOf: copy)
            #expect(model.variablesMode == .session)
            #expect(model.variablesReason == "the settings say so")
            #expect(try Model(contentsOf: copy, variables: .readOnly).variablesMode == .readOnly)
            try Fixtures.write(Array("variables: sessions\n".utf8), to: copy + "/metaserve.yaml")
            let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy) }
            #expect(
                error?.message == "\(copy)/metaserve.yaml:1: expected read-only or session, found sessions")
        }
    }
}
