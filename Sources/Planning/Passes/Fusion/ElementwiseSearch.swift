internal import Kernels
internal import Operations
internal import Tensors

/// Looks for groups of elementwise nodes in a region: all but the last are needed by others of the group alone, and have as many elements.
struct ElementwiseSearch {
    /// What a node can be in a group.
    private enum Part {
        case formula(ElementwiseFormula)
        /// The same elements under another shape.
        case reshape
        /// An op on rows, at the end.
        case tail(FusedTail)
    }

    /// The maximum number of nodes of a group.
    private static let maxNodes = 64

    /// Where each node comes in the region.
    private let places: [Plan.NodeID: Int]

    /// What each node can be; those that can be nothing are left out.
    private let parts: [Plan.NodeID: Part]

    init(_ region: Plan.Region, in plan: borrowing Plan) {
        places = Dictionary(uniqueKeysWithValues: region.nodes.enumerated().map { ($1, $0) })
        var parts: [Plan.NodeID: Part] = [:]
        for id in region.nodes { parts[id] = Self.part(id, plan) }
        self.parts = parts
    }

    /// The largest group of which a node gives the output; nil where it stays alone.
    func group(endingWith root: Plan.NodeID, in plan: borrowing Plan) -> ElementwiseGroup? {
        switch parts[root] {
        case nil, .reshape: return nil
        case .formula: return group(grow(from: root, [root], plan), tail: nil, plan)
        case .tail(let tail):
            guard let last = plan.producers[plan.nodes[root].inputs[0]],
                isInner(last, of: [root], root, plan), case .formula = parts[last]
            else { return nil }
            return group(grow(from: last, [root, last], plan), tail: tail, plan)
        }
    }

    // MARK: - The nodes of a group

    /// Adds to a group what only the group needs.
    private func grow(
        from last: Plan.NodeID, _ start: Set<Plan.NodeID>, _ plan: borrowing Plan
    ) -> [Plan.NodeID] {
        var nodes = start
        var open = candidates(last, plan)
        // The last one first: whoever else needs it has been looked at before.
        while nodes.count < Self.maxNodes, let next = open.max(by: { place($0) < place($1) }) {
            open.remove(next)
            guard isInner(next, of: nodes, last, plan) else { continue }
            nodes.insert(next)
            open.formUnion(candidates(next, plan))
        }
        var kept: Set<Plan.NodeID> = []
        // A new shape of what is no part of the group is none either.
        for id in nodes.sorted(by: { place($0) < place($1) }) {
            if case .reshape = parts[id], plan.producers[plan.nodes[id].inputs[0]].map(kept.contains) != true {
                continue
            }
            kept.insert(id)
        }
        return kept.sorted { place($0) < place($1) }
    }

    private func place(_ id: Plan.NodeID) -> Int { places[id] ?? 0 }

    private func candidates(_ id: Plan.NodeID, _ plan: borrowing Plan) -> Set<Plan.NodeID> {
        var result: Set<Plan.NodeID> = []
        for value in plan.nodes[id].inputs { if let producer = plan.producers[value] { result.insert(producer) } }
        return result
    }

    /// Whether a node can be an inner one: only the group needs it, and it has as many elements as the group's last one.
    private func isInner(
        _ id: Plan.NodeID, of nodes: Set<Plan.NodeID>, _ last: Plan.NodeID, _ plan: borrowing Plan
    ) -> Bool {
        guard places[id] != nil, plan.runs(id, with: last), let output = plan.nodes[id].outputs.first,
            plan.uses[output].allSatisfy(nodes.contains),
            plan.facts[output].shape.known?.elementCount
                == plan.facts[plan.nodes[last].outputs[0]].shape.known?.elementCount
        else { return false }
        switch parts[id] {
        case .formula, .reshape: return true
        case .tail, nil: return false
        }
    }

    private static func part(_ id: Plan.NodeID, _ plan: borrowing Plan) -> Part? {
        let node = plan.nodes[id]
        guard node.isPresent, node.state == nil, node.outputs.count == 1, let op = node.op,
            !plan.isKnown(node.outputs[0]), plan.facts[node.outputs[0]].shape.isFullyDefined
        else { return nil }
        var inputs: [TensorFact] = []
        for value in node.inputs {
            let fact = plan.facts[value]
            guard fact.shape.isFullyDefined, fact.variable == nil || fact.hasElements else { return nil }
            inputs.append(fact)
        }
        if let op = op.asElementwise {
            guard let formula = op.elementwiseFormula, formula != .sum || inputs.count > 1 else { return nil }
            let steps = FusedStep.steps(
                formula, inputs.indices.map { .input($0) }, after: 0, dtype: inputs[0].dtype,
                result: plan.facts[node.outputs[0]].dtype, shape: .scalar)
            return steps.allSatisfy(\.isComputable) ? .formula(formula) : nil
        }
        if let op = op.asMovement { return op.movement(inputs) == .reshape ? .reshape : nil }
        return op.asRowwise?.rowFormula(inputs).map { .tail($0) }
    }

    // MARK: - What they compute

    private func group(_ nodes: [Plan.NodeID], tail: FusedTail?, _ plan: borrowing Plan) -> ElementwiseGroup? {
        guard nodes.count > 1, let root = nodes.last else { return nil }
        var inputs: [Plan.Value] = []
        func number(_ value: Plan.Value) -> Int {
            if let known = inputs.firstIndex(of: value) { return known }
            inputs.append(value)
            return inputs.count - 1
        }
        var steps: [FusedStep] = []
        var made: [Plan.Value: Int] = [:]
        var formulas = tail == nil ? 0 : 1
        for id in nodes {
            let node = plan.nodes[id]
            switch parts[id] {
            case .formula(let formula):
                guard let shape = plan.facts[node.outputs[0]].shape.known else { return nil }
                let operands = node.inputs.map { value in
                    made[value].map { FusedStep.Operand.step($0) } ?? .input(number(value))
                }
                steps += FusedStep.steps(
                    formula, operands, after: steps.count, dtype: plan.facts[node.inputs[0]].dtype,
                    result: plan.facts[node.outputs[0]].dtype, shape: shape)
                made[node.outputs[0]] = steps.count - 1
                formulas += 1
            case .reshape: made[node.outputs[0]] = made[node.inputs[0]]
            case .tail, nil: continue
            }
        }
        // An op on rows may need what the group makes, all of it at once.
        for index in tail?.inputs ?? [] where made[plan.nodes[root].inputs[index]] != nil { return nil }
        guard formulas > 1, let shape = plan.facts[plan.nodes[root].outputs[0]].shape.known else { return nil }
        let end = tail?.taking { number(plan.nodes[root].inputs[$0]) }
        let op = FusedElementwise(steps, tail: end, shape: shape)
        let facts = inputs.map { plan.facts[$0] }
        // What has no kernel, as rows are too long or axes too many, stays as it is.
        guard let outputs = try? op.outputs(for: facts),
            (try? op.kernel(for: KernelSpec(inputs: facts, outputs: outputs))) != nil
        else { return nil }
        return ElementwiseGroup(nodes: nodes, op: op, inputs: inputs)
    }
}

extension FusedStep {
    /// The steps of a formula.
    ///
    /// - Parameters:
    ///   - formula: The formula.
    ///   - operands: Its operands.
    ///   - first: How many steps come before.
    ///   - dtype: The dtype of the operands.
    ///   - result: The dtype of the result.
    ///   - shape: The shape of the result.
    /// - Returns: The steps, of which the last one gives the result.
    fileprivate static func steps(
        _ formula: ElementwiseFormula, _ operands: [Operand], after first: Int, dtype: DataType, result: DataType,
        shape: Shape
    ) -> [FusedStep] {
        func step(_ formula: Formula, _ operands: [Operand]) -> FusedStep {
            FusedStep(formula, operands, dtype: dtype, result: result, shape: shape)
        }
        switch formula {
        case .unary(let formula): return [step(.unary(formula), operands)]
        case .binary(let formula): return [step(.binary(formula), operands)]
        case .ternary(let formula): return [step(.ternary(formula), operands)]
        case .leakyRelu(let alpha): return [step(.leakyRelu(alpha: alpha), operands)]
        case .sum:
            var sums = [step(.binary(.add), Array(operands.prefix(2)))]
            for operand in operands.dropFirst(2) {
                sums.append(step(.binary(.add), [.step(first + sums.count - 1), operand]))
            }
            return sums
        }
    }
}
