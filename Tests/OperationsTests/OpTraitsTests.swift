import Operations
import TensorFlowProtos
import Testing
import VectorSupport

@Suite("Traits of ops")
struct OpTraitsTests {
    @Test("An op has no trait that its row of the table does not have", arguments: VectorFamily.ops)
    func rowsHaveTheTraitsOfTheirOps(_ family: VectorFamily) throws {
        for vector in try VectorFile.read(family.path) {
            guard let op = try? OpTrial(vector).op else { continue }
            let row = OpTable.traits(of: vector.node.op)
            #expect(op.traits.isSubset(of: row), "\(vector.node.op): \(op.traits), its row has \(row)")
        }
    }

    @Test(
        "The table knows what may be folded, merged and removed",
        arguments: [
            ("Relu", true, true, true), ("Const", true, true, true), ("Identity", true, true, true),
            ("DeepCopy", false, true, true), ("RandomUniform", false, false, true), ("Timestamp", false, false, true),
            ("Placeholder", true, false, true), ("PlaceholderWithDefault", true, false, true),
            ("VarHandleOp", true, false, true), ("ReadVariableOp", false, false, true),
            ("ResourceGather", false, false, true), ("AssignVariableOp", false, false, false),
            ("ScatterAdd", false, false, false), ("ScatterNd", true, true, true),
            ("ScatterNdNonAliasingAdd", true, true, true), ("VarIsInitializedOp", false, false, true),
            ("HashTableV2", false, false, true), ("LookupTableFindV2", false, false, true),
            ("TensorArrayV3", false, false, true), ("TensorArrayReadV3", false, false, true),
            ("TensorListReserve", false, true, true), ("StackV2", false, false, true),
            ("StackPopV2", false, false, false), ("Assert", false, false, false), ("Switch", true, true, true),
            ("Merge", true, false, true), ("NoOp", true, false, true), ("ResourceApplyAdam", false, false, false),
            ("SaveV2", false, false, false),
        ])
    func verdicts(_ name: String, folding: Bool, merging: Bool, removal: Bool) {
        let traits = OpTable.traits(of: name)
        #expect(traits.allowsFolding == folding)
        #expect(traits.allowsMerging == merging)
        #expect(traits.allowsRemoval == removal)
    }

    @Test("Attributes that rule a trait out take it from the op")
    func traitsOfAttributes() throws {
        let stateless = try plainOp("StatelessRandomUniform", inputs: 2)
        #expect(OpTable.traits(of: "StatelessRandomUniform") == .random)
        #expect(stateless.traits == [])
        #expect(try plainOp("RandomUniform", inputs: 1).traits == .random)
        #expect(try plainOp("RefIdentity", inputs: 1).traits == [.forwards, .passesReference])
        #expect(try plainOp("RefSwitch", inputs: 2).traits == [.controlFlow, .passesReference])
        #expect(try plainOp("Switch", inputs: 2).traits == .controlFlow)
    }

    @Test("Ops that are not supported are known by what they do")
    func unsupportedOps() {
        for name in ["ApplyAdam", "ResourceApplyAdam", "SparseApplyFtrlV2", "ResourceSparseApplyKerasMomentum"] {
            #expect(OpTable.traits(of: name).isSuperset(of: [.changesVariable, .trains]), "\(name)")
        }
        #expect(OpTable.traits(of: "RestoreV2").isSuperset(of: [.files, .checkpoints]))
        #expect(OpTable.traits(of: "ImageSummary") == .bookkeeping)
        #expect(OpTable.traits(of: "NoSuchOp") == [])
    }
}
