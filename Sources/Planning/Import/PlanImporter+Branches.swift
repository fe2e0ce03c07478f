internal import Graphs
internal import Kernels
internal import Operations
internal import Tensors

/// Branches: `Switch` and `Merge` as `tf.cond` builds them, and whatever else is built of them.
extension PlanImporter {
    /// Output 0 exists where the predicate is false, output 1 where it is true.
    mutating func addSwitch(_ index: Int, _ op: any Op, _ inputs: [Plan.Value], _ guarded: Guard) {
        let outputs = forward(op, index, inputs, [inputs[0], inputs[0]], guarded)
        for side in [false, true] {
            // A loop's structure says when what is computed.
            let sideGuard =
                isLoopCondition(graph.nodes[index])
                ? guarded : flags.branch(predicate: inputs[1], side: side, base: guarded)
            placeNewFlags()
            define(index, side ? 1 : 0, outputs[side ? 1 : 0], sideGuard)
        }
    }

    private func isLoopCondition(_ node: Node) -> Bool {
        if case .endpoint(let predicate)? = node.inputs.last {
            graph.nodes[predicate.node].op == "LoopCond"
        } else {
            false
        }
    }

    /// Takes the input that exists.
    mutating func addMerge(_ index: Int) throws(OpError) {
        let node = graph.nodes[index]
        var alive: [(place: Int, value: Plan.Value, guarded: Guard)] = []
        var cause: OpError?
        for (place, input) in node.inputs.enumerated() {
            let endpoint = try input.existing(for: node)
            if let known = values[endpoint] {
                if known.guarded != .never { alive.append((place, known.value, known.guarded)) }
            } else if let failure = failures[endpoint.node] {
                // If the run comes there, it has ended before it comes here.
                cause = failure
            }
        }
        let guarded = flags.any(alive.map(\.guarded))
        placeNewFlags()
        guard let first = alive.first else {
            if let cause { failures[index] = cause } else { deadNodes.insert(index) }
            return
        }
        note(guarded, ofNode: index)
        guard alive.contains(where: { $0.value != first.value }) else {
            define(index, 0, first.value, guarded)
            define(index, 1, plan.addValue(TensorFact(try .scalar(Int32(first.place)))), guarded)
            return
        }
        try addMerge(
            index,
            try alive.map { (input) throws(OpError) in
                (input.place, try read([input.value], index, input.guarded)[0], input.guarded)
            }, guarded)
    }

    private mutating func addMerge(
        _ index: Int, _ inputs: [(place: Int, value: Plan.Value, guarded: Guard)], _ guarded: Guard
    ) throws(OpError) {
        var fact = plan.facts[inputs[0].value]
        for input in inputs.dropFirst() {
            do throws(OpError) { fact = try fact.joined(with: plan.facts[input.value]) } catch {
                throw error.at(node: graph.nodes[index].name, op: graph.nodes[index].op)
            }
        }
        fact.forgetElements()
        let outputs = addMerge(inputs, fact, index, guarded, error: nil)
        define(index, 0, outputs[0], guarded)
        define(index, 1, outputs[1], guarded)
    }

    /// - Returns: The value, and the number of the input that it is.
    mutating func addMerge(
        _ inputs: [(place: Int, value: Plan.Value, guarded: Guard)], _ fact: TensorFact, _ index: Int, _ guarded: Guard,
        error: OpError?
    ) -> [Plan.Value] {
        let merge = Plan.Merge(guards: inputs.map(\.guarded), places: inputs.map(\.place), error: error)
        return addNode(
            .merge(merge), index, inputs.map(\.value), [fact, TensorFact(.int32, .scalar)], guarded)
    }
}
