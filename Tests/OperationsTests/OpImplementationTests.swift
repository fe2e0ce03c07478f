import Operations
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@Suite("How ops are computed")
struct OpImplementationTests {
    private func kind(_ op: any Op) -> String {
        switch op.implementation {
        case .kernel: "kernel"
        case .tensors: "tensors"
        case .objects: "objects"
        case .readsVariable: "reads a variable"
        case .consumesVariable: "consumes a variable"
        case .changesVariable: "changes a variable"
        case .trains: "trains variables"
        case .asksVariable: "asks about a variable"
        case .readsTable: "reads a table"
        case .fillsTable: "fills a table"
        case .feed: "feed"
        case .controlFlow: "control flow"
        case .none: "none"
        }
    }

    @Test(
        "An op says by its type how it is computed",
        arguments: [
            ("Relu", 1, "kernel"), ("Where", 1, "tensors"), ("OptionalNone", 0, "objects"),
            ("AssignSubVariableOp", 2, "changes a variable"), ("VarIsInitializedOp", 1, "asks about a variable"),
            ("LookupTableSizeV2", 1, "reads a table"), ("InitializeTable", 3, "fills a table"),
            ("Switch", 2, "control flow"), ("NoOp", 0, "none"), ("StatelessRandomGetAlg", 0, "none"),
        ])
    func kinds(_ name: String, inputs: Int, expected: String) throws {
        #expect(kind(try plainOp(name, inputs: inputs)) == expected)
    }

    @Test("An op that is not computed alone is an error, not a wrong value")
    func refusals() throws {
        var dtype = AttrValue()
        dtype.type = DataType.float32.rawValue
        let op = try plainOp("Placeholder", inputs: 0, ["dtype": dtype])
        #expect(throws: OpError.nothingToCompute) { try op.evaluate([]) }
    }
}
