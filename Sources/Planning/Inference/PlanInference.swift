internal import Kernels
internal import Operations
internal import Tensors

/// Infers what is known of the values of a plan: dtypes, shapes, elements, which flags are up, which nodes cannot be computed.
///
/// It walks the nodes in the order in which they run, and asks each op's rule. A loop is walked until an iteration leaves what it found.
/// The same walk serves a plan for any shapes and one whose feeds' shapes are known.
struct PlanInference {
    /// The limits of evaluating nodes whose inputs are all known.
    struct Evaluation {
        /// The maximum number of bytes that one node's outputs may take. Larger outputs are computed in every run.
        let limitBytes: Int
        /// The maximum number of bytes of all constants of a plan together: a small file can ask for many large ones.
        var totalBytes = 4 << 30
    }

    private var plan: Plan
    private var facts: [TensorFact]
    private var flagStates: [Bool?]
    /// nil to leave nodes to the run whose inputs are known.
    private let evaluation: Evaluation?
    /// The plan's weights in the version that it is made for.
    private let weights: WeightEvaluation
    /// Values that cannot be computed, in a branch or a loop that may never run, with the node that failed.
    private var failed: [Plan.Value: Plan.NodeID] = [:]
    private var failures: [Plan.NodeID: OpError] = [:]
    /// Failures at the end of a region: the loop needs a value that is not computed.
    private var regionFailures: [Plan.RegionID: OpError] = [:]
    /// Nodes that need a value that cannot be computed.
    private var blocked: Set<Plan.NodeID> = []
    /// Placeholders that the run comes to, or may come to.
    private var reached: Set<Plan.NodeID> = []
    private var loopDepth = 0
    private var learned: [Plan.NodeID: LoopKnowledge] = [:]
    /// What was evaluated in a loop, which may be walked more than once.
    private var evaluated: [Plan.NodeID: (inputs: [TensorFact], outputs: [TensorFact])] = [:]
    /// The bytes of the constants that a node gives.
    private var constantBytes: [Plan.NodeID: (all: Int, folded: Int)] = [:]
    private var totalConstantBytes = 0

    /// Infers, and writes the result into the plan: facts, the states of flags, failures in the place of nodes that fail.
    ///
    /// - Parameters:
    ///   - plan: The plan.
    ///   - weights: Its weights in the version that it is made for.
    ///   - evaluation: The limits of evaluation; nil for none.
    /// - Returns: The placeholders that the run may come to, in order: they are not fed.
    /// - Throws: ``OpError`` of a node that every run comes to; `resourceExhausted` for any node; an error for a fetch that has no value.
    static func run(
        on plan: inout Plan, _ weights: WeightEvaluation, evaluating evaluation: Evaluation?
    ) throws(OpError) -> [Plan.NodeID] {
        weights.extend(to: plan.weights)
        var inference = PlanInference(plan, weights, evaluation)
        try inference.walk(Plan.outermost)
        // In a branch it would become a part of the plan, but the next run may be able to read it.
        if let failure = weights.readFailure { throw failure }
        try inference.checkFetches()
        inference.write(to: &plan)
        return inference.reached.sorted()
    }

    private init(_ plan: Plan, _ weights: WeightEvaluation, _ evaluation: Evaluation?) {
        self.plan = plan
        self.weights = weights
        self.evaluation = evaluation
        facts = plan.facts
        flagStates = plan.flagStates
    }

    private mutating func walk(_ region: Plan.RegionID) throws(OpError) {
        for id in plan.regions[region].nodes { try visit(id) }
    }

    private mutating func visit(_ id: Plan.NodeID) throws(OpError) {
        switch plan.nodes[id].work {
        case .op(let op): try visit(id, op)
        case .flag(let flag): flagStates[flag] = state(of: plan.flagRules[flag])
        case .merge(let merge): try visit(id, merge)
        case .loop(let loop): try visit(id, loop)
        case .failure(let error):
            if isCertain(id) { throw error }
        }
    }

    /// Whether every run comes to a node.
    private func isCertain(_ id: Plan.NodeID) -> Bool {
        loopDepth == 0 && state(of: plan.nodes[id].guarded) == true
    }

    private func state(of guarded: Guard) -> Bool? {
        switch guarded {
        case .always: true
        case .never: false
        case .flag(let flag): flagStates[flag]
        }
    }

    private func state(of rule: FlagRule) -> Bool? {
        switch rule {
        case .branch(let predicate, let side, let base):
            let baseState = state(of: base)
            // Where the predicate could not be computed, the run does not come here.
            if baseState == false || isFailed(predicate) { return false }
            guard let truth = elements(of: facts[predicate])?.scalars(as: Bool.self)?.first else { return nil }
            return truth == side ? baseState : false
        case .all(let members):
            let states = members.map { flagStates[$0] }
            if states.contains(false) { return false }
            return states.contains(nil) ? nil : true
        case .any(let members):
            let states = members.map { flagStates[$0] }
            if states.contains(true) { return true }
            return states.contains(nil) ? nil : false
        }
    }

    /// The elements of a value, where they are known or a weight's: then the plan holds for versions in which they are the same.
    private func elements(of fact: TensorFact) -> Tensor? {
        if let weight = fact.weight { try? weights.assume(weight) } else { fact.value }
    }

    /// An error is one of the plan's, unless it is in a branch or a loop that may never run: then the run will tell.
    private mutating func fail(_ id: Plan.NodeID, _ error: OpError) throws(OpError) {
        mark(plan.nodes[id].outputs, failedBy: id)
        if isCertain(id) { throw error }
        failures[id] = error
    }

    private func isFailed(_ value: Plan.Value) -> Bool { failed[value] != nil }

    private mutating func clear(_ values: [Plan.Value]) { for value in values { failed[value] = nil } }

    private mutating func mark(_ values: [Plan.Value], failedBy id: Plan.NodeID) {
        for value in values { failed[value] = id }
    }

    /// Notes that a node needs a value that cannot be computed.
    private mutating func block(_ id: Plan.NodeID) {
        blocked.insert(id)
        let failing = plan.nodes[id].inputs.first(where: isFailed)
        mark(plan.nodes[id].outputs, failedBy: failing.flatMap { failed[$0] } ?? id)
    }

    private func checkFetches() throws(OpError) {
        for fetch in plan.fetches {
            if state(of: fetch.guarded) == false { throw .notTaken(fetch.name) }
            guard let cause = failed[fetch.value] else { continue }
            throw failures[cause]
                ?? OpError(.invalidArgument, "\"\(fetch.name)\" depends on a value that is not computed")
        }
    }

    private func write(to plan: inout Plan) {
        plan.facts = facts
        plan.flagStates = flagStates
        plan.weights = weights.weights
        plan.foldedBytes = constantBytes.values.reduce(plan.foldedBytes) { $0 + $1.folded }
        for (id, error) in failures {
            plan.change(id) { node in
                node.work = .failure(error)
                node.inputs = []
            }
        }
        for (region, error) in regionFailures {
            plan.append(
                Plan.Node(
                    work: .failure(error), inputs: [], outputs: [], guarded: .always, region: region, state: nil,
                    origin: plan.nodes[plan.regions[region].loop ?? 0].origin))
        }
        guard !failed.isEmpty else { return }
        for id in plan.nodes.indices where plan.nodes[id].isPresent { repair(id, in: &plan) }
        plan.remove(blocked)
        plan.compact()
    }

    /// Takes uses of failed values out. A variable whose next value is not computed keeps its value, and a merge does not choose what
    /// is not computed: the run ends before.
    private func repair(_ id: Plan.NodeID, in plan: inout Plan) {
        if case .merge(let merge) = plan.nodes[id].work {
            let kept = plan.nodes[id].inputs.indices.filter { !isFailed(plan.nodes[id].inputs[$0]) }
            if kept.count < plan.nodes[id].inputs.count { plan.change(id) { $0.keep(kept, of: merge) } }
        }
        guard let loop = plan.nodes[id].loop else { return }
        let count = loop.variableCount
        for index in 0..<count where isFailed(plan.nodes[id].inputs[count + index]) {
            plan.change(id) { $0.inputs[count + index] = $0.outputs[index] }
        }
    }
}

/// Ops.
extension PlanInference {
    private mutating func visit(_ id: Plan.NodeID, _ op: any Op) throws(OpError) {
        let node = plan.nodes[id]
        failures[id] = nil
        blocked.remove(id)
        if state(of: node.guarded) == false { return }
        guard !node.inputs.contains(where: isFailed) else {
            return block(id)
        }
        if case .feed = op.implementation { reached.insert(id) }
        do throws(OpError) { try infer(id, op) } catch {
            let error = node.origin.locate(error)
            if error.kind == .resourceExhausted { throw error }
            try fail(id, error)
        }
    }

    private mutating func infer(_ id: Plan.NodeID, _ op: any Op) throws(OpError) {
        let node = plan.nodes[id]
        clear(node.outputs)
        // An access to a variable gives what the importer said.
        guard node.state == nil else { return }
        try assumeValues(of: node, op)
        let inputs = node.inputs.map { facts[$0] }
        var outputs = try op.outputs(for: inputs)
        if let evaluation, op.traits.allowsFolding, !op.traits.containsAny(of: [.feed, .forwards, .controlFlow]) {
            outputs = try evaluate(id, op, inputs, outputs, evaluation) ?? outputs
        }
        if op.hasEffect || !outputs.allSatisfy(\.isKnown), !Self.isForward(op) {
            for index in outputs.indices { outputs[index].forgetElements() }
        }
        for (value, fact) in zip(node.outputs, outputs) { facts[value] = fact }
    }

    /// Takes weights for known whose elements the op's rule or kernel asks for.
    private mutating func assumeValues(of node: Plan.Node, _ op: any Op) throws(OpError) {
        for index in op.valueInputs where node.inputs.indices.contains(index) {
            guard let weight = facts[node.inputs[index]].weight else { continue }
            facts[node.inputs[index]].value = try weights.assume(weight)
            facts[node.inputs[index]].weight = nil
        }
    }

    /// Whether outputs are inputs as they are: what is known of them is the inputs'.
    static func isForward(_ op: any Op) -> Bool { op.traits.containsAny(of: [.forwards, .controlFlow]) }

    /// Computes a node all of whose inputs are constants.
    ///
    /// - Returns: nil where it has to wait for the run.
    private mutating func evaluate(
        _ id: Plan.NodeID, _ op: any Op, _ inputs: [TensorFact], _ outputs: [TensorFact], _ evaluation: Evaluation
    ) throws(OpError) -> [TensorFact]? {
        if let known = evaluated[id], known.inputs.count == inputs.count,
            zip(known.inputs, inputs).allSatisfy({ $0.says(sameAs: $1) })
        {
            return known.outputs
        }
        guard op.canBeFolded(inputs, outputs) else { return nil }
        var results: [TensorFact]
        if outputs.allSatisfy(\.isKnown) {
            results = outputs
        } else if inputs.contains(where: { $0.weight != nil }) {
            guard let applied = try weights.apply(op, to: inputs, giving: outputs, limitBytes: evaluation.limitBytes)
            else { return nil }
            results = applied.facts
            try count((applied.ownBytes, 0), of: id, evaluation)
        } else {
            guard let folded = try op.folded(inputs, evaluation.limitBytes) else { return nil }
            results = folded
            try count(results, from: inputs, of: id, evaluation)
        }
        if loopDepth > 0 { evaluated[id] = (inputs, results) }
        return results
    }

    /// Adds up what is new: a constant that is an input under another shape takes no memory of its own.
    private mutating func count(
        _ constants: [TensorFact], from inputs: [TensorFact], of id: Plan.NodeID, _ evaluation: Evaluation
    ) throws(OpError) {
        var bytes = (all: 0, folded: 0)
        for case let value? in constants.map(\.value)
        where !inputs.contains(where: { $0.value?.storage === value.storage }) {
            bytes.all += value.byteCount
            // What a node without inputs gives is the graph's.
            if !inputs.isEmpty { bytes.folded += value.byteCount }
        }
        try count(bytes, of: id, evaluation)
    }

    private mutating func count(
        _ bytes: (all: Int, folded: Int), of id: Plan.NodeID, _ evaluation: Evaluation
    ) throws(OpError) {
        totalConstantBytes += bytes.all - (constantBytes[id]?.all ?? 0)
        constantBytes[id] = bytes
        guard totalConstantBytes <= evaluation.totalBytes else {
            throw OpError(
                .resourceExhausted, "the graph's constants would take more than \(evaluation.totalBytes) bytes")
        }
    }
}

extension Op {
    /// Whether the op can be computed when the plan is made: its inputs are the same in all runs.
    fileprivate func canBeFolded(_ inputs: [TensorFact], _ outputs: [TensorFact]) -> Bool {
        !outputs.isEmpty && traits.allowsFolding && inputs.allSatisfy(\.hasElements)
            && outputs.allSatisfy { $0.hasElements || !$0.isKnown && !$0.dtype.isHandle }
    }

    /// Computes the op, all of whose inputs are constants.
    ///
    /// - Returns: nil where it has to wait for the run.
    fileprivate func folded(_ inputs: [TensorFact], _ limitBytes: Int) throws(OpError) -> [TensorFact]? {
        do throws(OpError) {
            return try results(ofConstants: inputs.compactMap(\.value), limitBytes: limitBytes).map { TensorFact($0) }
        } catch {
            // Too large to keep: the run will compute it, under the run's own limit.
            guard error.kind == .resourceExhausted else { throw error }
            return nil
        }
    }
}

/// Merges and loops.
extension PlanInference {
    /// The inputs of a merge that may have a value, by their places.
    private func alive(_ id: Plan.NodeID, _ merge: Plan.Merge) -> [Int] {
        plan.nodes[id].inputs.indices.filter { index in
            state(of: merge.guards[index]) != false && !isFailed(plan.nodes[id].inputs[index])
        }
    }

    private mutating func visit(_ id: Plan.NodeID, _ merge: Plan.Merge) throws(OpError) {
        let node = plan.nodes[id]
        failures[id] = nil
        blocked.remove(id)
        let alive = alive(id, merge)
        guard let first = alive.first else {
            block(id)
            if let error = merge.error, state(of: node.guarded) != false { try fail(id, error) }
            return
        }
        clear(node.outputs)
        let isDecided = alive.count == 1 && (merge.error == nil || state(of: merge.guards[first]) == true)
        var fact = facts[node.inputs[first]]
        do throws(OpError) {
            for index in alive.dropFirst() { fact = try fact.joined(with: facts[node.inputs[index]]) }
        } catch { return try fail(id, node.origin.locate(error)) }
        if !isDecided { fact.forgetElements() }
        facts[node.outputs[0]] = fact
        facts[node.outputs[1]].value = isDecided ? try .scalar(Int32(merge.places[first])) : nil
    }

    /// What caused it has its own failure before this one, unless it is in a branch that is not taken.
    private static var notComputed: OpError { .invalid("a loop needs a value that is not computed") }

    private mutating func visit(_ id: Plan.NodeID, _ loop: Plan.Loop) throws(OpError) {
        let node = plan.nodes[id]
        let count = loop.variableCount
        if state(of: node.guarded) == false { return }
        blocked.remove(id)
        guard !node.inputs[..<count].contains(where: isFailed) else {
            block(id)
            return failAll(in: loop, because: id)
        }
        clear(node.outputs)
        var known = node.inputs[..<count].map { facts[$0] }
        // A handle is the same in all iterations, or it is made anew; elements differ.
        for index in known.indices { known[index].forgetElements() }
        loopDepth += 1
        defer { loopDepth -= 1 }
        var knowledge = learned[id] ?? LoopKnowledge()
        try knowledge.begin(with: &known)
        while true {
            try walk(loop, of: id, known)
            let next = node.inputs[count..<2 * count].map { isFailed($0) ? nil : facts[$0] }
            let isStable = try knowledge.correct(&known, by: next)
            learned[id] = knowledge
            if isStable { break }
        }
        try walk(loop.tail)
    }

    private mutating func walk(_ loop: Plan.Loop, of id: Plan.NodeID, _ known: [TensorFact]) throws(OpError) {
        let node = plan.nodes[id]
        let count = loop.variableCount
        for (value, fact) in zip(node.outputs, known) { facts[value] = fact }
        try walk(loop.head)
        regionFailures[loop.head] = loop.hasTest ? testFailure(node.inputs[2 * count], node.origin) : nil
        try walk(loop.body)
        let lacksNext = node.inputs[count..<2 * count].contains(where: isFailed)
        regionFailures[loop.body] = lacksNext ? Self.notComputed : nil
    }

    private func testFailure(_ test: Plan.Value, _ origin: Plan.Origin) -> OpError? {
        if isFailed(test) { return Self.notComputed }
        let fact = facts[test]
        guard fact.dtype != .bool || !fact.shape.admits(.scalar) else { return nil }
        return OpError(
            .invalidArgument, "a loop's condition is \(fact.dtype) \(fact.shape)", node: origin.node, op: "LoopCond")
    }

    /// What a loop that cannot be entered computes.
    private mutating func failAll(in loop: Plan.Loop, because cause: Plan.NodeID) {
        for region in loop.regions {
            for id in plan.regions[region].nodes {
                mark(plan.nodes[id].outputs, failedBy: cause)
                if let inner = plan.nodes[id].loop { failAll(in: inner, because: cause) }
            }
        }
    }
}
