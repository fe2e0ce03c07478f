internal import Graphs
internal import Operations
internal import Planning

/// What the ops of a graph's nodes tell of them, looked up once for each op.
struct NodeKinds {
    /// What an op tells.
    struct Kind {
        let traits: OpTraits
        /// Whether the op is a part of an input pipeline.
        let isPipeline: Bool
        /// Whether the op is the end of one, whose outputs are data.
        let isPipelineEnd: Bool
    }

    private let kinds: [Kind]

    subscript(node: Int) -> Kind { kinds[node] }

    init(_ graph: Graph) {
        var known: [String: Kind] = [:]
        kinds = graph.nodes.map { node in
            if let kind = known[node.op] { return kind }
            let kind = Kind(
                traits: OpTable.traits(of: node.op), isPipeline: InputPipeline.isPart(node.op),
                isPipelineEnd: InputPipeline.isEnd(node.op))
            known[node.op] = kind
            return kind
        }
    }

    /// Whether the graph has an input pipeline.
    var hasPipelines: Bool { kinds.contains(where: \.isPipelineEnd) }

    /// The nodes whose ops have a trait.
    func nodes(with trait: OpTraits) -> [Int] { kinds.indices.filter { kinds[$0].traits.contains(trait) } }
}
