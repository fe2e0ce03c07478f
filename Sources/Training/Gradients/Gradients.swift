package import Graphs
package import Operations
package import Planning
internal import Tensors

/// Derivatives of tensors by others, as nodes that are added to a graph: what `tf.gradients` does.
///
/// The graph is walked from its end. Each node's rule (``OpTable/gradientRules``) makes of the gradients of its outputs those of its inputs.
/// Branches run backwards under the same predicate, and loops as loops that take the values of each iteration from stacks.
package struct Gradients {
    /// The new nodes.
    package let nodes: GradientNodes
    let graph: Graph
    let branches: BranchConditions
    /// What each tensor's gradient is the sum of.
    private var parts: [Endpoint: [Endpoint]] = [:]
    /// The nodes that depend on a tensor to differentiate by.
    private let reached: Set<Int>
    private let units: [GraphUnit]
    /// The scope of the names of new nodes.
    let scope: String

    /// Makes the gradients.
    ///
    /// - Parameters:
    ///   - ys: The tensors to differentiate; their sum counts.
    ///   - xs: The tensors to differentiate by. A variable is its own output, or the handle of a resource variable.
    ///   - graph: The graph.
    ///   - inference: What it tells of its tensors.
    ///   - scope: The scope of the names of new nodes.
    /// - Returns: The gradient of each of `xs`, in their order, nil where nothing depends on it, and the nodes.
    /// - Throws: ``OpError`` that names the node: for an op without a gradient, or one that is not supported here.
    package static func of(
        _ ys: [Endpoint], by xs: [Endpoint], in graph: Graph, _ inference: FactInference, scope: String = "gradients"
    ) throws(OpError) -> (gradients: [Endpoint?], nodes: GradientNodes) {
        var gradients = try Gradients(ys, xs, graph, inference, scope)
        for y in ys { gradients.add(try gradients.nodes.add("OnesLike", [y]), to: y) }
        try gradients.flow(back: gradients.units)
        var result: [Endpoint?] = []
        for x in xs {
            gradients.nodes.scope = "\(scope)/\(graph.nodes[x.node].name)"
            result.append(try gradients.total(of: x))
        }
        return (result, gradients.nodes)
    }

    private init(
        _ ys: [Endpoint], _ xs: [Endpoint], _ graph: Graph, _ inference: FactInference, _ scope: String
    ) throws(OpError) {
        self.graph = graph
        self.scope = scope
        nodes = GradientNodes(graph) { inference.fact(of: $0) }
        let subgraph = try Subgraph(of: graph, fetches: ys, feeds: [])
        branches = BranchConditions(subgraph.order, in: graph)
        units = try LoopNesting.units(of: subgraph, in: graph, fetches: ys).units
        reached = Self.reached(from: xs, subgraph.order, graph)
    }

    /// The nodes that depend on tensors, through data edges alone.
    private static func reached(from xs: [Endpoint], _ order: [Int], _ graph: Graph) -> Set<Int> {
        var readers: [Int: [Int]] = [:]
        for index in order {
            for case .endpoint(let endpoint) in graph.nodes[index].inputs {
                readers[endpoint.node, default: []].append(index)
            }
        }
        var reached = Set(xs.map(\.node))
        var stack = Array(reached)
        while let node = stack.popLast() {
            for reader in readers[node] ?? [] where reached.insert(reader).inserted { stack.append(reader) }
        }
        return reached
    }

    // MARK: Sums

    /// Adds to a tensor's gradient.
    mutating func add(_ gradient: Endpoint, to tensor: Endpoint) {
        if reached.contains(tensor.node) { parts[tensor, default: []].append(gradient) }
    }

    /// Whether something flows back to a tensor.
    func hasGradient(_ tensor: Endpoint) -> Bool { parts[tensor] != nil }

    /// Whether a tensor depends on one to differentiate by, and can have a gradient.
    func isReached(_ tensor: Endpoint) throws(OpError) -> Bool {
        guard reached.contains(tensor.node) else { return false }
        let type = try nodes.type(of: tensor)
        return type.isDifferentiable
    }

    /// Whether a node depends on a tensor to differentiate by.
    func isReachedNode(_ index: Int) -> Bool { reached.contains(index) }

    /// A tensor's gradient, summed; nil where nothing flows back to it.
    mutating func total(of tensor: Endpoint) throws(OpError) -> Endpoint? {
        guard let parts = parts[tensor] else { return nil }
        let total = try nodes.total(parts)
        self.parts[tensor] = total.map { [$0] }
        return total
    }

    // MARK: The way back

    /// Walks through units from the last to the first.
    mutating func flow(back units: [GraphUnit]) throws(OpError) {
        for unit in units.reversed() {
            switch unit {
            case .node(let index): try flow(backThrough: index)
            case .loop(let loop): try flow(backThrough: loop)
            }
        }
    }

    private mutating func flow(backThrough index: Int) throws(OpError) {
        let node = graph.nodes[index]
        guard reached.contains(index) else { return }
        let outputs = try outputCount(index)
        var gradients: [Endpoint?] = []
        nodes.scope = "\(scope)/\(node.name)_grad"
        for output in 0..<outputs { gradients.append(try total(of: Endpoint(node: index, output: output))) }
        guard gradients.contains(where: { $0 != nil }) else { return }
        let forward = try ForwardNode(index, of: graph)
        let inputs: [Endpoint?]
        do throws(OpError) {
            if node.isMerge {
                inputs = try backThroughMerge(forward, gradients[0])
            } else if node.isSwitch {
                inputs = try backThroughSwitch(forward, gradients)
            } else {
                inputs = try rule(of: forward, gradients)
            }
        } catch { throw error.at(node: node.name, op: node.op) }
        for (input, gradient) in zip(forward.inputs, inputs) { if let gradient { add(gradient, to: input) } }
    }

    private func rule(of node: ForwardNode, _ gradients: [Endpoint?]) throws(OpError) -> [Endpoint?] {
        guard let rule = OpTable.gradientRules[node.op] else {
            throw OpError(
                .unsupported,
                "has no gradient here; cut the way with stop_gradient, or leave out the variables before it")
        }
        guard let make = rule.make else { return [] }
        return try make(nodes, node, gradients)
    }

    /// One more than the last output to which something flows back.
    private func outputCount(_ index: Int) throws(OpError) -> Int {
        var count = 1
        while hasFact(Endpoint(node: index, output: count)) { count += 1 }
        return count
    }

    private func hasFact(_ endpoint: Endpoint) -> Bool {
        endpoint.output < Self.maxOutputs && (try? nodes.type(of: endpoint)) != nil
    }

    private static let maxOutputs = 1 << 12

    // MARK: Branches

    /// The gradient goes to the input that was taken.
    private func backThroughMerge(_ node: ForwardNode, _ gradient: Endpoint?) throws(OpError) -> [Endpoint?] {
        guard let gradient else { return [] }
        guard let decision = branches.decision(ofMerge: node.index) else {
            throw OpError(
                .unsupported, "joins values that no single predicate decides between; it has no gradient here")
        }
        let split = try self.split(gradient, decision.predicate)
        let (off, on) = (split, Endpoint(node: split.node, output: 1))
        return decision.whenTrue == 0 ? [on, off] : [off, on]
    }

    /// The gradient of the side that ran; zeros where that side does not need the value.
    private func backThroughSwitch(_ node: ForwardNode, _ gradients: [Endpoint?]) throws(OpError) -> [Endpoint?] {
        guard let predicate = branches.predicate(ofSwitch: node.index), gradients.count >= 2 else { return [] }
        var sides: [Endpoint] = []
        for (side, gradient) in gradients.prefix(2).enumerated() {
            if let gradient {
                sides.append(gradient)
            } else {
                let value = try split(node.inputs[0], predicate)
                sides.append(try zeros(like: Endpoint(node: value.node, output: side)))
            }
        }
        let type = try nodes.type(of: sides[0])
        let merged = try nodes.add(
            "Merge", sides, ["N": .int(2), "T": .type(type)],
            gives: [TensorFact(type, .unknown), TensorFact(.int32, .scalar)])
        return [merged]
    }

    private func split(_ value: Endpoint, _ predicate: Endpoint) throws(OpError) -> Endpoint {
        let fact = try nodes.knowledge(of: value)
        var output = TensorFact(fact.dtype, fact.shape)
        output.variable = fact.variable
        return try nodes.add("Switch", [value, predicate], ["T": .type(fact.dtype)], gives: [output, output])
    }

    /// Zeros in the shape of a tensor; of a variable's handle, in the shape of the variable.
    func zeros(like tensor: Endpoint) throws(OpError) -> Endpoint {
        try nodes.add("ZerosLike", [nodes.valueBehind(tensor)])
    }
}
