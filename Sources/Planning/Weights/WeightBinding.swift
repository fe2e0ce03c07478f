package import Operations
package import Tensors

/// The weights of a plan or a program in one version: evaluated, and held in the version's store.
package final class WeightBinding: Sendable {
    package let store: WeightStore
    package let weights: PlanWeights
    let slots: [WeightStore.Slot]
    private let holds: [WeightStore.Slot]
    private let tensors: [WeightID: Tensor]

    /// - Parameters:
    ///   - store: The weights of the version.
    ///   - weights: Those of the plan.
    ///   - slots: The slots of its expressions, leased for this binding.
    ///   - holds: Those of the weights that runs read, held for this binding.
    ///   - tensors: The weights that runs read.
    init(
        _ store: WeightStore, _ weights: PlanWeights, slots: [WeightStore.Slot], holds: [WeightStore.Slot],
        tensors: [WeightID: Tensor]
    ) {
        self.store = store
        self.weights = weights
        self.slots = slots
        self.holds = holds
        self.tensors = tensors
    }

    deinit { store.release(leases: slots, holds: holds) }

    /// A weight that runs read; nil for any other.
    package subscript(weight: WeightID) -> Tensor? { tensors[weight] }
}
