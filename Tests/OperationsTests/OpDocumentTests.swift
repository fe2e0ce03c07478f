import Foundation
import Operations
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

/// docs/ops.md: what is supported, op by op, as the recorded runs show it.
@Suite("The document of ops")
struct OpDocumentTests {
    /// What the recorded runs of an op show.
    private struct Row {
        var dtypes: Set<String> = []
        var attributes: Set<String> = []
        var runs = 0
        var refusals = 0
        var graphs = 0
    }

    @Test("docs/ops.md is what the table of ops and the recorded runs say; `make docs` writes it")
    func documentIsCurrent() throws {
        let file = Fixtures.package.appendingPathComponent("docs/ops.md")
        let text = try Self.document()
        if ProcessInfo.processInfo.environment["METASERVE_WRITE_DOCS"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "make docs writes it anew")
    }

    private static func document() throws -> String {
        let rows = try rows()
        let names = OpTable.entries.keys.sorted()
        var text = """
            # Supported ops

            metaserve supports \(names.count) ops. In addition, it expands `PartitionedCall`, `StatefulPartitionedCall`, `If`, `StatelessIf`, \
            `Case`, `StatelessCase`, `While`, `StatelessWhile` and calls of functions by name when it reads a graph. `make docs` generates this \
            page from the program's table of ops and the runs that TensorFlow 2.21 recorded (`Tests/Fixtures`). The tests repeat all runs.

            Ops whose names contain `Apply` apply gradients to variables. Only sessions that train run them. A server refuses them.

            The columns have this meaning:

            - *dtypes*: the dtypes of the recorded inputs and outputs
            - *attributes*: the attributes that differ between the runs
            - *runs*: the number of runs whose outputs must equal TensorFlow's
            - *refusals*: the number of runs that TensorFlow rejects, and metaserve must reject too
            - *graphs*: the number of recorded graphs that contain the op

            | op | dtypes | attributes | runs | refusals | graphs |
            | --- | --- | --- | --- | --- | --- |

            """
        for name in names {
            let row = rows[name] ?? Row()
            let cells = [
                "`\(name)`", row.dtypes.sorted().joined(separator: " "), row.attributes.sorted().joined(separator: " "),
                "\(row.runs)", "\(row.refusals)", "\(row.graphs)",
            ]
            text += "| " + cells.joined(separator: " | ") + " |\n"
        }
        return text
    }

    private static func rows() throws -> [String: Row] {
        var rows: [String: Row] = [:]
        for family in VectorFamily.ops {
            for vector in try VectorFile.read(family.path) { add(vector, &rows) }
        }
        for family in VectorFamily.graphs {
            for vector in try VectorFile.readGraphs(family.path) where vector.runs.contains(where: \.error.isEmpty) {
                let nodes = vector.graph.node + vector.graph.library.function.flatMap(\.nodeDef)
                for op in Set(nodes.map(\.op)) { rows[op, default: Row()].graphs += 1 }
            }
        }
        return rows
    }

    private static func add(_ vector: OpVector, _ rows: inout [String: Row]) {
        var row = rows[vector.node.op] ?? Row()
        defer { rows[vector.node.op] = row }
        guard vector.error.isEmpty else {
            row.refusals += 1
            return
        }
        row.runs += 1
        for tensor in vector.inputs + vector.outputs {
            if let dtype = DataType(protoNumber: tensor.dtype) { row.dtypes.insert("\(dtype)") }
        }
        for (name, attribute) in vector.node.attr where !name.hasPrefix("_") {
            if case .type = attribute.value { continue }
            row.attributes.insert(name)
        }
    }
}
