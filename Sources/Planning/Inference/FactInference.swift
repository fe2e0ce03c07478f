package import Graphs
package import Operations
internal import Synchronization
internal import Tensors

/// What the graph alone tells of its tensors: dtypes and partial shapes, by the ops' own rules.
///
/// A node whose op is not known, or whose rule fails, tells nothing; that is no error here. It depends on nothing but the graph:
/// sessions of one graph share it.
package final class FactInference: Sendable {
    private let graph: Graph
    private let known = Mutex<[Int: [TensorFact]]>([:])
    /// The nodes at which loops begin: their facts depend on what the loops give back to them.
    private let loopMerges: [Int]

    package init(_ graph: Graph) {
        self.graph = graph
        loopMerges = graph.nodes.indices.filter { index in
            graph.nodes[index].isMerge && graph.nodes[index].inputs.contains { Self.isNext($0, graph) }
        }
    }

    private static func isNext(_ input: NodeInput, _ graph: Graph) -> Bool {
        if case .endpoint(let endpoint) = input { graph.nodes[endpoint.node].isNextIteration } else { false }
    }

    /// What the ops' rules, or the graph's own declarations, tell of a tensor's dtype and shape; nil where it tells nothing.
    package func feedableFact(of endpoint: Endpoint) -> TensorFact? {
        let fact = fact(of: endpoint) ?? graph.declaredType(of: endpoint).map { TensorFact($0, .unknown) }
        let node = graph.nodes[endpoint.node]
        guard let fact, node.op == "PlaceholderWithDefault" else { return fact }
        // What may be fed is not what stands there when nothing is.
        guard case .shape(let shape)? = try? node.attribute("shape") else { return TensorFact(fact.dtype, .unknown) }
        return TensorFact(fact.dtype, shape)
    }

    func fact(of endpoint: Endpoint) -> TensorFact? {
        known.withLock { facts in
            if facts.isEmpty, !loopMerges.isEmpty { facts = loopFacts() }
            infer(endpoint.node, &facts)
            let outputs = facts[endpoint.node] ?? []
            return outputs.indices.contains(endpoint.output) ? outputs[endpoint.output] : nil
        }
    }

    /// How often what is taken for true of a loop's variables is corrected before nothing is.
    private static let mostCorrections = 4

    /// What is true of the loops' variables in all iterations: what is known of the first values, corrected by what an
    /// iteration makes of it, until it makes nothing else of it.
    private func loopFacts() -> [Int: [TensorFact]] {
        var assumed: [Int: TensorFact?] = [:]
        for correction in 0...Self.mostCorrections {
            var facts: [Int: [TensorFact]] = [:]
            for merge in loopMerges { facts[merge] = assumed[merge].map { Self.outputs(ofMerge: $0) } }
            var isStable = true
            for merge in loopMerges {
                infer(merge, &facts)
                let known = facts[merge]?.first
                var next = known
                for case .endpoint(let endpoint) in graph.nodes[merge].inputs
                where graph.nodes[endpoint.node].isNextIteration {
                    infer(endpoint.node, &facts)
                    guard let back = facts[endpoint.node]?.first else {
                        next = next.map { TensorFact($0.dtype, .unknown) }
                        continue
                    }
                    next = next.flatMap { try? $0.joined(with: back) }
                }
                if let known, let next, known.says(sameAs: next) {
                    assumed[merge] = next
                    continue
                }
                if known != nil || next != nil { isStable = false }
                assumed[merge] = next
            }
            if isStable { return facts }
            if correction + 1 < Self.mostCorrections { continue }
            for merge in loopMerges {
                assumed[merge] = assumed[merge].flatMap(\.self).map { TensorFact($0.dtype, .unknown) }
            }
        }
        return [:].merging(loopMerges.map { ($0, []) }) { first, _ in first }
    }

    private static func outputs(ofMerge fact: TensorFact?) -> [TensorFact] {
        fact.map { [$0, TensorFact(.int32, .scalar)] } ?? []
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
            if facts[top] == nil {
                facts[top] = InputPipeline.outputs(ofNode: top, in: graph) ?? outputs(of: graph.nodes[top], facts)
            }
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
        let node = graph.nodes[index]
        return node.inputs.compactMap { input in
            guard case .endpoint(let endpoint) = input else { return nil }
            return node.isMerge && graph.nodes[endpoint.node].isNextIteration ? nil : endpoint.node
        }
    }

    private func outputs(of node: Node, _ facts: [Int: [TensorFact]]) -> [TensorFact] {
        guard let entry = OpTable.entries[node.op], let op = try? entry.make(NodeReader(node)) else { return [] }
        var inputs: [TensorFact] = []
        for input in node.inputs where !(node.isMerge && Self.isNext(input, graph)) {
            guard case .endpoint(let endpoint) = input, let outputs = facts[endpoint.node],
                outputs.indices.contains(endpoint.output)
            else { return [] }
            inputs.append(outputs[endpoint.output])
        }
        guard !node.isMerge || !inputs.isEmpty else { return [] }
        var outputs = ((try? op.outputs(for: inputs)) ?? []).map(Self.withoutLargeValue)
        if node.isMerge { for index in outputs.indices { outputs[index].value = nil } }
        return outputs
    }
}
