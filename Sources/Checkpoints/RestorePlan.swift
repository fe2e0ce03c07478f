package import TensorFlowProtos
internal import Tensors

/// Which tensor of a checkpoint goes into which variable of a graph.
///
/// The truth is not the variables' names but the constants that feed `RestoreV2`: the plan follows the graph from the saver's
/// restore op through its control inputs to the assignments, and from each value back to the restore op that makes it.
/// So a Saver with renamed variables, with a subset, or of a sharded graph restores as it does in TensorFlow.
package struct RestorePlan: Sendable {
    /// Where a variable's value comes from.
    package struct Source: Hashable, Sendable {
        /// The tensor's name in the checkpoint.
        package let key: String
        /// The part of it, in RestoreV2's form; empty for all.
        package let slice: String
    }

    /// The sources, by the name of the variable's node and, where it differs, by its `shared_name`.
    package private(set) var sources: [String: Source] = [:]

    /// Whether the graph says what to restore; if not, a variable is looked for under its own name.
    package var isExplicit: Bool { !sources.isEmpty }

    /// Reads the plan from a graph.
    ///
    /// - Parameters:
    ///   - graph: The graph, with the parts that save and restore.
    ///   - saver: What names the restore op; nil, or one whose op is not in the graph, gives a plan that is not explicit.
    package init(graph: GraphDef, saver: SaverDef?) {
        guard let saver, !saver.restoreOpName.isEmpty else { return }
        let nodes = Dictionary(graph.node.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let walk = Walk(nodes: nodes)
        for assignment in walk.assignments(from: Self.nodeName(saver.restoreOpName)) {
            guard assignment.input.count >= 2, let variable = walk.variable(assignment.input[0]),
                let source = walk.source(of: assignment.input[1])
            else { continue }
            sources[variable.name] = source
            if let shared = variable.attr["shared_name"]?.s, !shared.isEmpty {
                sources[String(decoding: shared, as: UTF8.self)] = source
            }
        }
    }

    private static func nodeName(_ input: String) -> String {
        let bare = input.hasPrefix("^") ? input.dropFirst() : input[...]
        guard let colon = bare.lastIndex(of: ":") else { return String(bare) }
        return String(bare[..<colon])
    }

    private static func outputIndex(_ input: String) -> Int {
        input.lastIndex(of: ":").flatMap { Int(input[input.index(after: $0)...]) } ?? 0
    }

    private struct Walk {
        let nodes: [String: NodeDef]
        /// Ops that hand on their first input.
        static let passing: Set<String> = [
            "Identity", "Reshape", "Cast", "DisableCopyOnRead", "ReadVariableOp", "StopGradient",
        ]
        static let assigning: Set<String> = ["Assign", "AssignVariableOp"]

        /// All assignments that the restore op waits for.
        func assignments(from start: String) -> [NodeDef] {
            var result: [NodeDef] = []
            var seen: Set<String> = []
            var stack = [start]
            while let name = stack.popLast() {
                guard seen.insert(name).inserted, let node = nodes[name] else { continue }
                if Self.assigning.contains(node.op) {
                    result.append(node)
                    continue
                }
                stack += node.input.map(nodeName)
            }
            return result
        }

        /// The variable that an assignment's first input leads to.
        func variable(_ input: String) -> NodeDef? {
            follow(input) { ["Variable", "VariableV2", "VarHandleOp"].contains($0.op) }?.node
        }

        /// Follows a chain of ops that hand on their first input.
        func follow(_ input: String, until isEnd: (NodeDef) -> Bool) -> (node: NodeDef, output: Int)? {
            var input = input
            for _ in 0..<32 {
                guard let node = nodes[nodeName(input)] else { return nil }
                if isEnd(node) { return (node, outputIndex(input)) }
                guard Self.passing.contains(node.op), let next = node.input.first else { return nil }
                input = next
            }
            return nil
        }

        /// The checkpoint's tensor that a value is.
        func source(of input: String) -> Source? {
            guard let (node, output) = follow(input, until: { $0.op.hasPrefix("Restore") }) else { return nil }
            // RestoreV2(prefix, names, slices); Restore(pattern, name); RestoreSlice(pattern, name, slice).
            guard node.input.count >= 2, let key = string(node.input[1], at: node.op == "RestoreV2" ? output : 0) else {
                return nil
            }
            let slice = node.input.count > 2 ? string(node.input[2], at: node.op == "RestoreV2" ? output : 0) : nil
            return Source(key: key, slice: slice ?? "")
        }

        /// An element of a constant of strings; the last one given stands for all that follow.
        func string(_ input: String, at index: Int) -> String? {
            guard let node = nodes[nodeName(input)], node.op == "Const", let tensor = node.attr["value"]?.tensor,
                let bytes = index < tensor.stringVal.count ? tensor.stringVal[index] : tensor.stringVal.last
            else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
