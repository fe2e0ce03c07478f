internal import Graphs
internal import Kernels
internal import Operations
internal import Tensors

/// Variables: constants as long as no plan changes them, else read and written by steps, in the order of the graph.
extension PlanImporter {
    /// Makes a state for each variable that a node changes. In a read-only session no node changes one.
    func findChangedVariables(among order: [Int]) throws(OpError) {
        guard variables.readOnlyReason == nil else { return }
        for index in order {
            for input in changedInputs(of: index) {
                guard let reference = VariableTrace.reference(of: index, input: input, in: graph) else { continue }
                try variables.makeMutable(reference)
            }
        }
    }

    /// The inputs that are variables, which the node changes.
    private func changedInputs(of index: Int) -> Range<Int> {
        let node = graph.nodes[index]
        if OpTable.changesVariable(node.op) { return 0..<1 }
        guard OpTable.traits(of: node.op).contains(.trains),
            case .trains(let op)? = (try? makeOp(index))?.implementation
        else { return 0..<0 }
        return 0..<op.variableCount
    }

    /// Adds an op that reads a variable, changes it or asks about it.
    ///
    /// - Returns: Whether it is one.
    mutating func addVariableOp(
        _ op: any Op, _ index: Int, _ inputs: [Plan.Value], _ guarded: Guard
    ) throws(OpError) -> Bool {
        let query: (any VariableQuery)?
        switch op.implementation {
        case .readsVariable(let reading):
            let reference = try reading.variable(reading: inputs.map { plan.facts[$0] })
            define(index, 0, try value(of: reference, index, isReference: inputs.isEmpty, guarded), guarded)
            return true
        case .trains(let op):
            try addTraining(op, index, inputs, guarded)
            return true
        case .changesVariable: query = nil
        case .asksVariable(let op): query = op
        default: return false
        }
        let outputs = try op.outputs(for: inputs.map { plan.facts[$0] })
        guard let reference = inputs.first.flatMap({ plan.facts[$0].variable }) else {
            throw .unsupported("is not given a variable")
        }
        if query == nil, let reason = variables.readOnlyReason {
            // In a branch this is an error only of the runs that take it, before anything is assigned.
            throw OpError(
                .readOnlyVariable, "would assign the variable \"\(reference.name)\", which is read-only: \(reason)")
        }
        if let query, variables.state(of: reference.name) == nil {
            plan.constantVariables.insert(reference.name)
            let hasValue = weights.hasValue(reference)
            define(index, 0, plan.addValue(TensorFact(try query.answer(hasValue: hasValue))), guarded)
            return true
        }
        let others = try read(Array(inputs.dropFirst()), index, guarded)
        let numbers = addAccess(op, index, [inputs[0]] + others, outputs, guarded, reference)
        for (number, value) in numbers.enumerated() { define(index, number, value, guarded) }
        return true
    }

    /// The value of the variable whose handle is an op's first input, as it is where the op stands.
    mutating func valueConsumed(
        by op: any VariableConsuming, _ index: Int, _ inputs: [Plan.Value], _ guarded: Guard
    ) throws(OpError) -> Plan.Value {
        // Checks handle and dtype.
        _ = try op.outputs(for: inputs.map { plan.facts[$0] })
        guard let reference = inputs.first.flatMap({ plan.facts[$0].variable }) else {
            throw .unsupported("is not given a variable")
        }
        return try value(of: reference, index, isReference: false, guarded)
    }

    /// What a node gives that reads a variable; by reference, it is read by those who take it.
    private mutating func value(
        of reference: VariableReference, _ index: Int, isReference: Bool, _ guarded: Guard
    ) throws(OpError) -> Plan.Value {
        if isReference {
            let state = variables.state(of: reference.name)
            var fact = TensorFact(reference.dtype, state?.shape ?? reference.shape)
            if state == nil {
                do throws(OpError) {
                    fact = try weights.variable(reference)
                    plan.constantVariables.insert(reference.name)
                } catch {
                    // To ask whether it has a value is no error: who reads it gets one.
                    guard error.kind == .missingVariable else { throw error }
                    _ = weights.hasValue(reference)
                }
            }
            fact.variable = reference
            return plan.addValue(fact)
        }
        if let state = variables.state(of: reference.name) {
            return addAccess(
                ReferenceRead(), index, [], [TensorFact(reference.dtype, state.shape)], guarded, reference)[0]
        }
        if let known = constants[reference.name] { return known }
        let constant = plan.addValue(try weight(reference))
        plan.constantVariables.insert(reference.name)
        constants[reference.name] = constant
        return constant
    }

    /// The value of a variable that nothing changes.
    private func weight(_ reference: VariableReference) throws(OpError) -> TensorFact {
        do throws(OpError) { return try weights.variable(reference) } catch {
            // In a branch the error becomes a part of the plan. Another version may have the variable.
            weights.pin()
            throw error
        }
    }

    /// The values themselves in the place of references to variables that change: they are read here.
    mutating func read(_ inputs: [Plan.Value], _ index: Int, _ guarded: Guard) throws(OpError) -> [Plan.Value] {
        try inputs.map { (value) throws(OpError) in
            let fact = plan.facts[value]
            guard let reference = fact.variable, !fact.dtype.isHandle, !fact.hasElements else { return value }
            return try self.value(of: reference, index, isReference: false, guarded)
        }
    }

    /// Adds an op that applies a gradient.
    private mutating func addTraining(
        _ op: any TrainingOp, _ index: Int, _ inputs: [Plan.Value], _ guarded: Guard
    ) throws(OpError) {
        // A variable may have another shape now than it was declared with.
        let facts = inputs.map { plan.facts[$0] }
        let outputs = try op.outputs(for: facts)
        var states: [VariableState] = []
        for fact in facts.prefix(op.variableCount) {
            guard let reference = fact.variable else { throw .unsupported("is not given a variable") }
            if let reason = variables.readOnlyReason {
                throw OpError(
                    .readOnlyVariable, "would train the variable \"\(reference.name)\", which is read-only: \(reason)")
            }
            guard let state = variables.state(of: reference.name) else {
                throw .unsupported("trains the variable \"\(reference.name)\", which this session does not train")
            }
            states.append(state)
        }
        let others = try read(Array(inputs.dropFirst(op.variableCount)), index, guarded)
        weights.pin()
        let values = addNode(
            .op(op), index, inputs.prefix(op.variableCount) + others, outputs, guarded, state: states.first,
            slots: Array(states.dropFirst()))
        for (number, value) in values.enumerated() { define(index, number, value, guarded) }
    }

    private mutating func addAccess(
        _ op: any Op, _ index: Int, _ inputs: [Plan.Value], _ outputs: [TensorFact], _ guarded: Guard,
        _ reference: VariableReference
    ) -> [Plan.Value] {
        // The state is this session's.
        weights.pin()
        return addNode(.op(op), index, inputs, outputs, guarded, state: variables.state(of: reference.name))
    }
}

/// The reading of a variable that an op got by reference.
struct ReferenceRead: Op {
    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [] }
}
