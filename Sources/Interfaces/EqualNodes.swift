internal import Graphs
internal import Operations

/// Finds nodes that compute the same value: the same op, equal attributes, the same inputs.
struct EqualNodes {
    private let forward: ForwardGraph
    private var representatives: [Int: Int] = [:]
    private var known: [Key: [Int]] = [:]
    /// Hashes of nodes' attributes.
    private var attributes: [Int: Int] = [:]

    private struct Key: Hashable {
        let op: String
        let attributes: Int
        let inputs: [Endpoint]
    }

    /// A node is compared with so many that differ only where their hashes do not look.
    private static let maxSimilar = 16

    init(_ forward: ForwardGraph) { self.forward = forward }

    /// For each of some nodes whether none before it computes the same.
    mutating func areNew(_ nodes: [Int]) -> [Bool] {
        let looks = looks(of: nodes)
        let counts = Dictionary(looks.map { ($0, 1) }, uniquingKeysWith: +)
        var seen: Set<Int> = []
        return zip(nodes, looks).map { node, look in
            counts[look] == 1 || seen.insert(representative(of: node)).inserted
        }
    }

    /// The first node that computes the same value.
    private mutating func representative(of node: Int) -> Int {
        var stack = [node]
        var open: Set<Int> = []
        while let top = stack.last {
            let waiting = forward.inputs[top].filter { representatives[$0] == nil && !open.contains($0) }
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
        guard !isOfItsOwn(index) else { return index }
        let node = forward.graph.nodes[index]
        let inputs = endpoints(of: node).map { Endpoint(node: representatives[$0.node] ?? $0.node, output: $0.output) }
        let key = Key(op: node.op, attributes: attributesHash(of: index), inputs: inputs)
        let similar = known[key] ?? []
        if let equal = similar.first(where: { forward.graph.nodes[$0].hasSameAttributes(as: node) }) { return equal }
        if similar.count < Self.maxSimilar { known[key] = similar + [index] }
        return index
    }

    private func endpoints(of node: Node) -> [Endpoint] {
        node.inputs.compactMap { if case .endpoint(let endpoint) = $0 { endpoint } else { nil } }
    }

    /// Whether an equal node may compute another value: feeds, random numbers, state.
    private func isOfItsOwn(_ index: Int) -> Bool {
        let kind = forward.kinds[index]
        return !kind.traits.allowsMerging || kind.isPipeline
    }

    private mutating func attributesHash(of index: Int) -> Int {
        if let hash = attributes[index] { return hash }
        let hash = forward.graph.nodes[index].attributesHash
        attributes[index] = hash
        return hash
    }
}

/// Looks: most nodes that do not compute the same differ in themselves, or in what is close before them.
extension EqualNodes {
    /// So many steps before a node are looked at.
    private static let lookDepth = 6

    /// Hashes of nodes and of what is close before them: nodes that compute the same look the same.
    private mutating func looks(of nodes: [Int]) -> [Int] {
        // What each depth needs, the nodes themselves first.
        var needed = [Set(nodes)]
        for _ in 0..<Self.lookDepth {
            var before: Set<Int> = []
            for node in needed[needed.count - 1] where !isOfItsOwn(node) { before.formUnion(forward.inputs[node]) }
            needed.append(before)
        }
        var looks: [Int: Int] = [:]
        for level in needed.reversed() {
            looks = Dictionary(uniqueKeysWithValues: level.map { ($0, look(of: $0, inputs: looks)) })
        }
        return nodes.map { looks[$0] ?? $0 }
    }

    private mutating func look(of index: Int, inputs: [Int: Int]) -> Int {
        var hasher = Hasher()
        guard !isOfItsOwn(index) else {
            hasher.combine(index)
            return hasher.finalize()
        }
        let node = forward.graph.nodes[index]
        hasher.combine(node.op)
        hasher.combine(attributesHash(of: index))
        for endpoint in endpoints(of: node) {
            hasher.combine(endpoint.output)
            hasher.combine(inputs[endpoint.node])
        }
        return hasher.finalize()
    }
}
