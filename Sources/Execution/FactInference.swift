internal import Graphs
internal import Operations
internal import Synchronization
internal import Tensors

/// What the graph alone tells of its tensors: dtypes and partial shapes, by the ops' own rules.
///
/// A node whose op is not known, or whose rule fails, tells nothing; that is no error here.
final class FactInference: Sendable {
    private let graph: Graph
    private let known = Mutex<[Int: [TensorFact]]>([:])

    init(_ graph: Graph) { self.graph = graph }

    func fact(of endpoint: Endpoint) -> TensorFact? {
        known.withLock { facts in
            infer(endpoint.node, &facts)
            let outputs = facts[endpoint.node] ?? []
            return outputs.indices.contains(endpoint.output) ? outputs[endpoint.output] : nil
        }
    }

    private func infer(_ node: Int, _ facts: inout [Int: [TensorFact]]) {
        var stack = [node]
        var open = Set<Int>()
        while let top = stack.last {
            let waiting = dependencies(of: top).filter { facts[$0] == nil && !open.contains($0) }
            if facts[top] == nil, open.insert(top).inserted, !waiting.isEmpty {
                stack += waiting
                continue
            }
            stack.removeLast()
            if facts[top] == nil { facts[top] = outputs(of: graph.nodes[top], facts) }
        }
    }

    /// Values matter here for axes and shapes only; to keep the elements of large constants would double their memory.
    private static func withoutLargeValue(_ fact: TensorFact) -> TensorFact {
        guard let value = fact.value, value.byteCount > largestValueBytes else { return fact }
        var smaller = fact
        smaller.value = nil
        return smaller
    }

    private static let largestValueBytes = 4096

    private func dependencies(of index: Int) -> [Int] {
        graph.nodes[index].inputs.compactMap { if case .endpoint(let endpoint) = $0 { endpoint.node } else { nil } }
    }

    private func outputs(of node: Node, _ facts: [Int: [TensorFact]]) -> [TensorFact] {
        guard let entry = OpTable.entries[node.op], let op = try? entry.make(NodeReader(node)) else { return [] }
        var inputs: [TensorFact] = []
        for input in node.inputs {
            guard case .endpoint(let endpoint) = input, let outputs = facts[endpoint.node],
                outputs.indices.contains(endpoint.output)
            else { return [] }
            inputs.append(outputs[endpoint.output])
        }
        return ((try? op.outputs(for: inputs)) ?? []).map(Self.withoutLargeValue)
    }
}
