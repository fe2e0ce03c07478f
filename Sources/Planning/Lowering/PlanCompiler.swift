package import Graphs
package import Operations
internal import Tensors

/// Makes plans of a graph: import, inference, passes.
package struct PlanCompiler: Sendable {
    /// The maximum number of bytes of a constant that a check evaluates: shapes and axes.
    private static let checkLimitBytes = 1 << 14

    private let graph: Graph
    private let variables: VariableStates
    private let tables: TableResolution
    private let statefulOps: StatefulOps
    /// The passes that run.
    package let options: PassOptions

    /// - Parameters:
    ///   - graph: The graph.
    ///   - variables: The values of its variables.
    ///   - tables: What tables are filled with, if it is not in the graph.
    ///   - facts: What the graph tells of its tensors.
    ///   - options: The passes that run.
    package init(
        _ graph: Graph, _ variables: VariableStates, tables: any TableSource, facts: FactInference, options: PassOptions
    ) {
        self.init(
            graph, variables, TableResolution(graph: graph, variables: variables, inference: facts, source: tables),
            options, StatefulOps())
    }

    private init(
        _ graph: Graph, _ variables: VariableStates, _ tables: TableResolution, _ options: PassOptions,
        _ statefulOps: StatefulOps
    ) {
        self.graph = graph
        self.variables = variables
        self.tables = tables
        self.options = options
        self.statefulOps = statefulOps
    }

    /// The compiler of a graph that adds nodes to this one's, with the same variables and tables. Streams of random numbers of the nodes
    /// that both have are the same.
    ///
    /// - Parameter graph: The graph with more nodes, none of which keeps anything from run to run or fills a table.
    /// - Returns: A compiler whose plans may hold the new nodes.
    package func extended(to graph: Graph) -> PlanCompiler {
        PlanCompiler(graph, variables, tables, options, statefulOps)
    }

    /// The nodes that fetches need, by their places in the graph, given some feeds.
    ///
    /// - Throws: ``OpError`` of kind `malformed` for an input that does not exist, and for a cycle.
    package func nodes(for fetches: [Endpoint], feeds: [Endpoint]) throws(OpError) -> [Int] {
        try Subgraph(of: graph, fetches: fetches, feeds: Set(feeds)).order
    }

    /// The session's op for a node that keeps something from run to run.
    ///
    /// - Parameter name: The node's name.
    /// - Returns: The op; nil where the graph has no such node.
    /// - Throws: ``OpError`` where the op does not take the node's attributes.
    package func statefulOp(ofNode name: String) throws(OpError) -> (any Op)? {
        guard let index = graph.index(ofNode: name), let entry = OpTable.entries[graph.nodes[index].op] else {
            return nil
        }
        return try statefulOps.op(ofNode: index) { () throws(OpError) in try entry.make(NodeReader(graph.nodes[index]))
        }
    }

    /// Checks that fetches can be computed from feeds, for some shapes: imports and infers, and plans nothing.
    ///
    /// - Returns: What the check takes for true of the session's version.
    /// - Throws: ``OpError``, as ``plan(feeds:fetches:observe:)`` does.
    package func check(
        feeds: [(Endpoint, TensorFact)], fetches: [Endpoint], targets: [Int] = []
    ) throws(OpError) -> PlanWeights {
        var importer = PlanImporter(graph: graph, variables: variables, tables: tables, statefulOps: statefulOps)
        var (plan, missing) = try importer.build(feeds: feeds, fetches: fetches, targets: targets)
        let reached = try plan.infer(options, importer.weights, foldLimitBytes: Self.checkLimitBytes)
        missing = reached.compactMap { plan.missingFeed($0) } + missing
        guard missing.isEmpty else { throw .missing(missing) }
        return plan.weights
    }

    /// The plan for feeds and fetches.
    ///
    /// - Parameters:
    ///   - feeds: The fed tensors, with what is known of them.
    ///   - fetches: The fetched tensors.
    ///   - targets: Nodes that run for what they do, by their places in the graph.
    ///   - observe: Gets the plan after import, by the name `import`, and after each pass that changed it, with the number of its patches.
    /// - Returns: The plan for any shapes, and its weights in the session's version.
    /// - Throws: ``OpError``: one that lists all unsupported ops that the fetches need, one that lists all placeholders that must be
    ///   fed, or the first node that does not fit.
    package func plan(
        feeds: [(Endpoint, TensorFact)], fetches: [Endpoint], targets: [Int] = [], observe: PlanObserver? = nil
    ) throws(OpError) -> (plan: Plan, binding: WeightBinding) {
        var importer = PlanImporter(graph: graph, variables: variables, tables: tables, statefulOps: statefulOps)
        var (plan, missing) = try importer.build(feeds: feeds, fetches: fetches, targets: targets)
        let reached = try plan.infer(options, importer.weights, foldLimitBytes: WeightEvaluation.maxBytes)
        missing = reached.compactMap { plan.missingFeed($0) } + missing
        guard missing.isEmpty else { throw .missing(missing) }
        observe?("import", 0, plan)
        try PassDriver(options: options, form: .general, weights: importer.weights, observe: observe).run(on: &plan)
        plan.trim()
        let binding = try WeightEvaluation(variables.weights, plan.weights).binding(of: plan.usedWeights)
        // Until here it holds what was evaluated for the plan.
        withExtendedLifetime(importer.weights) {}
        return (plan, binding)
    }
}

/// Gets a plan after a pass that changed it, with the number of the pass's patches.
package typealias PlanObserver = (_ pass: String, _ patches: Int, _ plan: borrowing Plan) -> Void

extension Plan {
    /// Infers, with evaluation unless it is switched off.
    ///
    /// - Returns: The placeholders that runs come to.
    mutating func infer(
        _ options: PassOptions, _ weights: WeightEvaluation, foldLimitBytes: Int
    ) throws(OpError) -> [NodeID] {
        let evaluation =
            options.enables(FoldConstants.self) ? PlanInference.Evaluation(limitBytes: foldLimitBytes) : nil
        return try PlanInference.run(on: &self, weights, evaluating: evaluation)
    }

    func missingFeed(_ id: NodeID) -> MissingFeed? {
        guard let placeholder = nodes[id].op?.asPlaceholder else { return nil }
        return MissingFeed(
            tensor: "\(nodes[id].origin.node):0", fact: TensorFact(placeholder.dtype, placeholder.shape))
    }
}
