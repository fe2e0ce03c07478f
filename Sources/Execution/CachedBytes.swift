internal import Operations
internal import Tensors

extension Plan {
    /// About what it takes that no other plan has: its lists, and what was folded into it.
    var byteCount: Int {
        let lists =
            steps.reduce(0) {
                $0 + MemoryLayout<Step>.stride + CachedBytes.step + 8 * ($1.inputs.count + $1.outputs.count)
            }
            + items.count * (MemoryLayout<Item>.stride + CachedBytes.box)
        return CachedBytes.object + lists + CachedBytes.facts(facts) + foldedBytes
    }
}

extension Program {
    /// About what it takes beside its plan: its lists, the kernels and their tables, and what was folded for the shapes of the feeds.
    var byteCount: Int {
        let lists =
            steps.count * (MemoryLayout<Step>.stride + CachedBytes.step) + operands.count * 4
            + (arenaValues.count + feedValues.count) * 16 + constants.count * 8 + fetchFlags.count * 16
        return CachedBytes.object + lists + CachedBytes.facts(facts) + foldedBytes + tableBytes
    }

    /// The elements that are not the plan's.
    private var foldedBytes: Int {
        var seen: Set<ObjectIdentifier> = []
        var bytes = 0
        for (fact, known) in zip(facts, plan.facts) {
            guard let value = fact.value, value.storage !== known.value?.storage,
                seen.insert(ObjectIdentifier(value.storage)).inserted
            else { continue }
            bytes += value.storage.byteCount + CachedBytes.box
        }
        return bytes
    }

    /// Kernels have tables of what lies where along an axis: of indices, weights, offsets.
    private var tableBytes: Int {
        steps.reduce(0) { bytes, step in
            guard step.work.isKernel, plan.steps.indices.contains(step.source) else { return bytes }
            return plan.steps[step.source].outputs.reduce(bytes) { bytes, value in
                bytes + (facts[value].shape.dimensions ?? []).reduce(0) { $0 + CachedBytes.position * min($1, 1 << 20) }
            }
        }
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
