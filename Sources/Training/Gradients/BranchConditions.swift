internal import Graphs
internal import Planning

/// Under which predicates the tensors of a graph exist: the sides of the `Switch`es that lead to them.
struct BranchConditions {
    private let graph: Graph
    /// What is true where a node runs: predicates and their sides.
    private var conditions: [Int: [Endpoint: Bool]] = [:]

    /// - Parameters:
    ///   - order: The nodes, each after all that it depends on, but for the way back in a loop.
    ///   - graph: The graph.
    init(_ order: [Int], in graph: Graph) {
        self.graph = graph
        for index in order { conditions[index] = conditions(ofNode: index) }
    }

    /// The predicates under which a tensor exists.
    func conditions(of endpoint: Endpoint) -> [Endpoint: Bool] {
        var result = conditions[endpoint.node] ?? [:]
        if let predicate = predicate(ofSwitch: endpoint.node) { result[predicate] = endpoint.output == 1 }
        return result
    }

    /// The predicate that decides between two inputs of a `Merge`, and the input that is taken where it is true.
    func decision(ofMerge index: Int) -> (predicate: Endpoint, whenTrue: Int)? {
        let inputs = graph.nodes[index].inputs.compactMap { input -> Endpoint? in
            if case .endpoint(let endpoint) = input { endpoint } else { nil }
        }
        guard inputs.count == 2 else { return nil }
        let (first, second) = (conditions(of: inputs[0]), conditions(of: inputs[1]))
        // Any predicate decides that holds on one side and not on the other.
        let candidates = first.filter { predicate, side in second[predicate] == !side }
        guard let found = candidates.min(by: { ($0.key.node, $0.key.output) < ($1.key.node, $1.key.output) }) else {
            return nil
        }
        return (found.key, found.value ? 0 : 1)
    }

    /// The predicate of a `Switch` of a condition; nil for other nodes, and for those of a loop.
    func predicate(ofSwitch index: Int) -> Endpoint? {
        let node = graph.nodes[index]
        guard node.isSwitch, case .endpoint(let predicate)? = node.inputs.last,
            graph.nodes[predicate.node].op != "LoopCond"
        else { return nil }
        return origin(of: predicate)
    }

    /// The tensor that an `Identity`, or several, hand on: a `tf.cond` reads its predicate under two names.
    private func origin(of tensor: Endpoint) -> Endpoint {
        var tensor = tensor
        while graph.nodes[tensor.node].op == "Identity",
            case .endpoint(let input)? = graph.nodes[tensor.node].inputs.first,
            input != tensor
        {
            tensor = input
        }
        return tensor
    }

    private func conditions(ofNode index: Int) -> [Endpoint: Bool] {
        let node = graph.nodes[index]
        var result: [Endpoint: Bool] = [:]
        var contradicted: Set<Endpoint> = []
        for case .endpoint(let endpoint) in node.inputs + node.controlInputs {
            for (predicate, side) in conditions(of: endpoint) {
                if result[predicate] == !side { contradicted.insert(predicate) }
                result[predicate] = side
            }
        }
        guard node.isMerge else { return result }
        // A Merge exists on both sides of what it decides.
        for predicate in contradicted { result[predicate] = nil }
        return result
    }
}
