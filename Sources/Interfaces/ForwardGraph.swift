internal import Graphs
internal import Operations
internal import TensorFlowProtos

/// A graph without the nodes that save, restore, initialise, train or summarise.
struct ForwardGraph {
    let graph: Graph
    /// For each node, whether it is excluded.
    let isExcluded: [Bool]
    let kinds: NodeKinds
    let scopes: NameScopes
    /// For each scope whether tf.gradients made it.
    private let isGradientScope: [Bool]
    /// For each node the nodes whose values it takes.
    let inputs: Adjacency
    /// For each node, the forward nodes that use its values.
    let readers: Adjacency
    /// For each node, all nodes that use its values, including excluded ones.
    let allReaders: Adjacency
    /// For each node, whether it leads only to assignments, such as those of moving averages, or to an input pipeline.
    let isForUpdates: [Bool]
    let saving: Saving

    /// - Parameters:
    ///   - sources: The graph, and what of it are input pipelines.
    ///   - meta: Its saver.
    init(_ sources: PipelineSources, _ meta: MetaGraphDef) {
        let graph = sources.graph
        let kinds = sources.kinds
        let scopes = NameScopes(graph)
        let saving = Saving(graph, meta, kinds)
        let gradients = scopes.marks { Self.isGradientScope($1) }
        let savers = scopes.marks { name, _ in saving.isScope(name) }
        let isExcluded = graph.nodes.enumerated().map { index, node in
            let kind = kinds[index]
            let scope = scopes.ofNode[index]
            return kind.isPipeline || kind.traits.containsAny(of: Self.excluded) || gradients[scope] || savers[scope]
                || saving.isNamed(node) || node.name.hasPrefix("report_uninitialized_variables")
        }
        inputs = Adjacency(inputsOf: graph)
        allReaders = inputs.reversed()
        readers = inputs.reversed { !isExcluded[$0] }
        isForUpdates = Self.updates(kinds, inputs, allReaders, sources.choices)
        isGradientScope = gradients
        self.graph = graph
        self.isExcluded = isExcluded
        self.kinds = kinds
        self.scopes = scopes
        self.saving = saving
    }

    private static let excluded: OpTraits = [.bookkeeping, .changesVariable, .checkpoints]

    /// Marks all forward nodes that some nodes' values reach, and these nodes themselves.
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
            guard passes(graph.nodes[index]) else { continue }
            for reader in readers[index] where !marks[reader] { stack.append(reader) }
        }
        return marks
    }

    /// Marks all nodes that some nodes' values depend on, and these nodes themselves only if they depend on each other.
    func leading(to end: some Sequence<Int>) -> [Bool] {
        var marks = [Bool](repeating: false, count: graph.nodes.count)
        var stack = Array(end)
        while let index = stack.popLast() {
            for input in inputs[index] where !marks[input] {
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

    /// The places of the forward nodes whose ops have a trait.
    func nodes(with trait: OpTraits) -> [Int] { kinds.nodes(with: trait).filter { !isExcluded[$0] } }

    /// The nodes whose values a node uses.
    func inputs(of index: Int) -> [Int] { Array(inputs[index]) }

    /// Whether a node writes to a variable.
    func isUpdate(_ index: Int) -> Bool { kinds[index].traits.contains(.changesVariable) }

    /// Whether a node is in a scope that tf.gradients made.
    func isGradient(_ index: Int) -> Bool { isGradientScope[scopes.ofNode[index]] }

    /// `gradients`, `gradients_1`.
    static func isGradientScope(_ component: Substring) -> Bool {
        component == "gradients" || component.hasPrefix("gradients_") && component.dropFirst(10).allSatisfy(\.isNumber)
    }

    /// Marks the nodes that only assignments and pipelines depend on, directly or indirectly.
    private static func updates(
        _ kinds: NodeKinds, _ inputs: Adjacency, _ readers: Adjacency, _ choices: Set<Int>
    ) -> [Bool] {
        var marks = inputs.nodes.map { kinds[$0].isPipeline || kinds[$0].traits.contains(.changesVariable) }
        for index in choices { marks[index] = true }
        var otherReaders = inputs.nodes.map { readers[$0].count }
        var stack = marks.indices.filter { marks[$0] }
        while let index = stack.popLast() {
            for input in inputs[index] {
                otherReaders[input] -= 1
                guard otherReaders[input] == 0, !marks[input] else { continue }
                marks[input] = true
                stack.append(input)
            }
        }
        return marks
    }
}
