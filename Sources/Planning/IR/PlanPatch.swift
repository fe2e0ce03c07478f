package import Operations
internal import Tensors

/// Changes to a plan that belong together: a rewrite makes one, the driver verifies and applies it.
package struct PlanPatch: Sendable {
    enum Change: Sendable {
        case insert(Plan.Node, before: Plan.NodeID)
        case replace(Plan.Value, with: Plan.Value)
        case remove(Plan.NodeID)
        case setOp(Plan.NodeID, any Op)
        case setComputation(Plan.NodeID, any Op, [Plan.Value], Plan.Origin)
        case setGuard(Plan.NodeID, Guard)
        case keepChoices(Plan.NodeID, [Int])
        case keepVariables(Plan.NodeID, [Int])
        case setMerged(Plan.NodeID, [String])
    }

    private(set) var changes: [Change] = []
    /// What is known of new values, in order.
    private(set) var newFacts: [TensorFact] = []
    /// What is derived from the plan's weights, in order.
    private(set) var newWeights: [WeightExpression] = []
    /// Values of which the version's weights must make true: the patch is applied only then.
    private(set) var conditions: [TensorFact] = []
    private let firstValue: Plan.Value
    /// How many weights the plan had.
    fileprivate let firstWeight: Int

    /// - Parameter plan: The plan to be changed.
    package init(of plan: borrowing Plan) {
        firstValue = plan.facts.count
        firstWeight = plan.weights.expressions.count
    }

    /// Adds a constant.
    package mutating func addConstant(_ fact: TensorFact) -> Plan.Value {
        newFacts.append(fact)
        return firstValue + newFacts.count - 1
    }

    /// Adds a node before another one, in its region and under its guard, and infers its outputs.
    ///
    /// - Parameters:
    ///   - op: The op.
    ///   - inputs: The values that it takes.
    ///   - other: The node that it comes before.
    ///   - plan: The plan to be changed.
    ///   - origin: Where it comes from; nil for where the other node does.
    /// - Returns: The outputs.
    /// - Throws: What the op's rule throws.
    package mutating func add(
        _ op: any Op, _ inputs: [Plan.Value], before other: Plan.NodeID, in plan: borrowing Plan,
        origin: Plan.Origin? = nil
    ) throws(OpError) -> [Plan.Value] {
        var outputs: [Plan.Value] = []
        for fact in try op.outputs(for: facts(of: inputs, in: plan)) { outputs.append(addConstant(fact)) }
        let anchor = plan.nodes[other]
        changes.append(
            .insert(
                Plan.Node(
                    work: .op(op), inputs: inputs, outputs: outputs, guarded: anchor.guarded, region: anchor.region,
                    state: nil, origin: origin ?? anchor.origin), before: other))
        return outputs
    }

    /// Adds what an op makes of weights and constants. It is computed once for each version, before runs: as a weight where one of the
    /// inputs is or where it is large, else as a constant.
    ///
    /// - Parameters:
    ///   - op: A pure function of its inputs, with one output.
    ///   - inputs: Values that have elements.
    ///   - plan: The plan to be changed.
    /// - Returns: The value; nil where an input has no elements, or the output's shape is not known.
    /// - Throws: What the op's rule throws, and what it throws for constants.
    package mutating func addWeight(
        _ op: any Op, _ inputs: [Plan.Value], in plan: borrowing Plan
    ) throws(OpError) -> Plan.Value? {
        let facts = facts(of: inputs, in: plan)
        guard facts.allSatisfy(\.hasElements), var fact = try op.outputs(for: facts).first,
            let shape = fact.shape.known, let bytes = shape.byteCount(of: fact.dtype)
        else { return nil }
        let operands = facts.compactMap { input -> WeightExpression.Operand? in
            if let weight = input.weight { .weight(weight) } else { input.value.map { .constant($0) } }
        }
        if facts.contains(where: { $0.weight != nil }) || bytes > Self.maxConstantBytes {
            fact.weight = WeightID(expression: firstWeight + newWeights.count, output: 0)
            newWeights.append(
                WeightExpression(
                    source: .op(op, operands), outputs: [WeightExpression.Output(dtype: fact.dtype, shape: shape)],
                    assumesShapes: false, ownBytes: bytes))
        } else {
            fact.value = try op.results(ofConstants: facts.compactMap(\.value), limitBytes: .max).first
        }
        return addConstant(fact)
    }

    /// Lets the patch be applied only if the version's weights fulfil a condition. The plan then holds for those versions that fulfil it,
    /// or else for those that do not.
    ///
    /// - Parameters:
    ///   - op: Gives the condition, a bool. A pure function of its inputs.
    ///   - inputs: Values that have elements.
    ///   - plan: The plan to be changed.
    /// - Returns: Whether the condition can be told: whether all inputs have elements.
    /// - Throws: As ``addWeight(_:_:in:)``.
    package mutating func require(
        _ op: any Op, _ inputs: [Plan.Value], in plan: borrowing Plan
    ) throws(OpError) -> Bool {
        guard let value = try addWeight(op, inputs, in: plan) else { return false }
        conditions.append(newFacts[value - firstValue])
        return true
    }

    /// More bytes are kept once for all plans.
    private static var maxConstantBytes: Int { 1 << 16 }

    /// What is known of the shape of a value, which may be new.
    func shape(of value: Plan.Value, in plan: borrowing Plan) -> PartialShape {
        value < firstValue ? plan.facts[value].shape : newFacts[value - firstValue].shape
    }

    private func facts(of values: [Plan.Value], in plan: borrowing Plan) -> [TensorFact] {
        var facts: [TensorFact] = []
        for value in values { facts.append(value < firstValue ? plan.facts[value] : newFacts[value - firstValue]) }
        return facts
    }

    /// Lets all who use a value use another one, which is the same or says more.
    package mutating func replace(_ old: Plan.Value, with new: Plan.Value) { changes.append(.replace(old, with: new)) }

    /// Removes a node. Its outputs are not used any more, or are constants.
    package mutating func remove(_ node: Plan.NodeID) { changes.append(.remove(node)) }

    /// Sets another op of a node, with the same inputs and outputs.
    package mutating func setOp(_ op: any Op, of node: Plan.NodeID) { changes.append(.setOp(node, op)) }

    /// Lets a node compute its outputs in another way: it takes the place of others, which the patch removes.
    ///
    /// - Parameters:
    ///   - op: The op.
    ///   - inputs: The values that it takes: computed before the node.
    ///   - node: The node.
    ///   - name: The op's name, for people.
    ///   - others: The nodes that are removed.
    ///   - plan: The plan to be changed.
    package mutating func setComputation(
        _ op: any Op, _ inputs: [Plan.Value], of node: Plan.NodeID, named name: String, insteadOf others: [Plan.NodeID],
        in plan: borrowing Plan
    ) {
        var origin = Plan.Origin(
            node: plan.nodes[node].origin.node, op: name, merged: plan.nodes[node].origin.merged)
        for other in others { origin.merged += [plan.nodes[other].origin.node] + plan.nodes[other].origin.merged }
        changes.append(.setComputation(node, op, inputs, origin))
        for other in others { remove(other) }
    }

    /// Says when a node runs, where more is known of that.
    package mutating func setGuard(_ guarded: Guard, of node: Plan.NodeID) { changes.append(.setGuard(node, guarded)) }

    /// Leaves a merge some of its choices.
    mutating func keep(choices: [Int], of merge: Plan.NodeID) { changes.append(.keepChoices(merge, choices)) }

    /// Leaves a loop some of its variables. The others are not used any more.
    mutating func keep(variables: [Int], of loop: Plan.NodeID) { changes.append(.keepVariables(loop, variables)) }

    /// Notes the names of the graph's nodes that a node stands for besides its own.
    mutating func setMerged(_ names: [String], of node: Plan.NodeID) { changes.append(.setMerged(node, names)) }
}

extension Plan {
    /// Adds what a patch derives from weights, unless it was added before.
    mutating func addWeights(of patch: PlanPatch) {
        if weights.expressions.count == patch.firstWeight { weights.expressions += patch.newWeights }
    }

    /// Applies a patch.
    mutating func apply(_ patch: PlanPatch) {
        addWeights(of: patch)
        for fact in patch.newFacts { _ = addValue(fact) }
        var removed: [NodeID] = []
        for change in patch.changes {
            switch change {
            case .insert(let node, let other): insert(node, before: other)
            case .replace(let old, let new): replace(old, with: new)
            case .remove(let id): removed.append(id)
            case .setOp(let id, let op): self.change(id) { $0.work = .op(op) }
            case .setComputation(let id, let op, let inputs, let origin):
                self.change(id) { node in
                    node.work = .op(op)
                    node.inputs = inputs
                    node.origin = origin
                }
            case .setGuard(let id, let guarded): self.change(id) { $0.guarded = guarded }
            case .keepChoices(let id, let choices):
                if case .merge(let merge) = nodes[id].work { self.change(id) { $0.keep(choices, of: merge) } }
            case .keepVariables(let id, let variables): self.change(id) { $0.keep(variables: variables) }
            case .setMerged(let id, let names): self.change(id) { $0.origin.merged = names }
            }
        }
        if !removed.isEmpty { remove(removed) }
    }
}

extension Plan.Node {
    /// Leaves a loop fewer variables.
    fileprivate mutating func keep(variables: [Int]) {
        guard var loop else { return }
        let count = loop.variableCount
        let test = Array(inputs[(2 * count)...])
        inputs = variables.map { inputs[$0] } + variables.map { inputs[count + $0] } + test
        outputs = variables.map { outputs[$0] }
        loop.variableCount = variables.count
        work = .loop(loop)
    }
}
