internal import Graphs

/// For each node the nodes that are connected with it, all in one array.
struct Adjacency {
    /// Where a node's part of the array begins; at the end the array's count.
    private let starts: [Int]
    private let others: [Int]

    /// All nodes.
    var nodes: Range<Int> { 0..<starts.count - 1 }

    subscript(node: Int) -> ArraySlice<Int> { others[starts[node]..<starts[node + 1]] }

    /// The nodes whose values each node takes; with `controls` also those that it only waits for.
    init(inputsOf graph: Graph, controls: Bool = false) {
        var starts = [0]
        var others: [Int] = []
        starts.reserveCapacity(graph.nodes.count + 1)
        others.reserveCapacity(graph.nodes.count * 2)
        for node in graph.nodes {
            for case .endpoint(let endpoint) in node.inputs { others.append(endpoint.node) }
            if controls { for case .endpoint(let endpoint) in node.controlInputs { others.append(endpoint.node) } }
            starts.append(others.count)
        }
        self.starts = starts
        self.others = others
    }

    /// The other way round: for each node those that it is connected to, in order, as far as they are wanted.
    func reversed(where isWanted: (Int) -> Bool = { _ in true }) -> Adjacency {
        let sources = nodes.filter(isWanted)
        var counts = [Int](repeating: 0, count: starts.count)
        for source in sources { for node in self[source] { counts[node + 1] += 1 } }
        for index in counts.indices.dropFirst() { counts[index] += counts[index - 1] }
        var places = counts
        var reversed = [Int](repeating: 0, count: counts.last ?? 0)
        for source in sources {
            for node in self[source] {
                reversed[places[node]] = source
                places[node] += 1
            }
        }
        return Adjacency(starts: counts, others: reversed)
    }

    private init(starts: [Int], others: [Int]) {
        self.starts = starts
        self.others = others
    }
}
