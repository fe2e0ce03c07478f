internal import Kernels
internal import Operations
internal import Tensors
internal import Threads

extension WeightEvaluation {
    /// Whether what the plan takes for true is true of this version: variables exist, and dtypes, shapes and elements are those that
    /// it knows.
    ///
    /// - Parameter known: Weights of which this is known already: the first ones of these.
    /// - Returns: Whether all of it is true.
    package func isValid(beyond known: PlanWeights = PlanWeights()) -> Bool {
        for (reference, hasValue) in weights.presences where known.presences[reference] == nil {
            guard ((try? store.shape(of: reference)) != nil) == hasValue else { return false }
        }
        let numbers = known.expressions.count..<weights.expressions.count
        // Sizes that the plan has assumed come before what is as large as they say.
        guard numbers.allSatisfy({ !weights.expressions[$0].weights.isEmpty || isThat($0) }) else { return false }
        for (weight, value) in weights.assumptions where known.assumptions[weight] == nil {
            guard let found = try? tensor(weight), found.hasElements(of: value) else { return false }
        }
        return numbers.allSatisfy { !weights.expressions[$0].assumesShapes || isThat($0) }
    }

    /// Whether all weights can be evaluated. Variables that nothing is computed of are not read for it.
    package var isComplete: Bool {
        weights.expressions.indices.allSatisfy { number in
            if case .variable(let reference) = weights.expressions[number].source {
                return (try? store.shape(of: reference)) != nil
            }
            return (try? evaluate(number)) != nil
        }
    }

    /// Whether the outputs have the dtypes and shapes that the plan knows.
    private func isThat(_ number: Int) -> Bool {
        let expression = weights.expressions[number]
        if case .variable(let reference) = expression.source {
            return (try? store.shape(of: reference)) == expression.outputs[0].shape
        }
        guard (try? evaluate(number)) != nil, let found = tensors[number], found.count == expression.outputs.count
        else { return false }
        return zip(expression.outputs, found).allSatisfy { $0.isThat(of: $1) }
    }
}

extension Op {
    /// Computes the op outside of any run.
    ///
    /// - Throws: ``OpError``: of kind `resourceExhausted` where it takes more than the limit.
    func results(
        ofConstants inputs: [Tensor], limitBytes: Int, helpers: (any HelperSource)? = nil
    ) throws(OpError) -> [Tensor] {
        do {
            return try evaluate(
                inputs.map { TensorFact($0) }, RunAccount(limitBytes: limitBytes), helpers: helpers)
        } catch let error as OpError {
            throw error
        } catch { throw OpError.invalid("\(error)") }
    }
}

extension Tensor {
    /// Whether both have the same dtype, shape and elements, bit for bit.
    fileprivate func hasElements(of other: Tensor) -> Bool {
        guard dtype == other.dtype, shape == other.shape else { return false }
        if let strings { return strings == other.strings }
        return withUnsafeBytes { mine in other.withUnsafeBytes { mine.elementsEqual($0) } }
    }
}
