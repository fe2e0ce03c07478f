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
    private let known: Mutex<Facts>
    /// The nodes at which loops begin: their facts depend on what the loops give back to them.
    private let loopMerges: [Int]
    /// What is known of a graph that this one only adds nodes to; nil where this one stands alone.
    private let base: FactInference?

    /// What is known of the nodes, by their places in the graph.
    private struct Facts {
        /// The outputs of each node; nil where they were not inferred yet.
        var outputs: [[TensorFact]?]
        /// Nodes whose inputs are being inferred.
        var isOpen: [Bool]
        /// Whether it is known what lasts in loops.
        var hasLoops = false
        /// Nodes whose facts depend on what is assumed of loops' variables.
        var isAssumed: [Bool]
        /// The same, listed.
        var assumed: [Int] = []

        init(count: Int) {
            outputs = Array(repeating: nil, count: count)
            isOpen = Array(repeating: false, count: count)
            isAssumed = isOpen
        }

        mutating func assume(_ facts: [TensorFact], of node: Int) {
            outputs[node] = facts
            guard !isAssumed[node] else { return }
            isAssumed[node] = true
            assumed.append(node)
        }

        /// Takes back what depends on assumptions.
        mutating func forgetAssumed() {
            for node in assumed {
                outputs[node] = nil
                isAssumed[node] = false
            }
            assumed = []
        }
    }

    package init(_ graph: Graph) {
        self.graph = graph
        base = nil
        known = Mutex(Facts(count: graph.nodes.count))
        loopMerges = graph.nodes.indices.filter { index in
            graph.nodes[index].isMerge && graph.nodes[index].inputs.contains { Self.isNext($0, graph) }
        }
    }

    /// The inference for a graph that adds nodes to another. What is known of the other's nodes is used, and nothing of it is inferred again.
    ///
    /// - Parameters:
    ///   - graph: The graph with more nodes. The new ones are in an order in which they can be inferred, and are no part of a loop.
    ///   - base: The inference of the graph without them.
    package init(_ graph: Graph, adding base: FactInference) {
        self.graph = graph
        self.base = base
        known = Mutex(Facts(count: graph.nodes.count - base.graph.nodes.count))
        loopMerges = []
    }

    /// The facts of an added node's output.
    private func addedFact(of endpoint: Endpoint, _ base: FactInference) -> TensorFact? {
        let first = base.graph.nodes.count
        var next = known.withLock { $0.outputs.firstIndex { $0 == nil } ?? $0.outputs.count }
        while next <= endpoint.node - first {
            let node = graph.nodes[first + next]
            var inputs: [TensorFact] = []
            for case .endpoint(let input) in node.inputs where input.node < first + next {
                if let fact = fact(of: input) { inputs.append(fact) }
            }
            let outputs = inputs.count == node.inputs.count ? Self.outputs(of: node, inputs) : []
            known.withLock { $0.outputs[next] = outputs }
            next += 1
        }
        let outputs = known.withLock { $0.outputs[endpoint.node - first] } ?? []
        return outputs.indices.contains(endpoint.output) ? outputs[endpoint.output] : nil
    }

    private static func outputs(of node: Node, _ inputs: [TensorFact]) -> [TensorFact] {
        guard let op = try? OpTable.entries[node.op]?.make(NodeReader(node)) else { return [] }
        return ((try? op.outputs(for: inputs)) ?? []).map(withoutLargeValue)
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

    package func fact(of endpoint: Endpoint) -> TensorFact? {
        if let base {
            return endpoint.node < base.graph.nodes.count
                ? base.fact(of: endpoint) : addedFact(of: endpoint, base)
        }
        return known.withLock { facts in
            if !facts.hasLoops {
                facts.hasLoops = true
                inferLoops(&facts)
            }
            return self.fact(of: endpoint, &facts)
        }
    }

    private func fact(of endpoint: Endpoint, _ facts: inout Facts) -> TensorFact? {
        infer(endpoint.node, &facts)
        let outputs = facts.outputs[endpoint.node] ?? []
        return outputs.indices.contains(endpoint.output) ? outputs[endpoint.output] : nil
    }

    /// Infers what is true of the variables of all loops in all iterations: what is known of the first values, corrected as
    /// ``LoopKnowledge`` says by what the iterations make of it. The loops of a graph are corrected together.
    private func inferLoops(_ facts: inout Facts) {
        for merge in loopMerges { infer(merge, &facts) }
        let variables = loopMerges.filter { facts.outputs[$0]?.isEmpty == false }
        var known = variables.compactMap { facts.outputs[$0]?.first }
        var knowledge = LoopKnowledge()
        while true {
            assume(known, of: variables, &facts)
            let next = zip(variables, known).map { self.joinedInputs(ofMerge: $0, assuming: $1, &facts) }
            // Dtypes that differ do not get here.
            guard let isStable = try? knowledge.correct(&known, by: next) else { return assume([], of: [], &facts) }
            if isStable { return }
        }
    }

    /// Says what loops' variables are taken for; the other nodes at which loops begin tell nothing.
    private func assume(_ known: [TensorFact], of variables: [Int], _ facts: inout Facts) {
        facts.forgetAssumed()
        for merge in loopMerges { facts.assume([], of: merge) }
        for (merge, fact) in zip(variables, known) {
            facts.assume([fact, TensorFact(.int32, .scalar)], of: merge)
        }
    }

    /// What is true of all that a loop's variable gets, before and in the loop, if `known` is true of it.
    private func joinedInputs(ofMerge merge: Int, assuming known: TensorFact, _ facts: inout Facts) -> TensorFact {
        var joined = known
        for case .endpoint(let endpoint) in graph.nodes[merge].inputs {
            guard let input = fact(of: endpoint, &facts), let next = try? joined.joined(with: input) else {
                return TensorFact(known.dtype, .unknown)
            }
            joined = next
        }
        return joined
    }

    private func infer(_ node: Int, _ facts: inout Facts) {
        guard facts.outputs[node] == nil else { return }
        var stack = [node]
        while let top = stack.last {
            if facts.outputs[top] == nil, !facts.isOpen[top] {
                facts.isOpen[top] = true
                let count = stack.count
                for case .endpoint(let endpoint) in graph.nodes[top].inputs where !isWayBack(endpoint, into: top) {
                    if facts.outputs[endpoint.node] == nil, !facts.isOpen[endpoint.node] { stack.append(endpoint.node) }
                }
                if stack.count > count { continue }
            }
            stack.removeLast()
            guard facts.outputs[top] == nil else { continue }
            facts.isOpen[top] = false
            let outputs =
                InputPipeline.outputs(ofNode: top, in: graph) ?? outputs(of: graph.nodes[top], facts.outputs)
            if dependsOnAssumed(top, facts) { facts.assume(outputs, of: top) } else { facts.outputs[top] = outputs }
        }
    }

    /// Whether what is inferred of a node depends on what is assumed of loops' variables.
    private func dependsOnAssumed(_ index: Int, _ facts: Facts) -> Bool {
        !loopMerges.isEmpty
            && graph.nodes[index].inputs.contains { input in
                guard case .endpoint(let endpoint) = input else { return false }
                return facts.isAssumed[endpoint.node] || isWayBack(endpoint, into: index)
            }
    }

    private func isWayBack(_ endpoint: Endpoint, into index: Int) -> Bool {
        graph.nodes[index].isMerge && graph.nodes[endpoint.node].isNextIteration
    }

    /// Values matter here for axes and shapes only; to keep the elements of large constants would double their memory.
    private static func withoutLargeValue(_ fact: TensorFact) -> TensorFact {
        guard let value = fact.value, value.byteCount > largestValueBytes else { return fact }
        var smaller = fact
        smaller.value = nil
        return smaller
    }

    private static let largestValueBytes = 4096

    private func outputs(of node: Node, _ known: [[TensorFact]?]) -> [TensorFact] {
        guard let entry = OpTable.entries[node.op], let op = try? entry.make(NodeReader(node)) else { return [] }
        var inputs: [TensorFact] = []
        for input in node.inputs where !(node.isMerge && Self.isNext(input, graph)) {
            guard case .endpoint(let endpoint) = input, let outputs = known[endpoint.node],
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
