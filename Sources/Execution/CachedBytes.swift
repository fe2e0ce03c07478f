internal import Operations
internal import Planning
internal import Tensors

extension Plan {
    /// About what it takes that no other plan has: its lists, and what was folded into it. Weights are the session's.
    var byteCount: Int {
        let lists =
            nodes.reduce(0) {
                $0 + MemoryLayout<Node>.stride + CachedBytes.step + 8 * ($1.inputs.count + $1.outputs.count)
            }
        return CachedBytes.object + lists + CachedBytes.facts(facts) + foldedBytes
    }
}

extension Program {
    /// About what it takes beside its plan: its lists, the kernels and their tables, and what was folded for the shapes of the feeds.
    var byteCount: Int {
        let lists =
            steps.count * (MemoryLayout<Step>.stride + CachedBytes.step) + operands.count * 4
            + (arenaValues.count + feedValues.count) * 16 + constants.count * 56 + weights.count * 120
            + planWeights.expressions.count * 8 + fetches.count
            * 64
        return CachedBytes.object + lists + CachedBytes.facts(facts) + foldedBytes + CachedBytes.position * axisTotal
    }
}

/// What things take on the heap, about.
private enum CachedBytes {
    /// An object with some lists, and the table to find what belongs to it.
    static let object = 4096
    /// A kernel with what it has captured, or an op.
    static let step = 320
    /// What is allocated by itself.
    static let box = 64
    /// What a kernel keeps for a position along an axis: most keep nothing, a few some numbers.
    static let position = 1

    static func facts(_ facts: [TensorFact]) -> Int {
        facts.reduce(0) { $0 + MemoryLayout<TensorFact>.stride + 32 + 8 * ($1.shape.rank ?? 0) }
    }
}
