internal import Checkpoints
internal import Execution
internal import Planning

/// What the weights of a version take in memory.
package struct WeightMemory: Hashable, Sendable {
    /// A part of it.
    package enum Part: String, CaseIterable, Sendable {
        /// The tensors as the checkpoint has them.
        case raw
        /// What plans have computed of them once: folded, cast.
        case derived
        /// The same elements in the layout that a kernel wants.
        case packed
    }

    private let raw: Int
    private let weights: WeightBytes

    fileprivate init(raw: Int, _ weights: WeightBytes) {
        self.raw = raw
        self.weights = weights
    }

    /// The bytes of a part.
    package subscript(part: Part) -> Int {
        switch part {
        case .raw: raw
        case .derived: weights.derived
        case .packed: weights.packed
        }
    }
}

extension Model {
    /// What the weights take in memory now.
    package var weightMemory: WeightMemory {
        WeightMemory(raw: reader?.residentBytes ?? 0, session.weightBytes)
    }

    /// Gives the memory of weights that no plan reads back to the system, where the model was loaded to do so: variables of optimizers, and
    /// those of which plans read only what they derive. A plan that needs them later reads them again.
    package func releaseUnusedWeights() { reader?.giveBackUnused() }
}
