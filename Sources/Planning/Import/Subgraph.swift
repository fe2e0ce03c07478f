package import Graphs
package import Operations

/// The nodes that some fetches need, given some feeds.
package struct Subgraph {
    /// Places in the graph, each after all that it depends on, but for the way back in a loop.
    package private(set) var order: [Int] = []
    /// The nodes that a node waits for, those of its inputs first; without what is fed, and without the way back in a loop.
    private(set) var dependencies: [Int: [Dependency]] = [:]

    /// The nodes that others wait for, by a control edge.
    private(set) var awaited: Set<Int> = []

    /// What a node waits for.
    struct Dependency {
        let node: Int
        /// The output that it takes; nil where it only waits.
        let output: Int?
    }

    /// The outputs of a node that others take, or that are fetched. Linear in all edges.
    func outputs(takenOf node: Int, fetches: [Endpoint]) -> [Int] {
        var taken = Set(fetches.filter { $0.node == node }.map(\.output))
        for list in dependencies.values {
            for dependency in list where dependency.node == node {
                if let output = dependency.output { taken.insert(output) }
            }
        }
        return taken.sorted()
    }

    private enum Mark { case new, open, done }

    /// Walks from the fetches, and from the targets, against the edges; a fed tensor is not walked through.
    ///
    /// Control edges count: what a needed node waits for is needed. Linear in nodes and edges; no recursion, so that a long
    /// chain does not exhaust the stack.
    ///
    /// - Throws: ``OpError`` of kind `malformed` for an input that does not exist, and for a cycle.
    package init(of graph: Graph, fetches: [Endpoint], targets: [Int] = [], feeds: Set<Endpoint>) throws(OpError) {
        let fedNodes = Set(feeds.map(\.node))
        var marks = [Mark](repeating: .new, count: graph.nodes.count)
        awaited.formUnion(targets)
        var roots = (fetches.filter { !feeds.contains($0) }.map(\.node) + targets).reversed() as [Int]
        var stack: [(node: Int, next: [Int])] = []
        while let root = roots.popLast() {
            guard marks[root] == .new else { continue }
            marks[root] = .open
            stack.append((root, try open(root, in: graph, feeds, fedNodes, &roots)))
            while let top = stack.indices.last {
                guard let next = stack[top].next.popLast() else {
                    marks[stack[top].node] = .done
                    order.append(stack.removeLast().node)
                    continue
                }
                switch marks[next] {
                case .done: continue
                case .open:
                    throw OpError(
                        .unsupported, "is part of a cycle that is not a tf.while_loop",
                        node: graph.nodes[next].name, op: graph.nodes[next].op)
                case .new:
                    marks[next] = .open
                    stack.append((next, try open(next, in: graph, feeds, fedNodes, &roots)))
                }
            }
        }
    }

    /// Notes what a node waits for, and gives the nodes in reverse, so that the first is taken first. What comes back from a
    /// loop's end is a root of its own.
    private mutating func open(
        _ index: Int, in graph: Graph, _ feeds: Set<Endpoint>, _ fedNodes: Set<Int>, _ roots: inout [Int]
    ) throws(OpError) -> [Int] {
        let node = graph.nodes[index]
        var result: [Dependency] = []
        // What is before it is not run: its outputs are fed.
        guard !InputPipeline.isEnd(node.op) else {
            dependencies[index] = []
            return []
        }
        for input in node.inputs {
            let endpoint = try input.existing(for: node)
            if feeds.contains(endpoint) { continue }
            if node.isMerge, graph.nodes[endpoint.node].isNextIteration {
                roots.append(endpoint.node)
            } else {
                result.append(Dependency(node: endpoint.node, output: endpoint.output))
            }
        }
        for input in node.controlInputs {
            let endpoint = try input.existing(for: node)
            guard !fedNodes.contains(endpoint.node) else { continue }
            awaited.insert(endpoint.node)
            result.append(Dependency(node: endpoint.node, output: nil))
        }
        dependencies[index] = result
        return result.map(\.node).reversed()
    }
}

extension Node {
    /// Whether the node takes the first of its inputs that is alive.
    package var isMerge: Bool { op == "Merge" || op == "RefMerge" }
    /// Whether the node lets one of its outputs live.
    package var isSwitch: Bool { op == "Switch" || op == "RefSwitch" }
    package var isEnter: Bool { op == "Enter" || op == "RefEnter" }
    package var isExit: Bool { op == "Exit" || op == "RefExit" }
    package var isNextIteration: Bool { op == "NextIteration" || op == "RefNextIteration" }
}

extension NodeInput {
    /// The endpoint; an error where the graph has none.
    func existing(for node: Node) throws(OpError) -> Endpoint {
        switch self {
        case .endpoint(let endpoint): return endpoint
        case .missing(let name):
            throw OpError(.malformed, "its input \"\(name)\" is not in the graph", node: node.name, op: node.op)
        }
    }
}
