internal import Graphs
internal import Operations

/// The nodes that some fetches need, given some feeds.
struct Subgraph {
    /// Places in the graph, each after all that it depends on.
    let order: [Int]

    private enum Mark { case new, open, done }

    /// Walks from the fetches against the edges; a fed tensor is not walked through.
    ///
    /// Control edges count: what a needed node waits for is needed. Linear in nodes and edges; no recursion, so that a long
    /// chain does not exhaust the stack.
    ///
    /// - Throws: ``CompileError`` of kind `malformed` for an input that does not exist, and for a cycle.
    init(of graph: Graph, fetches: [Endpoint], feeds: Set<Endpoint>) throws(CompileError) {
        let fedNodes = Set(feeds.map(\.node))
        var marks = [Mark](repeating: .new, count: graph.nodes.count)
        var order: [Int] = []
        var stack: [(node: Int, next: [Int])] = []
        for fetch in fetches where !feeds.contains(fetch) && marks[fetch.node] == .new {
            marks[fetch.node] = .open
            stack.append((fetch.node, try Self.dependencies(of: fetch.node, in: graph, feeds, fedNodes)))
            while let top = stack.indices.last {
                guard let next = stack[top].next.popLast() else {
                    marks[stack[top].node] = .done
                    order.append(stack.removeLast().node)
                    continue
                }
                switch marks[next] {
                case .done: continue
                case .open:
                    throw CompileError(
                        .unsupported, "is part of a cycle: loops are not supported", node: graph.nodes[next].name,
                        op: graph.nodes[next].op)
                case .new:
                    marks[next] = .open
                    stack.append((next, try Self.dependencies(of: next, in: graph, feeds, fedNodes)))
                }
            }
        }
        self.order = order
    }

    /// The nodes that one waits for, in reverse, so that the first is taken first.
    private static func dependencies(
        of index: Int, in graph: Graph, _ feeds: Set<Endpoint>, _ fedNodes: Set<Int>
    ) throws(CompileError) -> [Int] {
        let node = graph.nodes[index]
        var result: [Int] = []
        for input in node.inputs {
            let endpoint = try input.existing(for: node)
            if !feeds.contains(endpoint) { result.append(endpoint.node) }
        }
        for input in node.controlInputs {
            let endpoint = try input.existing(for: node)
            if !fedNodes.contains(endpoint.node) { result.append(endpoint.node) }
        }
        return result.reversed()
    }
}

extension NodeInput {
    /// The endpoint; an error where the graph has none.
    func existing(for node: Node) throws(CompileError) -> Endpoint {
        switch self {
        case .endpoint(let endpoint): return endpoint
        case .missing(let name):
            throw CompileError(.malformed, "its input \"\(name)\" is not in the graph", node: node.name, op: node.op)
        }
    }
}
