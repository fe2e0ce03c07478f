internal import Kernels
package import Operations
internal import Tensors
internal import Threads

/// Evaluates the weights of a plan for one version, while the plan is made, specialised, or bound to a version.
///
/// Belongs to one thread. What it has evaluated stays in the store as long as it exists.
package final class WeightEvaluation {
    let store: WeightStore
    private(set) var weights: PlanWeights
    /// The slot of each expression.
    private var slots: [WeightStore.Slot] = []
    /// The tensors of each expression, where they are held.
    private(set) var tensors: [[Tensor]?] = []
    private var numbers: [WeightStore.Slot: Int] = [:]
    /// How often the tensors of each expression are held.
    private var holdCounts: [Int] = []
    /// How many others need each expression, while a binding is made; empty at other times.
    private var needs: [Int] = []

    /// Why a value could not be read that the checkpoint has.
    private(set) var readFailure: OpError?

    /// The maximum number of bytes of what an op makes of weights, in a version that a plan was not made for, unless the plan knows better.
    static let maxBytes = 256 << 20
    /// An assumption of more elements than these pins the plan to its version.
    private static let maxAssumedBytes = 1 << 16

    /// - Parameter store: The weights of the version.
    package init(_ store: WeightStore) {
        self.store = store
        weights = PlanWeights()
    }

    /// Goes on from a plan's weights.
    ///
    /// - Parameters:
    ///   - binding: The plan's weights in a version.
    ///   - weights: Those of the binding, and perhaps more after them.
    package init(_ binding: WeightBinding, _ weights: PlanWeights? = nil) {
        store = binding.store
        self.weights = weights ?? binding.weights
        slots = binding.slots
        store.lease(slots)
        for (number, slot) in slots.enumerated() { numbers[slot] = number }
        leaseRest()
    }

    /// - Parameters:
    ///   - store: The weights of a version.
    ///   - weights: Those of a plan.
    package init(_ store: WeightStore, _ weights: PlanWeights) {
        self.store = store
        self.weights = weights
        leaseRest()
    }

    deinit {
        let holds = zip(slots, holdCounts).flatMap { Array(repeating: $0, count: $1) }
        store.release(leases: slots, holds: holds)
    }

    private func leaseRest() {
        for number in slots.count..<weights.expressions.count {
            let slot = store.lease(key(of: weights.expressions[number].source))
            slots.append(slot)
            numbers[slot] = number
        }
        tensors = Array(repeating: nil, count: slots.count)
        holdCounts += Array(repeating: 0, count: slots.count - holdCounts.count)
    }

    private func key(of source: WeightExpression.Source) -> WeightStore.Key {
        switch source {
        case .variable(let reference): .variable(reference)
        case .op(let op, let operands):
            .op(
                WeightStore.OpKey(op: op),
                operands.map { operand in
                    switch operand {
                    case .weight(let weight): .weight(slots[weight.expression], output: weight.output)
                    case .constant(let tensor): .constant(ConstantKey(tensor: tensor))
                    }
                })
        }
    }
}

/// Evaluating.
extension WeightEvaluation {
    /// The elements of a weight.
    ///
    /// - Throws: ``OpError`` where a variable has no value, or an op fails.
    func tensor(_ weight: WeightID) throws(OpError) -> Tensor {
        try evaluate(weight.expression)
        return try known(weight)
    }

    /// The elements of a weight that is evaluated.
    private func known(_ weight: WeightID) throws(OpError) -> Tensor {
        guard let outputs = tensors[weight.expression], outputs.indices.contains(weight.output) else {
            throw .nothingToCompute
        }
        return outputs[weight.output]
    }

    /// The elements of a value; nil where they are not the same in all runs.
    ///
    /// - Throws: ``OpError``, as ``tensor(_:)`` does.
    func elements(of fact: TensorFact) throws(OpError) -> Tensor? {
        if let weight = fact.weight { try tensor(weight) } else { fact.value }
    }

    /// Evaluates an expression, after those that it is made of. No recursion: a chain may be as long as the graph.
    func evaluate(_ number: Int) throws(OpError) {
        var open = [number]
        while let next = open.last {
            guard tensors[next] == nil else {
                open.removeLast()
                continue
            }
            if let known = store.hold(slots[next]) {
                keep(known.tensors, of: next)
                continue
            }
            // The hold is the same, whoever evaluates.
            holdCounts[next] += 1
            let missing = weights.expressions[next].weights.map(\.expression).filter { tensors[$0] == nil }
            if missing.isEmpty {
                try compute(next)
            } else if try !computeInParts(next) {
                store.release(leases: [], holds: [slots[next]])
                holdCounts[next] -= 1
                open += missing
            }
        }
    }

    private func keep(_ known: [Tensor], of number: Int) {
        holdCounts[number] += 1
        tensors[number] = known
        forgetOperands(of: number)
    }

    /// Computes an expression whose slot is held.
    private func compute(_ number: Int) throws(OpError) {
        let results: [Tensor]
        var ownBytes = 0
        switch weights.expressions[number].source {
        case .variable(let reference):
            do throws(OpError) { results = [try store.value(of: reference)] } catch {
                readFailure = error
                throw error
            }
            ownBytes = results[0].byteCount
        case .op(let op, let operands):
            let inputs = try operands.map { (operand) throws(OpError) in try tensor(of: operand) }
            // What a pass makes of a large weight may be as large.
            let limitBytes = max(Self.maxBytes, 2 * min(weights.expressions[number].ownBytes, .max / 2))
            results = try op.results(ofConstants: inputs, limitBytes: limitBytes, helpers: store.helpers)
            ownBytes = Self.ownBytes(of: results, besides: inputs)
        }
        tensors[number] = store.keep(results, ownBytes: ownBytes, in: slots[number])
        forgetOperands(of: number)
    }

    /// Computes an expression whose slot is held while its only operand is read: a large variable then needs no memory.
    ///
    /// - Returns: false if that is not possible; nothing has changed then.
    private func computeInParts(_ number: Int) throws(OpError) -> Bool {
        let expression = weights.expressions[number]
        guard case .op(let op, let operands) = expression.source, let op = op.asPartwise,
            operands.count == 1, case .weight(let weight) = operands[0], !needs.isEmpty,
            // Nobody else needs the variable itself.
            needs[weight.expression] == 1, !store.isEvaluated(slots[weight.expression]),
            case .variable(let reference) = weights.expressions[weight.expression].source
        else { return false }
        let variable = weights.output(weight)
        guard let shape = expression.outputs.first?.shape,
            let output = op.partwiseOutput(from: TensorFact(variable.dtype, PartialShape(variable.shape)), shape)
        else { return false }
        do throws(OpError) {
            guard try store.source.readParts(of: reference, multipleOf: output.multipleBytes, output.take) else {
                return false
            }
        } catch {
            readFailure = error
            throw error
        }
        tensors[number] = store.keep([output.tensor], ownBytes: output.tensor.byteCount, in: slots[number])
        forgetOperands(of: number)
        return true
    }

    /// Lets go of what only this expression, which is evaluated, was made of. No recursion: a chain may be as long as the graph.
    private func forgetOperands(of number: Int) {
        guard !needs.isEmpty else { return }
        var done = [number]
        while let next = done.popLast() {
            for operand in weights.expressions[next].weights.map(\.expression) {
                needs[operand] -= 1
                guard needs[operand] == 0 else { continue }
                guard tensors[operand] != nil else {
                    // Nobody needs what it is made of either.
                    done.append(operand)
                    continue
                }
                tensors[operand] = nil
                store.release(leases: [], holds: Array(repeating: slots[operand], count: holdCounts[operand]))
                holdCounts[operand] = 0
            }
        }
    }

    private func tensor(of operand: WeightExpression.Operand) throws(OpError) -> Tensor {
        switch operand {
        case .constant(let tensor): tensor
        case .weight(let weight): try known(weight)
        }
    }

    private static func ownBytes(of results: [Tensor], besides inputs: [Tensor]) -> Int {
        results.reduce(0) { bytes, result in
            inputs.contains { $0.storage === result.storage } ? bytes : bytes + result.byteCount
        }
    }
}

/// Adding.
extension WeightEvaluation {
    /// Takes over what was added to the plan's weights since.
    func extend(to weights: PlanWeights) {
        guard weights.expressions.count > slots.count else { return }
        let known = tensors
        self.weights = weights
        leaseRest()
        for (number, tensors) in known.enumerated() { self.tensors[number] = tensors }
    }

    /// A variable's value as a weight.
    ///
    /// - Returns: What is known of it.
    /// - Throws: ``OpError`` of kind `missingVariable` where it has no value.
    func variable(_ reference: VariableReference) throws(OpError) -> TensorFact {
        let slot = store.lease(.variable(reference))
        if let number = numbers[slot] {
            store.release(leases: [slot], holds: [])
            return facts(of: number)[0]
        }
        do throws(OpError) {
            let shape = try store.shape(of: reference)
            let expression = WeightExpression(
                source: .variable(reference), outputs: [WeightExpression.Output(dtype: reference.dtype, shape: shape)],
                assumesShapes: !reference.shape.isFullyDefined, ownBytes: shape.byteCount(of: reference.dtype) ?? 0)
            return add(expression, slot)[0]
        } catch {
            store.release(leases: [slot], holds: [])
            throw error
        }
    }

    /// Whether a variable has a value; the plan assumes it.
    func hasValue(_ reference: VariableReference) -> Bool {
        if let known = weights.presences[reference] { return known }
        let hasValue = (try? store.shape(of: reference)) != nil
        weights.presences[reference] = hasValue
        return hasValue
    }

    /// The elements of a weight that the plan takes for known.
    ///
    /// - Throws: ``OpError`` where they cannot be evaluated.
    func assume(_ weight: WeightID) throws(OpError) -> Tensor {
        if let known = weights.assumptions[weight] { return known }
        let value = try tensor(weight)
        if value.byteCount > Self.maxAssumedBytes { weights.isPinned = true }
        // The plan may live longer than the version.
        let own = weights.isPinned ? value : value.dtype == .string ? value.owningStrings : try value.copied()
        weights.assumptions[weight] = own
        return own
    }

    /// Whether a condition on weights is true in this version; the plan assumes the answer.
    ///
    /// - Parameter condition: What is known of a bool that has elements.
    /// - Returns: false also where it cannot be computed.
    /// - Throws: ``OpError`` where a variable cannot be read.
    func isTrue(_ condition: TensorFact) throws(OpError) -> Bool {
        guard let weight = condition.weight else { return condition.value?.scalars(as: Bool.self)?.first == true }
        do throws(OpError) { return try assume(weight).scalars(as: Bool.self)?.first == true } catch {
            if let readFailure { throw readFailure }
            pin()
            return false
        }
    }

    /// Notes that the plan holds for this version only.
    func pin() { weights.isPinned = true }

    /// What an op makes of weights and constants, as a weight.
    ///
    /// - Parameters:
    ///   - op: A pure function of its inputs.
    ///   - inputs: What is known of the inputs; all have elements.
    ///   - outputs: What the op's rule says of the outputs.
    ///   - limitBytes: The maximum number of bytes of the outputs and of what computing them takes.
    /// - Returns: What is known of the outputs, and how many bytes they take besides the inputs; nil where that is more than the limit.
    /// - Throws: ``OpError`` where the op fails.
    func apply(
        _ op: any Op, to inputs: [TensorFact], giving outputs: [TensorFact], limitBytes: Int
    ) throws(OpError) -> (facts: [TensorFact], ownBytes: Int)? {
        let operands = inputs.compactMap { input -> WeightExpression.Operand? in
            if let weight = input.weight { .weight(weight) } else { input.value.map { .constant($0) } }
        }
        guard operands.count == inputs.count else { return nil }
        let source = WeightExpression.Source.op(op, operands)
        let slot = store.lease(key(of: source))
        if let number = numbers[slot] {
            store.release(leases: [slot], holds: [])
            return (facts(of: number), weights.expressions[number].ownBytes)
        }
        do throws(OpError) {
            guard let (results, ownBytes) = try results(in: slot, op, operands, limitBytes) else {
                store.release(leases: [slot], holds: [])
                return nil
            }
            let expression = WeightExpression(
                source: source, outputs: results.map { WeightExpression.Output(dtype: $0.dtype, shape: $0.shape) },
                assumesShapes: outputs.contains { !$0.shape.isFullyDefined }, ownBytes: ownBytes)
            return (add(expression, slot, results), ownBytes)
        } catch {
            store.release(leases: [slot], holds: [])
            throw error
        }
    }

    /// What the slot has already, or what the op computes, and the bytes that it takes besides the operands.
    private func results(
        in slot: WeightStore.Slot, _ op: any Op, _ operands: [WeightExpression.Operand], _ limitBytes: Int
    ) throws(OpError) -> (tensors: [Tensor], ownBytes: Int)? {
        let known = store.hold(slot)
        store.release(leases: [], holds: [slot])
        if let known, known.tensors.reduce(0, { $0 + $1.byteCount }) <= limitBytes { return known }
        let values = try operands.map { (operand) throws(OpError) in
            if case .weight(let weight) = operand { try evaluate(weight.expression) }
            return try tensor(of: operand)
        }
        do throws(OpError) {
            let results = try op.results(ofConstants: values, limitBytes: limitBytes, helpers: store.helpers)
            return (results, Self.ownBytes(of: results, besides: values))
        } catch {
            // Too large to keep: the run will compute it, under the run's own limit.
            if error.kind == .resourceExhausted { return nil }
            // With other weights it may not fail.
            pin()
            throw error
        }
    }

    /// Adds an expression whose slot is leased; with tensors it is evaluated.
    private func add(
        _ expression: WeightExpression, _ slot: WeightStore.Slot, _ results: [Tensor]? = nil
    ) -> [TensorFact] {
        let number = slots.count
        slots.append(slot)
        numbers[slot] = number
        weights.expressions.append(expression)
        if let results {
            _ = store.hold(slot)
            holdCounts.append(1)
            tensors.append(store.keep(results, ownBytes: expression.ownBytes, in: slot))
        } else {
            holdCounts.append(0)
            tensors.append(nil)
        }
        return facts(of: number)
    }

    private func facts(of number: Int) -> [TensorFact] {
        weights.expressions[number].outputs.enumerated().map { index, output in
            var fact = TensorFact(output.dtype, output.shape)
            fact.weight = WeightID(expression: number, output: index)
            return fact
        }
    }
}

extension WeightEvaluation {
    /// Binds the weights to the version, for runs.
    ///
    /// - Parameter used: The weights that runs read.
    /// - Returns: The binding.
    /// - Throws: ``OpError`` where one cannot be evaluated.
    package func binding(of used: [WeightID]) throws(OpError) -> WeightBinding {
        var found: [WeightID: Tensor] = [:]
        // What weights are made of goes as soon as it is not needed any more.
        needs = weights.needs(of: used)
        defer { needs = [] }
        for weight in used where found[weight] == nil { found[weight] = try tensor(weight) }
        let holds = Set(used.map(\.expression)).map { slots[$0] }
        for slot in holds { _ = store.hold(slot) }
        store.lease(slots)
        return WeightBinding(store, weights, slots: slots, holds: holds, tensors: found)
    }
}
