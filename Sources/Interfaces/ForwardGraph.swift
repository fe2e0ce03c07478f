internal import Graphs
internal import Operations
internal import Planning
internal import TensorFlowProtos

/// A graph without the nodes that save, restore, initialise, train or summarise.
struct ForwardGraph {
    let graph: Graph
    /// For each node, whether it is excluded.
    let isExcluded: [Bool]
    /// For each node, the forward nodes that use its values.
    let readers: [[Int]]
    /// For each node, all nodes that use its values, including excluded ones.
    let allReaders: [[Int]]
    /// For each node, whether it leads only to assignments, such as those of moving averages, or to an input pipeline.
    let isForUpdates: [Bool]
    let saving: Saving

    /// - Parameters:
    ///   - graph: The graph; see ``PipelineSources``.
    ///   - meta: The meta graph with the saver.
    ///   - choices: Nodes that belong to input pipelines, regardless of their op.
    init(_ graph: Graph, _ meta: MetaGraphDef, choices: Set<Int> = []) {
        self.graph = graph
        let saving = Saving(graph, meta)
        self.saving = saving
        isExcluded = graph.nodes.map { Self.isExcluded($0) || saving.isPrivate($0) }
        var readers = [[Int]](repeating: [], count: graph.nodes.count)
        var allReaders = readers
        for (index, node) in graph.nodes.enumerated() {
            for case .endpoint(let endpoint) in node.inputs {
                allReaders[endpoint.node].append(index)
                if !isExcluded[index] { readers[endpoint.node].append(index) }
            }
        }
        self.readers = readers
        self.allReaders = allReaders
        isForUpdates = Self.updates(graph, allReaders, choices)
    }

    /// Marks some nodes and all forward nodes that depend on their values.
    ///
    /// - Parameters:
    ///   - start: The nodes.
    ///   - passes: Whether to continue through a node; by default through all.
    /// - Returns: A mark for each node.
    func dependents(of start: some Sequence<Int>, through passes: (Node) -> Bool = { _ in true }) -> [Bool] {
        var marks = [Bool](repeating: false, count: graph.nodes.count)
        var stack = Array(start)
        while let index = stack.popLast() {
            guard !marks[index] else { continue }
            marks[index] = true
            if passes(graph.nodes[index]) { stack += readers[index].filter { !marks[$0] } }
        }
        return marks
    }

    /// Marks all nodes that some nodes' values depend on, and these nodes themselves only if they depend on each other.
    func leading(to end: some Sequence<Int>) -> [Bool] {
        var marks = [Bool](repeating: false, count: graph.nodes.count)
        var stack = Array(end)
        while let index = stack.popLast() {
            for input in inputs(of: index) where !marks[input] {
                marks[input] = true
                stack.append(input)
            }
        }
        return marks
    }

    /// The indices of the forward nodes that satisfy a condition.
    func nodes(where isWanted: (Node) -> Bool) -> [Int] {
        graph.nodes.indices.filter { !isExcluded[$0] && isWanted(graph.nodes[$0]) }
    }

    /// The nodes whose values a node uses.
    func inputs(of index: Int) -> [Int] {
        graph.nodes[index].inputs.compactMap { if case .endpoint(let endpoint) = $0 { endpoint.node } else { nil } }
    }

    private static func isExcluded(_ node: Node) -> Bool {
        if OpTable.traits(of: node.op).containsAny(of: [.bookkeeping, .changesVariable]) { return true }
        if InputPipeline.isPart(node.op) { return true }
        return isGradient(node) || node.name.hasPrefix("report_uninitialized_variables")
    }

    /// Whether a node writes to a variable.
    static func isUpdate(_ node: Node) -> Bool { OpTable.traits(of: node.op).contains(.changesVariable) }

    /// Whether a node is a variable, or a handle to a variable.
    static func isVariable(_ node: Node) -> Bool { OpTable.traits(of: node.op).contains(.variable) }

    /// Whether a node is a placeholder.
    static func isFeed(_ node: Node) -> Bool { OpTable.traits(of: node.op).contains(.feed) }

    /// Whether a node is in a scope that tf.gradients made.
    static func isGradient(_ node: Node) -> Bool {
        // Most names do not contain these letters. Checking bytes is faster than splitting the name.
        guard node.name.utf8.contains(UInt8(ascii: "/")), hasGradients(node.name.utf8) else { return false }
        return node.name.utf8.split(separator: UInt8(ascii: "/")).dropLast().contains { isGradientScope(Substring($0)) }
    }

    /// Whether a component may begin with `gradients`.
    private static func hasGradients(_ name: String.UTF8View) -> Bool {
        let word = "gradients".utf8
        var start = name.startIndex
        while true {
            if name[start...].starts(with: word) { return true }
            guard let slash = name[start...].firstIndex(of: UInt8(ascii: "/")) else { return false }
            start = name.index(after: slash)
        }
    }

    /// `gradients`, `gradients_1`.
    static func isGradientScope(_ component: Substring) -> Bool {
        component == "gradients" || component.hasPrefix("gradients_") && component.dropFirst(10).allSatisfy(\.isNumber)
    }

    /// Marks the nodes that only assignments and pipelines depend on, directly or indirectly.
    private static func updates(_ graph: Graph, _ readers: [[Int]], _ choices: Set<Int>) -> [Bool] {
        var marks = graph.nodes.map { isUpdate($0) || InputPipeline.isPart($0.op) }
        for index in choices { marks[index] = true }
        var otherReaders = readers.map(\.count)
        var stack = marks.indices.filter { marks[$0] }
        while let index = stack.popLast() {
            for case .endpoint(let input) in graph.nodes[index].inputs {
                otherReaders[input.node] -= 1
                guard otherReaders[input.node] == 0, !marks[input.node] else { continue }
                marks[input.node] = true
                stack.append(input.node)
            }
        }
        return marks
    }
}
