internal import Graphs
internal import Kernels
internal import Operations
internal import Tensors

/// Translates a graph into a ``Plan``: nodes in an order in which they can run, branches as guards, loops as regions, variables as
/// constants or as accesses in order.
///
/// Import translates structure only. Nothing is folded, forwarded or merged here: passes do that.
struct PlanImporter {
    let graph: Graph
    let variables: VariableStates
    private let tables: TableResolution
    private let statefulOps: StatefulOps
    /// Tables that wait for what this plan computes.
    var openTables: Set<String> = []
    var plan = Plan()
    /// The region that is being built.
    var region = Plan.outermost
    /// The value that an output is, and when it exists. Outputs that could not be computed are not here.
    var values: [Endpoint: (value: Plan.Value, guarded: Guard)] = [:]
    var flags = FlagTable()
    /// Nodes that cannot be computed, in a branch or a loop that may never run.
    var failures: [Int: OpError] = [:]
    /// Nodes that never run.
    var deadNodes: Set<Int> = []
    /// The handles of the fetches that are in loops.
    var loopFetches: [Endpoint: Plan.Value] = [:]
    /// The values of variables that nothing changes, by name.
    var constants: [String: Plan.Value] = [:]
    /// The number of loops around what is being built.
    var loopDepth = 0
    /// The node with an effect, or that sees effects, that was added last.
    private var lastOrdered: Plan.NodeID?
    /// Outputs of input pipelines that somebody takes and that are not fed.
    private var missingPipelineFeeds: [MissingFeed] = []
    /// All nodes that the fetches need.
    private var order: [Int] = []
    private var awaited: Set<Int> = []
    private var fetches: [Endpoint] = []
    private var targets: [Int] = []
    var feeds: Set<Endpoint> = []

    /// The weights of the plan.
    let weights: WeightEvaluation

    init(graph: Graph, variables: VariableStates, tables: TableResolution, statefulOps: StatefulOps) {
        self.statefulOps = statefulOps
        weights = WeightEvaluation(variables.weights)
        self.graph = graph
        self.variables = variables
        self.tables = tables
    }

    /// Builds the plan. Targets are nodes that run for what they do, not for their outputs.
    ///
    /// - Returns: The plan, and the outputs of input pipelines that have to be fed and are not.
    /// - Throws: ``OpError``: one that lists all unsupported ops that the fetches need, or the first node that does not fit.
    mutating func build(
        feeds: [(Endpoint, TensorFact)], fetches: [Endpoint], targets: [Int] = []
    ) throws(OpError) -> (plan: Plan, missingFeeds: [MissingFeed]) {
        self.fetches = fetches
        self.targets = targets
        self.feeds = Set(feeds.map(\.0))
        for feed in feeds {
            let value = plan.addValue(feed.1)
            plan.feeds.append(value)
            values[feed.0] = (value, .always)
        }
        let subgraph = try Subgraph(of: graph, fetches: fetches, targets: targets, feeds: self.feeds)
        order = subgraph.order
        awaited = subgraph.awaited
        // With branches, it may be that nobody comes there.
        let isStraight = !order.contains { graph.nodes[$0].isSwitch }
        if isStraight, order.contains(where: isUnsupported) { throw unsupportedOps() }
        try findChangedVariables(among: order)
        let nesting = try LoopNesting.units(
            of: subgraph, in: graph, fetches: fetches.filter { !self.feeds.contains($0) })
        begin(loopFetches: nesting.fetchesInLoops)
        try add(nesting.units)
        for fetch in fetches {
            let fetched = try value(fetched: fetch)
            plan.fetch(fetched.value, fetched.guarded, name: name(fetch))
        }
        addMissingFeeds(ofPipelinesIn: subgraph)
        plan.flagRules = flags.rules
        plan.flagStates = Array(repeating: nil, count: flags.rules.count)
        plan.weights = weights.weights
        return (plan, missingPipelineFeeds)
    }

    mutating func add(_ units: [GraphUnit]) throws(OpError) {
        for unit in units {
            guard flags.work < FlagTable.maxWork else {
                throw OpError(.resourceExhausted, "the graph's branches depend on each other in too many ways")
            }
            switch unit {
            case .node(let index): try add(nodeAt: index)
            case .loop(let loop): try add(loop)
            }
        }
    }

    private func name(_ endpoint: Endpoint) -> String { "\(graph.nodes[endpoint.node].name):\(endpoint.output)" }

    private mutating func value(fetched endpoint: Endpoint) throws(OpError) -> (value: Plan.Value, guarded: Guard) {
        if let failure = failures[endpoint.node] { throw failure }
        if let value = loopFetch(endpoint) { return (value, .always) }
        guard let known = values[endpoint] else {
            if deadNodes.contains(endpoint.node) { throw .notTaken(name(endpoint)) }
            throw OpError(
                .notFound, "node \"\(graph.nodes[endpoint.node].name)\" has no output \(endpoint.output)")
        }
        let dtype = plan.facts[known.value].dtype
        guard !dtype.isHandle else {
            throw OpError(.invalidArgument, "\"\(name(endpoint))\" is a \(dtype): it cannot be fetched")
        }
        return (try read([known.value], endpoint.node, known.guarded)[0], known.guarded)
    }

    /// Adds a node: how depends on whether its inputs exist, never exist, or could not be computed.
    private mutating func add(nodeAt index: Int) throws(OpError) {
        let node = graph.nodes[index]
        var guarded = Guard.always
        do throws(OpError) {
            if node.isMerge { return try addMerge(index) }
            if let outputs = InputPipeline.outputs(ofNode: index, in: graph) {
                for (number, fact) in outputs.enumerated() { define(index, number, plan.addValue(fact), .always) }
                return
            }
            if let failure = cause(of: index) {
                failures[index] = failure
                return
            }
            guard let inputs = try inputs(of: index) else {
                deadNodes.insert(index)
                return
            }
            guarded = node.op == "ControlTrigger" ? .always : allAlive(inputs.map(\.guarded) + waits(of: index))
            guard guarded != .never else {
                deadNodes.insert(index)
                return
            }
            let op = try statefulOps.op(ofNode: index) { () throws(OpError) in try makeOp(index) }
            try add(op, index, inputs.map(\.value), guarded)
            keepFetches(of: index)
        } catch {
            // The list of what is not supported names its nodes itself.
            let error = OpTable.entries[node.op] == nil ? error : error.at(node: node.name, op: node.op)
            // What may never run is no error before it does.
            guard guarded != .always || loopDepth > 0, error.kind != .resourceExhausted else { throw error }
            failures[index] = error
            addFailure(error, index, guarded)
        }
    }

    /// The op of a node.
    func makeOp(_ index: Int) throws(OpError) -> any Op {
        guard !isUnsupported(index), let entry = OpTable.entries[graph.nodes[index].op] else { throw unsupportedOps() }
        return try entry.make(NodeReader(graph.nodes[index]))
    }

    /// Why an input could not be computed.
    func cause(of index: Int) -> OpError? {
        for case .endpoint(let endpoint) in graph.nodes[index].inputs where values[endpoint] == nil {
            if let failure = failures[endpoint.node] { return failure }
        }
        for case .endpoint(let endpoint) in graph.nodes[index].controlInputs {
            if let failure = failures[endpoint.node] { return failure }
        }
        return nil
    }

    /// The values of a node's inputs; nil where one of them never exists.
    private func inputs(of index: Int) throws(OpError) -> [(value: Plan.Value, guarded: Guard)]? {
        let node = graph.nodes[index]
        var result: [(value: Plan.Value, guarded: Guard)] = []
        for input in node.inputs {
            let endpoint = try input.existing(for: node)
            if let known = values[endpoint] {
                result.append(known)
            } else if deadNodes.contains(endpoint.node) {
                return nil
            } else {
                throw OpError(
                    .malformed,
                    "takes output \(endpoint.output) of \"\(graph.nodes[endpoint.node].name)\", which has none")
            }
        }
        return result
    }

    /// When the nodes run that a node only waits for.
    private func waits(of index: Int) -> [Guard] {
        graph.nodes[index].controlInputs.map { input in
            guard case .endpoint(let endpoint) = input else { return .always }
            return deadNodes.contains(endpoint.node) ? .never : nodeGuards[endpoint.node] ?? .always
        }
    }

    /// When the nodes run that do not always.
    private var nodeGuards: [Int: Guard] = [:]

    func guardOfNode(_ index: Int) -> Guard { nodeGuards[index] ?? .always }

    mutating func note(_ guarded: Guard, ofNode index: Int) {
        if guarded != .always { nodeGuards[index] = guarded }
    }

    mutating func allAlive(_ parts: some Sequence<Guard>) -> Guard {
        defer { placeNewFlags() }
        return flags.all(parts)
    }

    mutating func placeNewFlags() {
        for flag in flags.takeNew() {
            var inputs: [Plan.Value] = []
            if case .branch(let predicate, _, _) = flags.rules[flag] { inputs = [predicate] }
            plan.append(node(.flag(flag), inputs: inputs, outputs: [], .always, nil))
        }
        plan.flagRules = flags.rules
    }

    private mutating func add(
        _ op: any Op, _ index: Int, _ inputs: [Plan.Value], _ guarded: Guard
    ) throws(OpError) {
        note(guarded, ofNode: index)
        if try addVariableOp(op, index, inputs, guarded) { return }
        if case .consumesVariable(let consumer) = op.implementation {
            let value = try valueConsumed(by: consumer, index, inputs, guarded)
            return try add(consumer.operation, index, [value] + inputs.dropFirst(), guarded)
        }
        // RefSwitch and its kin hand on the variable itself.
        let given = op.traits.contains(.passesReference) ? inputs : try read(inputs, index, guarded)
        let (op, inputs) = try bindTable(op, given)
        let facts = try op.checkedOutputs(for: inputs.map { plan.facts[$0] })
        if let flow = op as? ControlFlow, flow.kind == .split { return addSwitch(index, op, inputs, guarded) }
        if op.forwardsInputs || op is ControlFlow {
            for (number, value) in forward(op, index, inputs, inputs, guarded).enumerated() {
                define(index, number, value, guarded)
            }
            return
        }
        let outputs = addNode(.op(op), index, inputs, facts, guarded)
        for (number, value) in outputs.enumerated() { define(index, number, value, guarded) }
    }

    /// The op and its inputs, with the table in the place of its handle.
    private func bindTable(
        _ op: any Op, _ inputs: [Plan.Value]
    ) throws(OpError) -> (op: any Op, inputs: [Plan.Value]) {
        do throws(OpError) {
            let bound = try tables.bind(op, inputs, plan.facts, building: openTables)
            if !bound.isOfGraph { weights.pin() }
            return (bound.op, bound.inputs)
        } catch {
            // In a branch the error becomes a part of the plan. Another version may have the content.
            weights.pin()
            throw error
        }
    }

    /// Adds a node that gives `sources` as they are; handles, and variables by reference, are forwarded here already.
    ///
    /// - Returns: The values that stand for the sources.
    mutating func forward(
        _ op: any Op, _ index: Int, _ inputs: [Plan.Value], _ sources: [Plan.Value], _ guarded: Guard
    ) -> [Plan.Value] {
        let isStructure = sources.contains { plan.facts[$0].dtype.isHandle || plan.facts[$0].variable != nil }
        if isStructure || sources.isEmpty { return sources }
        return addNode(.op(op), index, inputs, sources.map { plan.facts[$0] }, guarded)
    }

    /// Adds a node with an output for each fact.
    mutating func addNode(
        _ work: Plan.Work, _ index: Int, _ inputs: [Plan.Value], _ facts: [TensorFact], _ guarded: Guard,
        state: VariableState? = nil, slots: [VariableState] = []
    ) -> [Plan.Value] {
        let outputs = facts.map { plan.addValue($0) }
        var node = node(work, inputs: inputs, outputs: outputs, guarded, index, state)
        node.slots = slots
        if node.isOrdered, let lastOrdered { node.after = [lastOrdered] }
        let isOrdered = node.isOrdered
        let id = plan.append(node)
        if isOrdered { lastOrdered = id }
        return outputs
    }

    mutating func addFailure(_ error: OpError, _ index: Int, _ guarded: Guard) {
        _ = addNode(.failure(error), index, [], [], guarded)
    }

    func node(
        _ work: Plan.Work, inputs: [Plan.Value], outputs: [Plan.Value], _ guarded: Guard, _ index: Int?,
        _ state: VariableState? = nil
    ) -> Plan.Node {
        let origin = index.map { Plan.Origin(node: graph.nodes[$0].name, op: graph.nodes[$0].op) }
        return Plan.Node(
            work: work, inputs: inputs, outputs: outputs, guarded: guarded, region: region, state: state,
            origin: origin ?? Plan.Origin(node: "", op: ""),
            isAwaited: index.map(awaited.contains) ?? false)
    }

    /// Says what an output is, unless it is fed: then its value is the feed.
    mutating func define(_ node: Int, _ output: Int, _ value: Plan.Value, _ guarded: Guard) {
        let endpoint = Endpoint(node: node, output: output)
        if !feeds.contains(endpoint) { values[endpoint] = (value, guarded) }
    }
}

/// What is missing.
extension PlanImporter {
    /// One error for everything that is not supported, with the first node of each op.
    private func unsupportedOps() -> OpError {
        var missing: [String: (node: String, count: Int)] = [:]
        for index in order where isUnsupported(index) {
            missing[graph.nodes[index].op, default: (graph.nodes[index].name, 0)].count += 1
        }
        let list = missing.sorted { $0.key < $1.key }.map { op, place in
            "op \(op)\(Self.reason(for: op)) (node \"\(place.node)\"\(place.count > 1 ? " and \(place.count - 1) more" : ""))"
        }
        let names = fetches.map { "\"\(name($0))\"" } + targets.map { "\"\(graph.nodes[$0].name)\"" }
        return OpError(
            .unsupported,
            "\(list.joined(separator: ", ")) not supported; needed by fetch \(names.joined(separator: ", "))")
    }

    private static func reason(for op: String) -> String {
        let traits = OpTable.traits(of: op)
        if traits.contains(.files) { return ", which reads or writes files," }
        return traits.contains(.trains) ? ", which trains variables," : ""
    }

    private func isUnsupported(_ index: Int) -> Bool {
        let op = graph.nodes[index].op
        guard let entry = OpTable.entries[op] else { return !InputPipeline.isEnd(op) }
        return entry.traits.contains(.trains) && !variables.areTrained
    }

    /// Notes what is not fed of the outputs of pipelines: those that somebody takes.
    private mutating func addMissingFeeds(ofPipelinesIn subgraph: Subgraph) {
        for index in subgraph.order {
            guard let facts = InputPipeline.outputs(ofNode: index, in: graph) else { continue }
            for output in subgraph.outputs(takenOf: index, fetches: fetches) where facts.indices.contains(output) {
                let endpoint = Endpoint(node: index, output: output)
                if feeds.contains(endpoint) { continue }
                missingPipelineFeeds.append(MissingFeed(tensor: name(endpoint), fact: facts[output]))
            }
        }
    }
}

/// A tensor that has to be fed and is not.
struct MissingFeed {
    let tensor: String
    let fact: TensorFact
}

extension OpError {
    /// All tensors that have to be fed.
    static func missing(_ feeds: [MissingFeed]) -> OpError {
        let texts = feeds.map { "\"\($0.tensor)\" (\($0.fact.dtype) \($0.fact.shape))" }
        return OpError(
            .missingFeed, "the fetches need a feed for \(texts.joined(separator: ", "))", tensors: feeds.map(\.tensor))
    }

    /// A fetch that never has a value.
    static func notTaken(_ name: String) -> OpError {
        OpError(.invalidArgument, "\"\(name)\" is in a branch that is not taken: it has no value")
    }
}
