internal import Graphs
internal import Planning

/// A graph in which separate placeholders replace the tensors from input pipelines, so that one can be data and another a label.
struct PipelineSources {
    /// The graph, with these placeholders after all nodes of the original.
    let graph: Graph
    /// What the ops of its nodes tell.
    let kinds: NodeKinds
    /// The original's tensors that they replace, in order.
    private let tensors: [Endpoint]
    private let count: Int
    /// Nodes that select among pipelines, and so are parts of pipelines.
    let choices: Set<Int>

    init(_ graph: Graph) {
        count = graph.nodes.count
        let kinds = NodeKinds(graph)
        guard kinds.hasPipelines else {
            self.graph = graph
            self.kinds = kinds
            tensors = []
            choices = []
            return
        }
        choices = Self.choices(graph)
        var read: Set<Endpoint> = []
        for node in graph.nodes {
            for case .endpoint(let endpoint) in node.inputs where Self.isTensor(endpoint, graph, choices) {
                read.insert(endpoint)
            }
        }
        tensors = read.sorted { ($0.node, $0.output) < ($1.node, $1.output) }
        let separated = graph.separating(tensors)
        self.graph = separated
        self.kinds = NodeKinds(separated)
    }

    /// The original's tensor.
    func original(_ endpoint: Endpoint) -> Endpoint {
        endpoint.node < count ? endpoint : tensors[endpoint.node - count]
    }

    /// Whether a node replaces a tensor from a pipeline.
    func isPipelines(_ node: Int) -> Bool { node >= count }

    private static func isTensor(_ endpoint: Endpoint, _ graph: Graph, _ choices: Set<Int>) -> Bool {
        InputPipeline.isEnd(graph.nodes[endpoint.node].op) || endpoint.output == 0 && choices.contains(endpoint.node)
    }

    private static let passing: Set<String> = ["Switch", "RefSwitch", "Identity"]
    private static let maxPasses = 4

    /// The `Merge` nodes all of whose inputs come from pipelines, as in `tf.cond(is_training, lambda: batch, lambda: test_batch)`.
    private static func choices(_ graph: Graph) -> Set<Int> {
        var forwarded = Set(graph.nodes.indices.filter { InputPipeline.isEnd(graph.nodes[$0].op) })
        var choices: Set<Int> = []
        func isForwarded(_ input: NodeInput) -> Bool {
            if case .endpoint(let endpoint) = input { forwarded.contains(endpoint.node) } else { false }
        }
        for _ in 0..<maxPasses {
            let known = forwarded.count
            for (index, node) in graph.nodes.enumerated() where !forwarded.contains(index) {
                if passing.contains(node.op), node.inputs.first.map(isForwarded) == true {
                    forwarded.insert(index)
                } else if node.op == "Merge", !node.inputs.isEmpty, node.inputs.allSatisfy(isForwarded) {
                    forwarded.insert(index)
                    choices.insert(index)
                }
            }
            if forwarded.count == known { break }
        }
        return choices
    }
}
