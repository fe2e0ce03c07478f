internal import Kernels
internal import Operations
internal import Tensors

/// Computes what a recurrent cell does with its gates in one kernel.
///
/// Of an LSTM cell:
/// `next = memory * sigmoid(forget + bias) + sigmoid(input) * tanh(content)`, `result = tanh(next) * sigmoid(output)`, where the gates are
/// the quarters of one matrix. Gates may see the memory through peepholes: `forget + bias + weight * memory`, and the output gate `next`.
///
/// Of a GRU cell: `next = u * state + (1 - u) * tanh(content)`, with `u = sigmoid(update)`. There are two kernels around the product of the
/// weight with `sigmoid(reset) * state`, or one if the product of the state is reset. See ``GRUPattern``.
struct FuseRecurrentCells: PlanPass {
    static let name = "fuse-recurrent-cells"
    static let summary = "Computes the gates of an LSTM or a GRU cell, after their products, in one or two kernels."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        if let match = GRUPattern(id, plan).match(plan) { return try match.patch(id, in: plan) }
        let pattern = CellPattern(id, plan)
        guard let match = pattern.match(plan) else { return nil }
        var patch = PlanPatch(of: plan)
        let op = LSTMGates(
            match.places, forgetBias: match.forgetBias, hasSecond: match.terms.count > 1, hasBias: match.bias != nil,
            hasPeepholes: !match.peepholes.isEmpty)
        let inputs = match.terms + (match.bias.map { [$0] } ?? []) + [match.memory] + match.peepholes
        let results = try patch.add(
            op, inputs, before: match.sum, in: plan, origin: plan.origin(of: id, and: [match.sum]))
        let old = [plan.nodes[match.sum].outputs[0], plan.nodes[id].outputs[0]]
        for (value, new) in zip(old, results) {
            guard plan.facts[value].shape.isImplied(by: patch.shape(of: new, in: plan)) else { return nil }
            patch.replace(value, with: new)
        }
        patch.remove(id)
        patch.remove(match.sum)
        return patch
    }
}

/// An LSTM cell, seen from the node that computes its result.
private struct CellPattern {
    struct Match {
        let places: LSTMGateKernel.Places
        let forgetBias: Float
        /// One or two, which add up to the gates.
        let terms: [Plan.Value]
        let bias: Plan.Value?
        let memory: Plan.Value
        /// Those of the forget gate, the input gate and the output gate; empty if gates do not see the memory.
        let peepholes: [Plan.Value]
        /// The node that computes the next memory.
        let sum: Plan.NodeID
    }

    private let id: Plan.NodeID
    private let cell: CellNodes

    init(_ id: Plan.NodeID, _ plan: borrowing Plan) {
        self.id = id
        cell = CellNodes(around: id, plan)
    }

    func match(_ plan: borrowing Plan) -> Match? {
        guard let factors = cell.operands(of: id, .multiply, plan) else { return nil }
        for (squashed, gate) in [(factors[0], factors[1]), (factors[1], factors[0])] {
            guard let next = cell.operand(of: squashed, .tanh, plan),
                let output = cell.operand(of: gate, .sigmoid, plan),
                let sum = cell.node(of: next, plan), let terms = cell.operands(of: sum, .add, plan)
            else { continue }
            let (seeing, outputHole) = peephole(of: output, next, plan)
            for (kept, rest) in [(terms[0], terms[1]), (terms[1], terms[0])] {
                guard let (memory, forget, bias, forgetHole) = keptMemory(of: kept, plan),
                    let (input, content, inputHole) = added(of: rest, memory, plan)
                else { continue }
                let peepholes = [forgetHole, inputHole, outputHole].compactMap { $0 }
                guard peepholes.isEmpty || peepholes.count == 3 else { continue }
                let gates = (input: input, content: content, forget: forget, output: seeing)
                if let found = match(gates, memory, bias, peepholes, sum, plan) { return found }
            }
        }
        return nil
    }

    private func match(
        _ gates: (input: Plan.Value, content: Plan.Value, forget: Plan.Value, output: Plan.Value),
        _ memory: Plan.Value, _ forgetBias: Float, _ peepholes: [Plan.Value], _ sum: Plan.NodeID,
        _ plan: borrowing Plan
    ) -> Match? {
        guard let splitter = cell.node(of: gates.input, plan), let parting = plan.nodes[splitter].op?.asParting,
            let parts = parting.parting(plan.inputFacts(of: splitter)), parts.count == 4, parts.axis == 1,
            plan.facts[gates.input].dtype == .float32, plan.facts[memory].dtype == .float32
        else { return nil }
        let outputs = plan.nodes[splitter].outputs
        func place(_ value: Plan.Value) -> Int? { outputs.firstIndex(of: value) }
        guard let input = place(gates.input), let content = place(gates.content), let forget = place(gates.forget),
            let output = place(gates.output), Set([input, content, forget, output]).count == 4
        else { return nil }
        let whole = plan.nodes[splitter].inputs[parts.input]
        guard plan.facts[whole].shape.rank == 2, plan.facts[whole].shape.dimension(1) > 0 else { return nil }
        let cells = plan.facts[whole].shape.dimension(1) / 4
        for peephole in peepholes where plan.facts[peephole].shape.dimensions != [cells] { return nil }
        let places = LSTMGateKernel.Places(input: input, content: content, forget: forget, output: output)
        let (terms, bias) = plan.termsAndBias(of: whole, for: splitter)
        return Match(
            places: places, forgetBias: forgetBias, terms: terms, bias: bias, memory: memory, peepholes: peepholes,
            sum: sum)
    }

    /// What a gate is apart from the memory that it sees, and what it multiplies that by: gate + weight * memory.
    private func peephole(
        of value: Plan.Value, _ memory: Plan.Value, _ plan: borrowing Plan
    ) -> (gate: Plan.Value, weight: Plan.Value?) {
        guard let adder = cell.soleNode(of: value, plan), let terms = cell.operands(of: adder, .add, plan) else {
            return (value, nil)
        }
        for (gate, product) in [(terms[0], terms[1]), (terms[1], terms[0])] {
            guard let node = cell.soleNode(of: product, plan), let factors = cell.operands(of: node, .multiply, plan)
            else {
                continue
            }
            for (weight, seen) in [(factors[0], factors[1]), (factors[1], factors[0])]
            where seen == memory && plan.facts[weight].dtype == .float32 { return (gate, weight) }
        }
        return (value, nil)
    }

    /// sigmoid(input) * tanh(content)
    private func added(
        of value: Plan.Value, _ memory: Plan.Value, _ plan: borrowing Plan
    ) -> (input: Plan.Value, content: Plan.Value, peephole: Plan.Value?)? {
        guard let product = cell.soleNode(of: value, plan), let factors = cell.operands(of: product, .multiply, plan)
        else {
            return nil
        }
        for (gate, content) in [(factors[0], factors[1]), (factors[1], factors[0])] {
            if let input = cell.operand(of: gate, .sigmoid, plan), let content = cell.operand(of: content, .tanh, plan)
            {
                let (seeing, weight) = peephole(of: input, memory, plan)
                return (seeing, content, weight)
            }
        }
        return nil
    }

    /// memory * sigmoid(forget + bias)
    private func keptMemory(
        of value: Plan.Value, _ plan: borrowing Plan
    ) -> (memory: Plan.Value, forget: Plan.Value, bias: Float, peephole: Plan.Value?)? {
        guard let product = cell.soleNode(of: value, plan), let factors = cell.operands(of: product, .multiply, plan)
        else {
            return nil
        }
        for (memory, gate) in [(factors[0], factors[1]), (factors[1], factors[0])] {
            guard let seeing = cell.operand(of: gate, .sigmoid, plan) else { continue }
            let (forget, weight) = peephole(of: seeing, memory, plan)
            if let adder = cell.soleNode(of: forget, plan), let terms = cell.operands(of: adder, .add, plan) {
                for (gate, bias) in [(terms[0], terms[1]), (terms[1], terms[0])] {
                    guard let number = plan.facts[bias].value, number.shape.elementCount == 1, number.shape.rank <= 2,
                        let bias = number.scalars(as: Float.self)?.first
                    else { continue }
                    return (memory, gate, bias, weight)
                }
            }
            return (memory, forget, 0, weight)
        }
        return nil
    }
}
