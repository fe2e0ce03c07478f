internal import Graphs
internal import Operations
internal import Planning

/// Finds nodes that compute the same value: the same op, equal attributes, the same inputs.
struct EqualNodes {
    private let graph: Graph
    private var representatives: [Int: Int] = [:]
    private var known: [Key: [Int]] = [:]

    private struct Key: Hashable {
        let op: String
        let inputs: [Endpoint]
    }

    init(_ graph: Graph) { self.graph = graph }

    /// The first node that computes the same value.
    mutating func representative(of node: Int) -> Int {
        var stack = [node]
        var open: Set<Int> = []
        while let top = stack.last {
            let waiting = inputs(of: top).map(\.node).filter { representatives[$0] == nil && !open.contains($0) }
            if representatives[top] == nil, open.insert(top).inserted, !waiting.isEmpty {
                stack += waiting
                continue
            }
            stack.removeLast()
            if representatives[top] == nil { representatives[top] = find(top) }
        }
        return representatives[node] ?? node
    }

    private mutating func find(_ index: Int) -> Int {
        let node = graph.nodes[index]
        guard !Self.isOfItsOwn(node) else { return index }
        let key = Key(
            op: node.op,
            inputs: inputs(of: index).map { Endpoint(node: representatives[$0.node] ?? $0.node, output: $0.output) })
        if let equal = known[key]?.first(where: { graph.nodes[$0].hasSameAttributes(as: node) }) { return equal }
        known[key, default: []].append(index)
        return index
    }

    private func inputs(of index: Int) -> [Endpoint] {
        graph.nodes[index].inputs.compactMap { if case .endpoint(let endpoint) = $0 { endpoint } else { nil } }
    }

    /// Whether an equal node may compute another value: feeds, random numbers, state.
    private static func isOfItsOwn(_ node: Node) -> Bool {
        !OpTable.traits(of: node.op).allowsMerging || InputPipeline.isPart(node.op)
    }
}
