internal import Graphs
internal import Kernels
internal import Operations
internal import Tensors

/// Makes a ``Plan``.
struct PlanBuilder {
    let graph: Graph
    let variables: VariableStates
    private let tables: TableResolution
    private let statefulOps: StatefulOps
    private var fusedActivations: FusedActivations?
    /// Tables that wait for what this plan computes.
    var openTables: Set<String> = []
    /// The value that an output is, and when it is alive. What is not here was not computed.
    var values: [Endpoint: (value: Int, liveness: Liveness)] = [:]
    var facts: [TensorFact] = []
    var steps: [Plan.Step] = []
    /// The items of the piece that is being built: the plan, or a part of a loop.
    var items: [Plan.Item] = []
    var flags = FlagTable()
    /// Nodes that cannot be computed, in a branch or a loop that may never run.
    var failures: [Int: OpError] = [:]
    /// Nodes that never run.
    var deadNodes: Set<Int> = []
    /// The handles of the fetches that are in loops.
    var loopFetches: [Endpoint: Int] = [:]
    /// How many loops are around what is being built.
    var loopDepth = 0
    /// Placeholders that are not fed.
    private var missingFeeds: [(tensor: String, fact: TensorFact)] = []
    /// Variables whose values are constants of the plan.
    var constantVariables: Set<String> = []
    /// The bytes of all constants so far, those of the graph and those that were folded.
    private var constantBytes = 0
    /// The bytes of those that were folded.
    private var foldedBytes = 0
    /// All nodes that the fetches need.
    private var order: [Int] = []
    private var fetches: [Endpoint] = []
    var feeds: Set<Endpoint> = []
    /// What was found out about the loops that have been built, by their condition.
    var learned: [Int: LoopKnowledge] = [:]

    /// The most bytes that one folded constant may take; what is larger is computed in every run.
    private static let foldLimitBytes = 256 << 20
    /// The most bytes that all constants of a plan may take together: a small file can ask for many large ones.
    private static let constantLimitBytes = 4 << 30

    init(graph: Graph, variables: VariableStates, tables: TableResolution, statefulOps: StatefulOps) {
        self.statefulOps = statefulOps
        self.graph = graph
        self.variables = variables
        self.tables = tables
    }

    /// Builds the plan.
    ///
    /// - Throws: ``OpError``: one that lists all unsupported ops that the fetches need, one that lists all placeholders
    ///   that must be fed, or the first node that does not fit.
    mutating func build(feeds: [(Endpoint, TensorFact)], fetches: [Endpoint]) throws(OpError) -> Plan {
        self.fetches = fetches
        self.feeds = Set(feeds.map(\.0))
        let feedValues = feeds.map { feed in
            let value = newValue(feed.1)
            values[feed.0] = (value, .always)
            return value
        }
        let subgraph = try Subgraph(of: graph, fetches: fetches, feeds: self.feeds)
        order = subgraph.order
        fusedActivations = FusedActivations(graph, subgraph, fetches: fetches)
        // With branches, it may be that nobody comes there.
        let isStraight = !order.contains { graph.nodes[$0].isSwitch }
        if isStraight, order.contains(where: isUnsupported) { throw unsupportedOps() }
        try findChangedVariables(among: order)
        let nesting = try LoopNesting.units(
            of: subgraph, in: graph, fetches: fetches.filter { !self.feeds.contains($0) })
        begin(loopFetches: nesting.fetchesInLoops)
        try add(nesting.units)
        var fetched: [(value: Int, liveness: Liveness)] = []
        for fetch in fetches { fetched.append(try value(fetched: fetch)) }
        addMissingFeeds(ofPipelinesIn: subgraph)
        if !missingFeeds.isEmpty { throw missingFeedError() }
        return Plan(
            steps: steps, items: items, flagRules: flags.rules, facts: facts, feeds: feedValues, fetches: fetched,
            constantVariables: constantVariables, foldedBytes: foldedBytes)
    }

    mutating func add(_ units: [GraphUnit]) throws(OpError) {
        for unit in units {
            guard flags.work < FlagTable.mostWork else {
                throw OpError(.resourceExhausted, "the graph's branches hang on each other in too many ways")
            }
            switch unit {
            case .node(let index): try add(nodeAt: index)
            case .loop(let loop): try add(loop)
            }
        }
    }

    mutating func newValue(_ fact: TensorFact) -> Int {
        facts.append(fact)
        return facts.count - 1
    }

    private mutating func value(fetched endpoint: Endpoint) throws(OpError) -> (value: Int, liveness: Liveness) {
        let name = "\(graph.nodes[endpoint.node].name):\(endpoint.output)"
        if let failure = failures[endpoint.node] { throw failure }
        if let value = loopFetch(endpoint) { return (value, .always) }
        guard let known = values[endpoint] else {
            if deadNodes.contains(endpoint.node) {
                throw OpError(.invalidArgument, "\"\(name)\" is in a branch that is not taken: it has no value")
            }
            throw OpError(
                .notFound, "node \"\(graph.nodes[endpoint.node].name)\" has no output \(endpoint.output)")
        }
        guard !facts[known.value].dtype.isHandle else {
            throw OpError(.invalidArgument, "\"\(name)\" is a \(facts[known.value].dtype): it cannot be fetched")
        }
        return (try read([known.value], endpoint.node, known.liveness)[0], known.liveness)
    }

    /// One error for everything that is not supported, with the first node of each op.
    private func unsupportedOps() -> OpError {
        var missing: [String: (node: String, count: Int)] = [:]
        for index in order where isUnsupported(index) {
            missing[graph.nodes[index].op, default: (graph.nodes[index].name, 0)].count += 1
        }
        let list = missing.sorted { $0.key < $1.key }.map { op, place in
            "op \(op)\(OpTable.traits(of: op).contains(.files) ? ", which reads or writes files," : "") (node \"\(place.node)\"\(place.count > 1 ? " and \(place.count - 1) more" : ""))"
        }
        let names = fetches.map { "\"\(graph.nodes[$0.node].name):\($0.output)\"" }
        return OpError(
            .unsupported,
            "\(list.joined(separator: ", ")) not supported; needed by fetch \(names.joined(separator: ", "))")
    }

    private func isUnsupported(_ index: Int) -> Bool {
        OpTable.entries[graph.nodes[index].op] == nil && !InputPipeline.isEnd(graph.nodes[index].op)
    }

    /// Notes what is not fed of the outputs of pipelines: those that somebody takes.
    private mutating func addMissingFeeds(ofPipelinesIn subgraph: Subgraph) {
        for index in subgraph.order {
            guard let facts = InputPipeline.outputs(ofNode: index, in: graph) else { continue }
            for output in subgraph.outputs(takenOf: index, fetches: fetches) where facts.indices.contains(output) {
                if feeds.contains(Endpoint(node: index, output: output)) { continue }
                missingFeeds.append(("\(graph.nodes[index].name):\(output)", facts[output]))
            }
        }
    }

    private func missingFeedError() -> OpError {
        let texts = missingFeeds.map { "\"\($0.tensor)\" (\($0.fact.dtype) \($0.fact.shape))" }
        return OpError(
            .missingFeed, "the fetches need a feed for \(texts.joined(separator: ", "))",
            tensors: missingFeeds.map(\.tensor))
    }

    /// Adds a node: what it is depends on whether its inputs are alive, dead, or could not be computed.
    private mutating func add(nodeAt index: Int) throws(OpError) {
        let node = graph.nodes[index]
        var liveness = Liveness.always
        do throws(OpError) {
            if node.isMerge { return try addMerge(index) }
            if let outputs = InputPipeline.outputs(ofNode: index, in: graph) {
                for (number, fact) in outputs.enumerated() { define(index, number, newValue(fact), .always) }
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
            liveness = node.op == "ControlTrigger" ? .always : allAlive(inputs.map(\.liveness) + waits(of: index))
            guard liveness != .never else {
                deadNodes.insert(index)
                return
            }
            guard let entry = OpTable.entries[node.op] else { throw unsupportedOps() }
            let op = try statefulOps.op(ofNode: index) { () throws(OpError) in try entry.make(NodeReader(node)) }
            let isFused = fusedActivations?.contains(index) ?? false
            let part = isFused ? (op as? any FusibleActivation)?.fused ?? op : op
            try add(part, index, inputs.map(\.value), liveness)
            keepFetches(of: index)
        } catch {
            // The list of what is not supported names its nodes itself.
            let error = OpTable.entries[node.op] == nil ? error : error.at(node: node.name, op: node.op)
            // What may never run is no error before it does.
            guard liveness != .always || loopDepth > 0, error.kind != .resourceExhausted else { throw error }
            failures[index] = error
            items.append(.failure(error, liveness))
        }
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

    /// The values of a node's inputs; nil where one of them is dead.
    private func inputs(of index: Int) throws(OpError) -> [(value: Int, liveness: Liveness)]? {
        let node = graph.nodes[index]
        var result: [(value: Int, liveness: Liveness)] = []
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
    private func waits(of index: Int) -> [Liveness] {
        graph.nodes[index].controlInputs.map { input in
            guard case .endpoint(let endpoint) = input else { return .always }
            return deadNodes.contains(endpoint.node) ? .never : nodeLiveness[endpoint.node] ?? .always
        }
    }

    /// When the nodes run that do not always.
    private var nodeLiveness: [Int: Liveness] = [:]

    func livenessOfNode(_ index: Int) -> Liveness { nodeLiveness[index] ?? .always }

    mutating func note(_ liveness: Liveness, ofNode index: Int) {
        if liveness != .always { nodeLiveness[index] = liveness }
    }

    mutating func allAlive(_ parts: some Sequence<Liveness>) -> Liveness {
        defer { placeNewFlags() }
        return flags.all(parts)
    }

    mutating func placeNewFlags() { for flag in flags.takeNew() { items.append(.flag(flag)) } }

    private mutating func add(
        _ op: any Op, _ index: Int, _ inputs: [Int], _ liveness: Liveness
    ) throws(OpError) {
        note(liveness, ofNode: index)
        if try addVariableOp(op, index, inputs, liveness) { return }
        if let consumer = op as? any VariableConsuming {
            let value = try valueConsumed(by: consumer, index, inputs, liveness)
            return try add(consumer.operation, index, [value] + inputs.dropFirst(), liveness)
        }
        // RefSwitch and its kin hand on the variable itself.
        let given = op.traits.contains(.passesReference) ? inputs : try read(inputs, index, liveness)
        let (op, inputs) = try tables.bind(op, given, facts, building: openTables)
        var outputs = try op.checkedOutputs(for: inputs.map { facts[$0] })
        if let flow = op as? ControlFlow, flow.kind == .split {
            return addSwitch(index, inputs, liveness)
        }
        if op.forwardsInputs || op is ControlFlow {
            for (number, value) in inputs.enumerated() { define(index, number, value, liveness) }
            return
        }
        if let placeholder = op as? any PlaceholderOp {
            missingFeeds.append(("\(graph.nodes[index].name):0", TensorFact(placeholder.dtype, placeholder.shape)))
        } else if let folded = try Self.fold(op, inputs.map { facts[$0] }, outputs, Self.foldLimitBytes) {
            outputs = folded
            try count(folded, from: inputs)
        }
        let isComputed = outputs.contains { !$0.isKnown } && !(op is any PlaceholderOp)
        let numbers = outputs.map { newValue($0) }
        for (number, value) in numbers.enumerated() { define(index, number, value, liveness) }
        guard isComputed || op.hasEffect else { return }
        for number in numbers { facts[number].value = nil }
        let node = graph.nodes[index]
        items.append(.step(steps.count))
        steps.append(
            Plan.Step(
                op: op, node: node.name, opName: node.op, inputs: inputs, outputs: numbers, liveness: liveness))
    }

    /// Says what an output is, unless it is fed: then its value is the feed.
    mutating func define(_ node: Int, _ output: Int, _ value: Int, _ liveness: Liveness) {
        let endpoint = Endpoint(node: node, output: output)
        if !feeds.contains(endpoint) { values[endpoint] = (value, liveness) }
    }

    /// Adds up what is new: a constant that is an input under another shape takes no memory of its own.
    private mutating func count(_ constants: [TensorFact], from inputs: [Int]) throws(OpError) {
        for case let value? in constants.map(\.value) {
            let isInput = inputs.contains { facts[$0].value?.storage === value.storage }
            if !isInput { constantBytes += value.byteCount }
            // What a node without inputs gives is the graph's.
            if !isInput, !inputs.isEmpty { foldedBytes += value.byteCount }
        }
        guard constantBytes <= Self.constantLimitBytes else {
            throw OpError(
                .resourceExhausted, "the graph's constants would take more than \(Self.constantLimitBytes) bytes")
        }
    }

    /// Computes a node all of whose inputs are constants.
    ///
    /// - Returns: nil where it has to wait for the run.
    static func fold(
        _ op: any Op, _ inputs: [TensorFact], _ outputs: [TensorFact], _ limitBytes: Int
    ) throws(OpError) -> [TensorFact]? {
        guard !outputs.isEmpty, !op.isStateful, inputs.allSatisfy({ $0.value != nil }),
            outputs.allSatisfy({ $0.value != nil || !$0.isKnown && !$0.dtype.isHandle })
        else { return nil }
        do {
            return try op.evaluate(inputs, RunAccount(limitBytes: limitBytes)).map { TensorFact($0) }
        } catch let error as OpError {
            // Too large to keep: the run will compute it, under the run's own limit.
            guard error.kind == .resourceExhausted else { throw error }
            return nil
        } catch { throw OpError.invalid("\(error)") }
    }
}
