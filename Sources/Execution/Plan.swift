internal import Graphs
internal import Kernels
internal import Operations
internal import Tensors

/// What has to be computed for some fetches from some feeds, whatever the feeds' shapes: pruned, ordered, constants folded.
struct Plan: Sendable {
    /// An op to run. Values are numbered through the plan.
    struct Step: Sendable {
        let op: any Op
        let node: String
        let opName: String
        let inputs: [Int]
        let outputs: [Int]

        /// The error with the place where it happened.
        func locate(_ error: CompileError) -> CompileError { error.at(node: node, op: opName) }
    }

    let steps: [Step]
    /// What is known of each value; a constant has its elements.
    let facts: [TensorFact]
    /// The value of each feed, in the callable's order.
    let feeds: [Int]
    /// The value of each fetch, in the callable's order.
    let fetches: [Int]
}

/// Makes a ``Plan``.
struct PlanBuilder {
    private let graph: Graph
    private let variables: any VariableSource
    private var values: [Endpoint: Int] = [:]
    private var facts: [TensorFact] = []
    private var steps: [Plan.Step] = []
    private var missingFeeds: [String] = []
    /// The bytes of all constants so far, those of the graph and those that were folded.
    private var constantBytes = 0

    /// The most bytes that one folded constant may take; what is larger is computed in every run.
    private static let foldLimitBytes = 256 << 20
    /// The most bytes that all constants of a plan may take together: a small file can ask for many large ones.
    private static let constantLimitBytes = 4 << 30

    init(graph: Graph, variables: any VariableSource) {
        self.graph = graph
        self.variables = variables
    }

    /// Builds the plan.
    ///
    /// - Throws: ``CompileError``: one that lists all unsupported ops that the fetches need, one that lists all placeholders
    ///   that must be fed, or the first node that does not fit.
    mutating func build(feeds: [(Endpoint, TensorFact)], fetches: [Endpoint]) throws(CompileError) -> Plan {
        let feedValues = feeds.map { add($0.0, $0.1) }
        let order = try Subgraph(of: graph, fetches: fetches, feeds: Set(feeds.map(\.0))).order
        try requireSupport(for: order, fetches: fetches)
        for index in order { try add(nodeAt: index) }
        var fetchValues: [Int] = []
        for fetch in fetches { fetchValues.append(try value(fetched: fetch)) }
        if !missingFeeds.isEmpty { throw Self.missingFeedError(missingFeeds) }
        return Plan(steps: steps, facts: facts, feeds: feedValues, fetches: fetchValues)
    }

    private mutating func add(_ endpoint: Endpoint, _ fact: TensorFact) -> Int {
        facts.append(fact)
        values[endpoint] = facts.count - 1
        return facts.count - 1
    }

    private func value(fetched endpoint: Endpoint) throws(CompileError) -> Int {
        let name = graph.nodes[endpoint.node].name
        guard let value = values[endpoint] else {
            throw CompileError(.notFound, "node \"\(name)\" has no output \(endpoint.output)")
        }
        guard !facts[value].dtype.isHandle else {
            throw CompileError(.invalidArgument, "\"\(name)\" is a \(facts[value].dtype): it cannot be fetched")
        }
        return value
    }

    /// One error for everything that is not supported, with the first node of each op.
    private func requireSupport(for order: [Int], fetches: [Endpoint]) throws(CompileError) {
        var missing: [String: (node: String, count: Int)] = [:]
        for index in order where OpTable.entries[graph.nodes[index].op] == nil {
            missing[graph.nodes[index].op, default: (graph.nodes[index].name, 0)].count += 1
        }
        guard !missing.isEmpty else { return }
        let list = missing.sorted { $0.key < $1.key }.map { op, place in
            "op \(op) (node \"\(place.node)\"\(place.count > 1 ? " and \(place.count - 1) more" : ""))"
        }
        let names = fetches.map { "\"\(graph.nodes[$0.node].name):\($0.output)\"" }
        throw CompileError(
            .unsupported,
            "\(list.joined(separator: ", ")) not supported; needed by fetch \(names.joined(separator: ", "))")
    }

    private static func missingFeedError(_ names: [String]) -> CompileError {
        CompileError(.missingFeed, "the fetches need a feed for \(names.joined(separator: ", "))")
    }

    private mutating func add(nodeAt index: Int) throws(CompileError) {
        let node = graph.nodes[index]
        do throws(CompileError) {
            var inputs: [Int] = []
            for input in node.inputs { inputs.append(try value(of: try input.existing(for: node))) }
            guard let entry = OpTable.entries[node.op] else { throw CompileError.unsupported("is not supported") }
            let op = try entry.make(NodeReader(node))
            try add(op, node, index, inputs)
        } catch { throw error.at(node: node.name, op: node.op) }
    }

    private func value(of endpoint: Endpoint) throws(CompileError) -> Int {
        guard let value = values[endpoint] else {
            throw CompileError(
                .malformed, "takes output \(endpoint.output) of \"\(graph.nodes[endpoint.node].name)\", which has none")
        }
        return value
    }

    private mutating func add(_ op: any Op, _ node: Node, _ index: Int, _ inputs: [Int]) throws(CompileError) {
        var outputs = try op.outputs(for: inputs.map { facts[$0] })
        if let placeholder = op as? any PlaceholderOp {
            missingFeeds.append("\"\(node.name):0\" (\(placeholder.dtype) \(placeholder.shape))")
        } else if let variable = op as? any VariableReading {
            let reference = try variable.variable(reading: inputs.map { facts[$0] })
            outputs = [TensorFact(try variables.value(of: reference))]
        } else if let folded = try Self.fold(op, inputs.map { facts[$0] }, outputs, Self.foldLimitBytes) {
            outputs = folded
            try count(folded, from: inputs)
        }
        let isComputed = outputs.contains { $0.value == nil && $0.dtype != .resource } && !(op is any PlaceholderOp)
        let fed = (0..<outputs.count).map { values[Endpoint(node: index, output: $0)] }
        var numbers: [Int] = []
        for (number, fact) in outputs.enumerated() {
            // An output that is fed has its value already; the step still needs a place to write it.
            if fed[number] == nil {
                numbers.append(add(Endpoint(node: index, output: number), fact))
            } else {
                facts.append(fact)
                numbers.append(facts.count - 1)
            }
        }
        guard isComputed else { return }
        for number in numbers { facts[number].value = nil }
        steps.append(Plan.Step(op: op, node: node.name, opName: node.op, inputs: inputs, outputs: numbers))
    }

    /// Adds up what is new: a constant that is an input under another shape takes no memory of its own.
    private mutating func count(_ constants: [TensorFact], from inputs: [Int]) throws(CompileError) {
        for case let value? in constants.map(\.value) {
            let isInput = inputs.contains { facts[$0].value?.storage === value.storage }
            if !isInput { constantBytes += value.byteCount }
        }
        guard constantBytes <= Self.constantLimitBytes else {
            throw CompileError(
                .resourceExhausted, "the graph's constants would take more than \(Self.constantLimitBytes) bytes")
        }
    }

    /// Computes a node all of whose inputs are constants.
    ///
    /// - Returns: nil where it has to wait for the run.
    static func fold(
        _ op: any Op, _ inputs: [TensorFact], _ outputs: [TensorFact], _ limitBytes: Int
    ) throws(CompileError) -> [TensorFact]? {
        guard !outputs.isEmpty, !op.isStateful, inputs.allSatisfy({ $0.value != nil }),
            outputs.allSatisfy({ !$0.dtype.isHandle })
        else { return nil }
        do {
            return try op.evaluate(inputs, limitBytes: limitBytes).map { TensorFact($0) }
        } catch let error as CompileError {
            // Too large to keep: the run will compute it, under the run's own limit.
            guard error.kind == .resourceExhausted else { throw error }
            return nil
        } catch { throw CompileError.invalid("\(error)") }
    }
}
