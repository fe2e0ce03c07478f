package import Operations
package import Tensors

/// Elements that are the same in all runs of a version of a model, as a plan that serves all versions knows them: a variable, or what an
/// op makes of other weights. A ``WeightStore`` evaluates it, once for each version.
package struct WeightExpression: Sendable {
    /// What an op is applied to.
    package enum Operand: Sendable {
        /// An output of an earlier expression of the plan.
        case weight(WeightID)
        /// Elements that are the same in all versions.
        case constant(Tensor)
    }

    /// Where the elements come from.
    package enum Source: Sendable {
        /// A variable of the checkpoint.
        case variable(VariableReference)
        /// An op that is a pure function of its operands.
        case op(any Op, [Operand])
    }

    /// A tensor that the expression gives.
    package struct Output: Sendable {
        package let dtype: DataType
        package let shape: Shape

        func isThat(of tensor: Tensor) -> Bool { tensor.dtype == dtype && tensor.shape == shape }
    }

    package let source: Source
    package let outputs: [Output]
    /// Whether a shape depends on elements, so that another version may have another one.
    let assumesShapes: Bool
    /// The bytes that the outputs take besides those of the operands.
    let ownBytes: Int

    /// The weights that it is made of.
    var weights: [WeightID] {
        guard case .op(_, let operands) = source else { return [] }
        return operands.compactMap { if case .weight(let weight) = $0 { weight } else { nil } }
    }
}

/// The weights of a plan, and what the plan takes for true of the version that it serves.
package struct PlanWeights: Sendable {
    /// Each after those that it is made of.
    package internal(set) var expressions: [WeightExpression] = []
    /// Weights whose elements the plan takes for known: axes, predicates, sizes.
    var assumptions: [WeightID: Tensor] = [:]
    /// Variables that the plan asked for without reading them, and whether they have a value.
    var presences: [VariableReference: Bool] = [:]
    /// Whether the plan holds for one version only: a weight could not be evaluated, or it assumes too many elements.
    var isPinned = false

    /// Whether the plan may serve other versions too.
    package var areShareable: Bool { !isPinned }

    /// Whether nothing depends on the version.
    var areOfGraph: Bool { expressions.isEmpty && presences.isEmpty && !isPinned }

    /// The bytes of what plans compute, from some expression on.
    func derivedBytes(of used: some Sequence<WeightID>, from first: Int = 0) -> Int {
        Set(used.map(\.expression)).reduce(0) { bytes, number in
            guard number >= first, case .op = expressions[number].source else { return bytes }
            return bytes + expressions[number].ownBytes
        }
    }

    /// How often each expression is needed: by runs, and by the others that they need.
    func needs(of used: some Sequence<WeightID>) -> [Int] {
        var needs = Array(repeating: 0, count: expressions.count)
        for weight in used { needs[weight.expression] += 1 }
        for number in expressions.indices.reversed() where needs[number] > 0 {
            for weight in expressions[number].weights { needs[weight.expression] += 1 }
        }
        return needs
    }

    /// What is known of a weight.
    func output(_ weight: WeightID) -> WeightExpression.Output { expressions[weight.expression].outputs[weight.output] }

    /// The bytes of a weight.
    func byteCount(of weight: WeightID) -> Int {
        let output = output(weight)
        return output.shape.byteCount(of: output.dtype) ?? 0
    }

    /// Where a weight comes from, for people: `conv/kernel`, `Transpose(conv/kernel)`.
    package func title(of weight: WeightID) -> String {
        // Of a long chain only the last ops are named.
        var (title, end) = ("", "")
        var next = weight.expression
        for _ in 0..<4 {
            switch expressions[next].source {
            case .variable(let reference): return title + reference.name + end
            case .op(let op, _):
                title += "\(type(of: op))("
                end += ")"
                guard let first = expressions[next].weights.first else { return title + "…" + end }
                next = first.expression
            }
        }
        return title + "…" + end
    }

    /// Leaves out the expressions that neither some weights nor assumptions need.
    ///
    /// - Parameter used: The weights that runs read.
    /// - Returns: The new number of each expression; nil where it is left out.
    mutating func trim(to used: some Sequence<WeightID>) -> [Int?] {
        var isNeeded = Array(repeating: false, count: expressions.count)
        for weight in used { isNeeded[weight.expression] = true }
        for weight in assumptions.keys { isNeeded[weight.expression] = true }
        for (number, expression) in expressions.enumerated() where expression.assumesShapes { isNeeded[number] = true }
        for number in expressions.indices.reversed() where isNeeded[number] {
            for weight in expressions[number].weights { isNeeded[weight.expression] = true }
        }
        var numbers: [Int?] = []
        var count = 0
        for needed in isNeeded {
            numbers.append(needed ? count : nil)
            if needed { count += 1 }
        }
        func renumbered(_ weight: WeightID) -> WeightID {
            WeightID(expression: numbers[weight.expression] ?? 0, output: weight.output)
        }
        expressions = expressions.indices.filter { isNeeded[$0] }.map { expressions[$0].renumbered(renumbered) }
        assumptions = Dictionary(uniqueKeysWithValues: assumptions.map { (renumbered($0.key), $0.value) })
        return numbers
    }
}

extension WeightExpression {
    fileprivate func renumbered(_ number: (WeightID) -> WeightID) -> WeightExpression {
        guard case .op(let op, let operands) = source else { return self }
        let new = operands.map { operand -> Operand in
            if case .weight(let weight) = operand { .weight(number(weight)) } else { operand }
        }
        return WeightExpression(
            source: .op(op, new), outputs: outputs, assumesShapes: assumesShapes, ownBytes: ownBytes)
    }
}
