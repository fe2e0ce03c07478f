internal import Graphs
internal import Kernels
internal import Operations
internal import Tensors

/// Loops.
extension PlanImporter {
    /// Adds a loop. Of its variables only dtypes are taken for known, and handles that are the same in all iterations:
    /// ``PlanInference`` finds out the rest.
    mutating func add(_ loop: GraphLoop) throws(OpError) {
        guard let guarded = try enter(loop) else { return }
        var known = changing(in: loop).compactMap { variable in
            values[Endpoint(node: variable.enter, output: 0)].map { weakened(plan.facts[$0.value]) }
        }
        let before = known.contains { $0.variable != nil || $0.table != nil } ? self : nil
        let next = try build(loop, known, guarded)
        guard let before else { return }
        var isStable = true
        for (index, next) in next.enumerated() {
            guard let next else { continue }
            if known[index].variable != next.variable { (known[index].variable, isStable) = (nil, false) }
            if known[index].table != next.table { (known[index].table, isStable) = (nil, false) }
        }
        if isStable { return }
        // A handle that an iteration replaces is not known.
        self = before
        _ = try build(loop, known, guarded)
    }

    private func weakened(_ fact: TensorFact) -> TensorFact {
        var weak = TensorFact(fact.dtype, .unknown)
        weak.variable = fact.variable
        weak.table = fact.table
        return weak
    }

    /// Defines the loop's `Enter`s.
    ///
    /// - Returns: When the loop runs; nil where it never does.
    private mutating func enter(_ loop: GraphLoop) throws(OpError) -> Guard? {
        var parts: [Guard] = []
        for index in loop.enters {
            let node = graph.nodes[index]
            guard case .endpoint(let endpoint)? = node.inputs.first, let known = values[endpoint] else {
                fail(loop, because: index)
                return nil
            }
            parts.append(known.guarded)
            // In a loop, an output exists whenever the iteration does.
            let value = forward(try makeOp(index), index, [known.value], [known.value], known.guarded)
            define(index, 0, value[0], .always)
        }
        let guarded = allAlive(parts)
        guard guarded == .never else { return guarded }
        deadNodes.formUnion(loop.exits)
        return nil
    }

    /// What comes out of the loop never exists, or cannot be computed, as what goes in.
    private mutating func fail(_ loop: GraphLoop, because index: Int) {
        guard case .endpoint(let endpoint)? = graph.nodes[index].inputs.first, let failure = failures[endpoint.node]
        else {
            deadNodes.formUnion(loop.exits)
            return
        }
        for exit in loop.exits { failures[exit] = failure }
    }

    /// The variables that an iteration may change. One that no iteration changes is its first value.
    private func changing(in loop: GraphLoop) -> [GraphLoop.Variable] {
        loop.variables.filter { variable in
            guard let initial = values[Endpoint(node: variable.enter, output: 0)] else { return false }
            return !isReference(plan.facts[initial.value]) && !isInvariant(variable)
        }
    }

    /// Whether it is a variable of the session, by reference: that is the same in all iterations, whatever it holds.
    private func isReference(_ fact: TensorFact) -> Bool {
        fact.variable != nil && !fact.hasElements && !fact.dtype.isHandle
    }

    /// How many nodes that forward their input are followed.
    private static let maxForwards = 256

    /// Whether the next value is the current one.
    private func isInvariant(_ variable: GraphLoop.Variable) -> Bool {
        var index = variable.next
        var place = 0
        for _ in 0..<Self.maxForwards {
            let inputs = graph.nodes[index].inputs
            guard inputs.indices.contains(place), case .endpoint(let endpoint) = inputs[place],
                !feeds.contains(endpoint)
            else { return false }
            if endpoint.node == variable.merge { return endpoint.output == 0 }
            let node = graph.nodes[endpoint.node]
            let isForward = node.op == "Identity" || node.isSwitch
            guard isForward || node.op == "IdentityN" else { return false }
            index = endpoint.node
            place = node.op == "IdentityN" ? endpoint.output : 0
        }
        return false
    }

    /// Builds the loop, with what is known of the current values.
    ///
    /// - Returns: What is known of the next values; nil for one that cannot be computed.
    private mutating func build(
        _ loop: GraphLoop, _ known: [TensorFact], _ guarded: Guard
    ) throws(OpError) -> [TensorFact?] {
        let outer = region
        let firstFlag = flags.rules.count
        loopDepth += 1
        defer {
            loopDepth -= 1
            region = outer
        }
        let changing = changing(in: loop)
        for variable in loop.variables {
            if let initial = values[Endpoint(node: variable.enter, output: 0)] {
                define(variable.merge, 0, initial.value, .always)
            } else {
                failures[variable.merge] =
                    failures[variable.enter] ?? OpError(.malformed, "a loop's variable has no value")
            }
        }
        let currents = known.map { plan.addValue($0) }
        for (variable, current) in zip(changing, currents) { define(variable.merge, 0, current, .always) }
        let head = plan.addRegion()
        region = head
        try add(loop.head)
        let test = testValue(of: loop)
        if let test { define(loop.condition, 0, test, .always) }
        try add(loop.switches.map { .node($0) })
        // Flags of a body are those of its iteration: what comes after the loop works out its own.
        let firstBodyFlag = flags.rules.count
        let body = plan.addRegion()
        region = body
        try add(loop.body)
        let nextValues = changing.map { required(graph.nodes[$0.next].inputs.first, of: $0.next) }
        flags.forget(from: firstBodyFlag)
        let tail = plan.addRegion()
        region = tail
        try add(loop.tail)
        flags.forget(from: firstFlag)
        region = outer
        let initials = changing.compactMap { values[Endpoint(node: $0.enter, output: 0)]?.value }
        let nexts = zip(currents, nextValues).map { current, next in next ?? current }
        let work = Plan.Loop(variableCount: currents.count, hasTest: test != nil, head: head, body: body, tail: tail)
        plan.append(
            node(
                .loop(work), inputs: initials + nexts + (test.map { [$0] } ?? []), outputs: currents, guarded,
                loop.condition))
        try leave(loop, guarded)
        return nextValues.map { value in value.map { plan.facts[$0] } }
    }

    /// A value that every iteration must have; nil, and a failure, where it cannot have it.
    private mutating func required(_ input: NodeInput?, of index: Int) -> Plan.Value? {
        guard case .endpoint(let endpoint)? = input, let known = values[endpoint], known.guarded != .never else {
            addFailure(cause(of: index) ?? missing(index), index, .always)
            return nil
        }
        guard known.guarded != .always else { return known.value }
        var fact = plan.facts[known.value]
        fact.forgetElements()
        return addMerge([(0, known.value, known.guarded)], fact, index, .always, error: missing(index))[0]
    }

    private func missing(_ index: Int) -> OpError {
        OpError(
            .invalidArgument, "a loop has no value for it: it is in a branch that is not taken",
            node: graph.nodes[index].name, op: graph.nodes[index].op)
    }

    private mutating func testValue(of loop: GraphLoop) -> Plan.Value? {
        let value = required(graph.nodes[loop.condition].inputs.first, of: loop.condition)
        if value == nil { failures[loop.condition] = cause(of: loop.condition) ?? missing(loop.condition) }
        return value
    }

    /// Defines the loop's `Exit`s.
    private mutating func leave(_ loop: GraphLoop, _ guarded: Guard) throws(OpError) {
        for index in loop.exits {
            let node = graph.nodes[index]
            guard case .endpoint(let endpoint)? = node.inputs.first, let known = values[endpoint] else {
                failures[index] =
                    cause(of: index)
                    ?? OpError(.malformed, "leaves a loop with a value that it does not have")
                continue
            }
            let exitGuard = allAlive([known.guarded, guarded])
            let op = try makeOp(index)
            define(index, 0, forward(op, index, [known.value], [known.value], exitGuard)[0], exitGuard)
            note(exitGuard, ofNode: index)
        }
    }
}
