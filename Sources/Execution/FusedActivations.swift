internal import Graphs
internal import Operations
internal import Tensors

/// `Relu` and `Relu6` as TensorFlow runs them by default: its optimiser makes one op of a convolution (or a matrix product), what is
/// added or normalised, and the activation, and the activation of that op gives 0 for NaN where the op alone gives NaN. What is fetched,
/// or read by others too, is not part of such an op.
struct FusedActivations {
    private let graph: Graph
    /// How many nodes of the subgraph read a node.
    private let readers: [Int: Int]

    /// What may stand between the product and the activation, and the products it may follow.
    private static let links: [String: Set<String>] = [
        "BiasAdd": ["Conv2D", "MatMul"], "FusedBatchNorm": ["Conv2D"], "FusedBatchNormV2": ["Conv2D"],
        "FusedBatchNormV3": ["Conv2D"],
    ]

    init(_ graph: Graph, _ subgraph: Subgraph, fetches: [Endpoint]) {
        self.graph = graph
        let isNeeded = subgraph.order.contains { Self.isActivation(graph.nodes[$0].op) }
        var readers = isNeeded ? Self.count(subgraph) : [:]
        for fetch in fetches { readers[fetch.node, default: 0] += 1 }
        self.readers = readers
    }

    private static func isActivation(_ op: String) -> Bool { op == "Relu" || op == "Relu6" }

    private static func count(_ subgraph: Subgraph) -> [Int: Int] {
        var readers: [Int: Int] = [:]
        for dependency in subgraph.dependencies.values.joined() { readers[dependency.node, default: 0] += 1 }
        return readers
    }

    /// Whether a node is an activation that TensorFlow makes a part of another op.
    func contains(_ index: Int) -> Bool {
        let node = graph.nodes[index]
        guard Self.isActivation(node.op), let link = input(of: node), let products = Self.links[graph.nodes[link].op],
            let product = input(of: graph.nodes[link]), products.contains(graph.nodes[product].op)
        else { return false }
        if case .bool(true)? = try? graph.nodes[link].attribute("is_training") { return false }
        return true
    }

    /// The node of the first input, if nobody else reads it.
    private func input(of node: Node) -> Int? {
        guard case .endpoint(let endpoint)? = node.inputs.first, endpoint.output == 0, readers[endpoint.node] == 1
        else {
            return nil
        }
        return endpoint.node
    }
}
