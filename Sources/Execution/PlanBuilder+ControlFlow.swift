internal import Graphs
internal import Kernels
internal import Operations
internal import Tensors

/// Branches: `Switch` and `Merge` as `tf.cond` builds them, and whatever else is built of them.
extension PlanBuilder {
    /// Output 0 is alive where the predicate is false, output 1 where it is true.
    mutating func addSwitch(_ index: Int, _ inputs: [Int], _ liveness: Liveness) {
        for side in [false, true] {
            let sideLiveness: Liveness
            if isLoopCondition(graph.nodes[index]) {
                // The loop's structure says when what is computed.
                sideLiveness = liveness
            } else if let truth = facts[inputs[1]].value?.scalars(as: Bool.self)?.first {
                sideLiveness = truth == side ? liveness : .never
            } else {
                sideLiveness = flags.branch(predicate: inputs[1], side: side, base: liveness)
            }
            placeNewFlags()
            define(index, side ? 1 : 0, inputs[0], sideLiveness)
        }
    }

    private func isLoopCondition(_ node: Node) -> Bool {
        if case .endpoint(let predicate)? = node.inputs.last {
            graph.nodes[predicate.node].op == "LoopCond"
        } else {
            false
        }
    }

    /// Takes the input that is alive.
    mutating func addMerge(_ index: Int) throws(OpError) {
        let node = graph.nodes[index]
        var alive: [(place: Int, value: Int, liveness: Liveness)] = []
        var cause: OpError?
        for (place, input) in node.inputs.enumerated() {
            let endpoint = try input.existing(for: node)
            if let known = values[endpoint] {
                if known.liveness != .never { alive.append((place, known.value, known.liveness)) }
            } else if let failure = failures[endpoint.node] {
                // If the run comes there, it has ended before it comes here.
                cause = failure
            }
        }
        let liveness = flags.any(alive.map(\.liveness))
        placeNewFlags()
        guard let first = alive.first else {
            if let cause { failures[index] = cause } else { deadNodes.insert(index) }
            return
        }
        note(liveness, ofNode: index)
        guard alive.contains(where: { $0.value != first.value }) else {
            define(index, 0, first.value, liveness)
            define(index, 1, newValue(TensorFact(try .scalar(Int32(first.place)))), liveness)
            return
        }
        try addMerge(
            index,
            try alive.map { (input) throws(OpError) in
                (try read([input.value], index, input.liveness)[0], input.liveness)
            }, liveness)
    }

    private mutating func addMerge(
        _ index: Int, _ inputs: [(value: Int, liveness: Liveness)], _ liveness: Liveness
    ) throws(OpError) {
        var fact = facts[inputs[0].value]
        for input in inputs.dropFirst() {
            do throws(OpError) { fact = try fact.joined(with: facts[input.value]) } catch {
                throw error.at(node: graph.nodes[index].name, op: graph.nodes[index].op)
            }
        }
        fact.value = nil
        let merge = Plan.Merge(
            inputs: inputs, output: newValue(fact), index: newValue(TensorFact(.int32, .scalar)), liveness: liveness)
        items.append(.merge(merge))
        define(index, 0, merge.output, liveness)
        define(index, 1, merge.index, liveness)
    }
}

/// Loops.
extension PlanBuilder {
    /// Adds a loop. What is known of its variables is what is true in all iterations: the loop is built with what is known of
    /// their first values, then again, until an iteration leaves what it found.
    mutating func add(_ loop: GraphLoop) throws(OpError) {
        guard let liveness = try enter(loop) else { return }
        var known = initialValues(of: loop).map { initial in
            var fact = facts[initial]
            // A handle is the same in all iterations, or it is made anew; elements differ.
            fact.value = nil
            return fact
        }
        var knowledge = learned[loop.condition] ?? LoopKnowledge()
        try knowledge.begin(with: &known)
        let before = self
        while true {
            let next = try build(loop, known, liveness)
            let isStable = try knowledge.correct(&known, by: next)
            learned[loop.condition] = knowledge
            if isStable { return }
            let learned = learned
            self = before
            self.learned = learned
        }
    }

    /// Defines the loop's `Enter`s.
    ///
    /// - Returns: When the loop runs; nil where it never does.
    private mutating func enter(_ loop: GraphLoop) throws(OpError) -> Liveness? {
        var parts: [Liveness] = []
        for index in loop.enters {
            let node = graph.nodes[index]
            guard case .endpoint(let endpoint)? = node.inputs.first, let known = values[endpoint] else {
                fail(loop, because: index)
                return nil
            }
            parts.append(known.liveness)
            define(index, 0, known.value, .always)
        }
        let liveness = allAlive(parts)
        guard liveness == .never else { return liveness }
        deadNodes.formUnion(loop.exits)
        return nil
    }

    /// What comes out of the loop is dead, or cannot be computed, as what goes in.
    private mutating func fail(_ loop: GraphLoop, because index: Int) {
        guard case .endpoint(let endpoint)? = graph.nodes[index].inputs.first, let failure = failures[endpoint.node]
        else {
            deadNodes.formUnion(loop.exits)
            return
        }
        for exit in loop.exits { failures[exit] = failure }
    }

    /// The value that each variable begins with. A variable that no iteration changes is its first value.
    private func initialValues(of loop: GraphLoop) -> [Int] {
        changing(in: loop).compactMap { values[Endpoint(node: $0.enter, output: 0)]?.value }
    }

    private func changing(in loop: GraphLoop) -> [GraphLoop.Variable] {
        loop.variables.filter { variable in
            guard let initial = values[Endpoint(node: variable.enter, output: 0)] else { return false }
            return !isReference(facts[initial.value]) && !isInvariant(variable)
        }
    }

    /// Whether it is a variable of the session, by reference: that is the same in all iterations, whatever it holds.
    private func isReference(_ fact: TensorFact) -> Bool {
        fact.variable != nil && fact.value == nil && !fact.dtype.isHandle
    }

    /// How many nodes that hand on their input are followed.
    private static let mostForwards = 256

    /// Whether the next value is the current one.
    private func isInvariant(_ variable: GraphLoop.Variable) -> Bool {
        var index = variable.next
        var place = 0
        for _ in 0..<Self.mostForwards {
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
        _ loop: GraphLoop, _ known: [TensorFact], _ liveness: Liveness
    ) throws(OpError) -> [TensorFact?] {
        let outer = items
        let firstFlag = flags.rules.count
        loopDepth += 1
        defer { loopDepth -= 1 }
        let changing = changing(in: loop)
        for variable in loop.variables {
            if let initial = values[Endpoint(node: variable.enter, output: 0)] {
                define(variable.merge, 0, initial.value, .always)
            } else {
                failures[variable.merge] =
                    failures[variable.enter] ?? OpError(.malformed, "a loop's variable has no value")
            }
        }
        for (variable, fact) in zip(changing, known) { define(variable.merge, 0, newValue(fact), .always) }
        items = []
        try add(loop.head)
        let test = testValue(of: loop)
        let head = items
        if let test { define(loop.condition, 0, test, .always) }
        try add(loop.switches.map { .node($0) })
        // Flags of a body are those of its iteration: what comes after the loop works out its own.
        let firstBodyFlag = flags.rules.count
        items = []
        try add(loop.body)
        let nextValues = changing.map { nextValue(of: $0) }
        let body = items
        flags.forget(from: firstBodyFlag)
        let variables = zip(changing, nextValues).map { variable, next in
            let current = values[Endpoint(node: variable.merge, output: 0)]?.value ?? 0
            return Plan.Loop.Variable(
                initial: values[Endpoint(node: variable.enter, output: 0)]?.value ?? 0, current: current,
                next: next ?? current)
        }
        items = []
        try add(loop.tail)
        let tail = items
        flags.forget(from: firstFlag)
        items = outer
        items.append(
            .loop(
                Plan.Loop(
                    variables: variables, head: head, test: test, body: body, tail: tail, liveness: liveness)))
        try leave(loop, liveness)
        return nextValues.map { value in value.map { facts[$0] } }
    }

    /// A value that every iteration must have; nil, and a failure, where it cannot have it.
    private mutating func required(_ input: NodeInput?, of index: Int) -> Int? {
        guard case .endpoint(let endpoint)? = input, let known = values[endpoint], known.liveness != .never else {
            items.append(.failure(cause(of: index) ?? missing(index), .always))
            return nil
        }
        guard known.liveness != .always else { return known.value }
        var fact = facts[known.value]
        fact.value = nil
        let merge = Plan.Merge(
            inputs: [known], output: newValue(fact), index: newValue(TensorFact(.int32, .scalar)), liveness: .always,
            error: missing(index))
        items.append(.merge(merge))
        return merge.output
    }

    private func missing(_ index: Int) -> OpError {
        OpError(
            .invalidArgument, "a loop has no value for it: it is in a branch that is not taken",
            node: graph.nodes[index].name, op: graph.nodes[index].op)
    }

    private mutating func testValue(of loop: GraphLoop) -> Int? {
        let value = required(graph.nodes[loop.condition].inputs.first, of: loop.condition)
        if let value, facts[value].dtype != .bool || !facts[value].shape.admits(.scalar) {
            items.append(
                .failure(
                    OpError(
                        .invalidArgument, "a loop's condition is \(facts[value].dtype) \(facts[value].shape)",
                        node: graph.nodes[loop.condition].name, op: "LoopCond"), .always))
            return nil
        }
        if value == nil { failures[loop.condition] = cause(of: loop.condition) ?? missing(loop.condition) }
        return value
    }

    private mutating func nextValue(of variable: GraphLoop.Variable) -> Int? {
        required(graph.nodes[variable.next].inputs.first, of: variable.next)
    }

    /// Defines the loop's `Exit`s.
    private mutating func leave(_ loop: GraphLoop, _ liveness: Liveness) throws(OpError) {
        for index in loop.exits {
            guard case .endpoint(let endpoint)? = graph.nodes[index].inputs.first, let known = values[endpoint] else {
                failures[index] =
                    cause(of: index)
                    ?? OpError(.malformed, "leaves a loop with a value that it does not have")
                continue
            }
            let exitLiveness = allAlive([known.liveness, liveness])
            define(index, 0, known.value, exitLiveness)
            note(exitLiveness, ofNode: index)
        }
    }
}
