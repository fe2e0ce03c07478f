internal import Kernels
internal import Operations
internal import Tensors

/// Computes what an LSTM cell does with its gates in one kernel:
/// `next = memory * sigmoid(forget + bias) + sigmoid(input) * tanh(content)`, `result = tanh(next) * sigmoid(output)`, where the gates are
/// the quarters of one matrix. Gates may see the memory through peepholes: `forget + bias + weight * memory`, and the output gate `next`.
struct FuseRecurrentCells: PlanPass {
    static let name = "fuse-recurrent-cells"
    static let summary = "Computes the gates of an LSTM cell, after their product, in one kernel."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
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

/// A cell, seen from the node that computes its result.
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
    private let region: Plan.RegionID
    private let guarded: Guard

    init(_ id: Plan.NodeID, _ plan: borrowing Plan) {
        self.id = id
        region = plan.nodes[id].region
        guarded = plan.nodes[id].guarded
    }

    func match(_ plan: borrowing Plan) -> Match? {
        guard let factors = operands(of: id, .multiply, plan) else { return nil }
        for (squashed, gate) in [(factors[0], factors[1]), (factors[1], factors[0])] {
            guard let next = operand(of: squashed, .tanh, plan), let output = operand(of: gate, .sigmoid, plan),
                let sum = node(of: next, plan), let terms = operands(of: sum, .add, plan)
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
        guard let splitter = node(of: gates.input, plan), let parting = plan.nodes[splitter].op?.asParting,
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
        let (terms, bias) = termsAndBias(of: whole, of: splitter, plan)
        return Match(
            places: places, forgetBias: forgetBias, terms: terms, bias: bias, memory: memory, peepholes: peepholes,
            sum: sum)
    }

    /// The gates as a sum: of one or two matrices, and perhaps a row for all.
    private func termsAndBias(
        of whole: Plan.Value, of splitter: Plan.NodeID, _ plan: borrowing Plan
    ) -> (terms: [Plan.Value], bias: Plan.Value?) {
        let shape = plan.facts[whole].shape
        var (matrix, user, bias): (Plan.Value, Plan.NodeID, Plan.Value?) = (whole, splitter, nil)
        if let adder = plan.onlyUsed(matrix, by: user), let op = plan.nodes[adder].op?.asChannelAffine,
            case .adding(let other)? = op.channelAffine(of: 0, plan.inputFacts(of: adder))?.formula,
            plan.facts[plan.nodes[adder].inputs[other]].shape.dimensions == [shape.dimension(1)]
        {
            bias = plan.nodes[adder].inputs[other]
            matrix = plan.nodes[adder].inputs[0]
            user = adder
        }
        guard let adder = plan.onlyUsed(matrix, by: user), let terms = plan.binary(adder, .add),
            terms.allSatisfy({
                plan.facts[$0].shape.rank == 2 && plan.facts[$0].shape.dimension(1) == shape.dimension(1)
            })
        else { return ([matrix], bias) }
        return (terms, bias)
    }

    /// What a gate is apart from the memory that it sees, and what it multiplies that by: gate + weight * memory.
    private func peephole(
        of value: Plan.Value, _ memory: Plan.Value, _ plan: borrowing Plan
    ) -> (gate: Plan.Value, weight: Plan.Value?) {
        guard let adder = soleNode(of: value, plan), let terms = operands(of: adder, .add, plan) else {
            return (value, nil)
        }
        for (gate, product) in [(terms[0], terms[1]), (terms[1], terms[0])] {
            guard let node = soleNode(of: product, plan), let factors = operands(of: node, .multiply, plan) else {
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
        guard let product = soleNode(of: value, plan), let factors = operands(of: product, .multiply, plan) else {
            return nil
        }
        for (gate, content) in [(factors[0], factors[1]), (factors[1], factors[0])] {
            if let input = operand(of: gate, .sigmoid, plan), let content = operand(of: content, .tanh, plan) {
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
        guard let product = soleNode(of: value, plan), let factors = operands(of: product, .multiply, plan) else {
            return nil
        }
        for (memory, gate) in [(factors[0], factors[1]), (factors[1], factors[0])] {
            guard let seeing = operand(of: gate, .sigmoid, plan) else { continue }
            let (forget, weight) = peephole(of: seeing, memory, plan)
            if let adder = soleNode(of: forget, plan), let terms = operands(of: adder, .add, plan) {
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

    /// The node that computes a value, where the cell is.
    private func node(of value: Plan.Value, _ plan: borrowing Plan) -> Plan.NodeID? {
        guard let id = plan.producers[value], plan.nodes[id].region == region, plan.nodes[id].guarded == guarded else {
            return nil
        }
        return id
    }

    /// The same, if one node alone uses it.
    private func soleNode(of value: Plan.Value, _ plan: borrowing Plan) -> Plan.NodeID? {
        plan.isUsedOnce(value) ? node(of: value, plan) : nil
    }

    private func operands(of id: Plan.NodeID, _ formula: BinaryFormula, _ plan: borrowing Plan) -> [Plan.Value]? {
        plan.nodes[id].region == region ? plan.binary(id, formula) : nil
    }

    /// The operand of a function whose value one node alone uses.
    private func operand(of value: Plan.Value, _ formula: UnaryFormula, _ plan: borrowing Plan) -> Plan.Value? {
        guard let id = soleNode(of: value, plan), let op = plan.nodes[id].op?.asElementwise,
            op.elementwiseFormula == .unary(formula)
        else { return nil }
        return plan.nodes[id].inputs[0]
    }
}

extension Plan {
    /// Whether one node uses a value, once, and no fetch.
    fileprivate func isUsedOnce(_ value: Value) -> Bool {
        var count = 0
        for user in uses[value] {
            guard user != Plan.fetchUse else { return false }
            if nodes[user].isPresent { count += 1 }
        }
        return count == 1
    }
}
