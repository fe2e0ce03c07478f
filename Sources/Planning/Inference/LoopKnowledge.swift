internal import Operations
internal import Tensors

/// What is true of a loop's variables in all iterations, as far as it has been found out.
///
/// It outlives the building of the loop: where a loop is in another one and is built again with it, it goes on from what was
/// found before. So the work does not multiply with every loop around it.
struct LoopKnowledge {
    private var facts: [TensorFact] = []
    private var corrections = 0

    /// How often what is known of the variables is corrected before nothing is taken for known.
    private static let maxCorrections = 12

    /// Takes away from what is known of the first values what is known not to last.
    mutating func begin(with known: inout [TensorFact]) throws(OpError) {
        if corrections >= Self.maxCorrections { return Self.forget(&known) }
        guard facts.count == known.count else { return }
        for index in known.indices where known[index].dtype == facts[index].dtype {
            known[index] = try known[index].joined(with: facts[index])
        }
    }

    /// Joins what an iteration leaves to what it found.
    ///
    /// - `next`: nil for what cannot be computed.
    ///
    /// Gives whether it left what it found; else the loop has to be built again. Throws `invalidArgument` where dtypes differ.
    mutating func correct(_ known: inout [TensorFact], by next: [TensorFact?]) throws(OpError) -> Bool {
        var isStable = true
        for (index, next) in next.enumerated() {
            guard let next else { continue }
            let joined = try known[index].joined(with: next)
            if !joined.says(sameAs: known[index]) { isStable = false }
            known[index] = joined
        }
        guard !isStable else { return true }
        corrections += 1
        if corrections >= Self.maxCorrections { Self.forget(&known) }
        facts = known
        return false
    }

    private static func forget(_ known: inout [TensorFact]) {
        known = known.map { TensorFact($0.dtype, .unknown) }
    }
}
