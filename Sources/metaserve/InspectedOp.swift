import Execution
import Graphs
import Interfaces
import Operations
internal import Planning

/// An op of a graph, and whether it is supported.
struct InspectedOp: Encodable {
    let name: String
    /// The number of nodes with the op.
    let nodes: Int
    let supported: Bool
    /// Whether it only saves or restores checkpoints, so that no request needs it.
    let saving: Bool

    /// Whether it is a part of an input pipeline, whose results are fed.
    let pipeline: Bool

    /// Whether fetches that depend on it fail.
    var isMissing: Bool { !supported && !saving && !pipeline }

    /// The remark about the op.
    var remark: String {
        if isMissing { return "not supported" }
        if pipeline { return "input pipeline: not run" }
        return supported ? "" : "saves and restores: not needed to serve"
    }

    /// The ops of a graph, the most frequent first.
    static func all(of graph: Graph) -> [InspectedOp] {
        let counts = Dictionary(graph.nodes.map { ($0.op, 1) }, uniquingKeysWith: +)
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { op, count in
            InspectedOp(
                name: op, nodes: count, supported: OpTable.entries[op] != nil,
                saving: OpTable.traits(of: op).contains(.checkpoints),
                pipeline: InputPipeline.isPart(op))
        }
    }
}
