import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Checkpoints

@Suite("Which tensor goes into which variable")
struct RestorePlanTests {
    private func plan(_ text: String, op: String = "restore", initOps: [String] = []) throws -> RestorePlan {
        RestorePlan(
            graph: try GraphDef(textFormatString: text), saver: .with { $0.restoreOpName = op }, initOps: initOps)
    }

    private let restoring = """
        node { name: "names" op: "Const" attr { key: "value" value { tensor { string_val: "k0" string_val: "k1" } } } }
        node { name: "slices" op: "Const" attr { key: "value" value { tensor { string_val: "" } } } }
        node { name: "R" op: "RestoreV2" input: ["file", "names", "slices"] }
        node { name: "v" op: "VarHandleOp" attr { key: "shared_name" value { s: "other" } } }
        """

    @Test("by the node's name and by its shared name")
    func names() throws {
        let found = try plan(restoring + #"node { name: "restore" op: "AssignVariableOp" input: ["v", "R:1"] }"#)
        #expect(found.sources["v"]?.key == "k1")
        #expect(found.sources["other"]?.key == "k1")
        #expect(found.isExplicit)
    }

    @Test("V1: one op a tensor, its slice as text, and control inputs are no slices")
    func sliceOps() throws {
        let text = """
            node { name: "name" op: "Const" attr { key: "value" value { tensor { string_val: "k" } } } }
            node { name: "slice" op: "Const" attr { key: "value" value { tensor { string_val: "2 0,1" } } } }
            node { name: "v" op: "Variable" }
            node { name: "w" op: "Variable" }
            node { name: "R" op: "RestoreSlice" input: ["file", "name", "slice"] }
            node { name: "S" op: "Restore" input: ["file", "name", "^slice"] }
            node { name: "a" op: "Assign" input: ["v", "R"] }
            node { name: "b" op: "Assign" input: ["w", "S"] }
            node { name: "restore" op: "NoOp" input: ["^a", "^b"] }
            """
        let found = try plan(text)
        #expect(found.sources["v"]?.key == "k")
        #expect(found.sources["v"]?.slice == "2 0,1")
        #expect(found.sources["w"]?.slice.isEmpty == true)
    }

    @Test("without a saver the usual op is looked for; a saver that names another one has no say")
    func savers() throws {
        let text = restoring + #"node { name: "save/restore_all" op: "AssignVariableOp" input: ["v", "R"] }"#
        #expect(RestorePlan(graph: try GraphDef(textFormatString: text), saver: nil).sources["v"]?.key == "k0")
        #expect(try plan(text, op: "gone").sources.isEmpty)
    }

    @Test("a constant that the initialisation assigns is a value, unless the variable is restored")
    func constants() throws {
        let text = """
            node { name: "path" op: "Const" attr { key: "value" value { tensor { dtype: 7 string_val: "p" } } } }
            node { name: "u" op: "VarHandleOp" }
            node { name: "a" op: "AssignVariableOp" input: ["u", "path"] }
            node { name: "b" op: "AssignVariableOp" input: ["v", "path"] }
            node { name: "init" op: "NoOp" input: ["^a", "^b"] }
            node { name: "restore" op: "AssignVariableOp" input: ["v", "R"] }
            """
        let found = try plan(restoring + text, initOps: ["init"])
        #expect(found.constants.keys.sorted() == ["u"])
        let variables = RestoredVariables(plan: found, reader: nil)
        #expect(try variables.value(of: "u", dtype: .string, shape: .unknown).strings == [Array("p".utf8)])
        let error = #expect(throws: CheckpointError.self) {
            try variables.value(of: "v", dtype: .float32, shape: .unknown)
        }
        #expect(error?.reason == "variable \"v\" has no value: there is no checkpoint with the graph")
    }

    @Test("circles, and functions that call themselves, end")
    func circles() throws {
        let call = { (name: String) in
            #"name: "\#(name)" op: "PartitionedCall" input: "x" attr { key: "f" value { func { name: "F" } } }"#
        }
        let text = """
            node { \(call("restore")) }
            node { name: "i" op: "Identity" input: "i" }
            node { name: "a" op: "AssignVariableOp" input: ["i", "i"] }
            library { function {
              signature { name: "F" input_arg { name: "x" } }
              node_def { \(call("one")) }
              node_def { \(call("two")) }
              node_def { name: "b" op: "AssignVariableOp" input: ["x", "x"] }
            } }
            """
        #expect(try plan(text).sources.isEmpty)
        #expect(try plan(text, op: "a").sources.isEmpty)
    }

    @Test("an object-based checkpoint is asked by full names, then by the paths of objects")
    func objects() throws {
        let reader = try CheckpointReader(folder: Fixtures.path("files/objects"))
        #expect(reader.format == "object-based V2 checkpoint")
        #expect(reader.objectKeys["dense/w"] == "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE")
        let variables = RestoredVariables(plan: RestorePlan(graph: GraphDef(), saver: nil), reader: reader)
        for name in ["dense/b", "layer/bias"] {
            let value = try variables.value(of: name, dtype: .float32, shape: .unknown)
            #expect(value.scalars(as: Float.self) == [8, -8], "\(name)")
        }
    }
}
