package import Tensors

/// All passes, in the order in which they run.
package enum PassList {
    /// The passes.
    ///
    /// `FusedActivationSemantics` comes first: it asks what stands next to what in the graph as TensorFlow's optimizer sees it, before
    /// identities are forwarded and equal nodes are merged. `MergeEqual` comes after `ForwardIdentities`, which makes inputs the same.
    /// What looks for patterns comes after them. `HoistInputProducts` looks for what `ReadStoredRows` makes, and `FuseRecurrentCells` for
    /// sums that it leaves. `MoveTransposes` comes after `FuseAttention`, which walks through transposed tensors, and before what looks for
    /// what follows a convolution. `PackWeights` comes after what looks for products, and after `FoldChannelAffine`: what lies in panels is
    /// not folded any more. `FuseElementwise` takes what the others leave.
    package static let all: [any PlanPass.Type] = [
        FusedActivationSemantics.self,
        RemoveDeadBranches.self,
        FoldConstants.self,
        ForwardIdentities.self,
        MergeEqual.self,
        ReadStoredRows.self,
        HoistInputProducts.self,
        HoistInvariants.self,
        FuseRecurrentCells.self,
        FuseTopProducts.self,
        FuseAttention.self,
        FuseLayerNormalization.self,
        FuseActivations.self,
        MoveTransposes.self,
        FoldTransposes.self,
        FoldPads.self,
        FoldChannelAffine.self,
        PackWeights.self,
        FuseEpilogues.self,
        FuseDropout.self,
        FuseElementwise.self,
        RemoveUnneeded.self,
    ]

    /// The names of the passes that can be switched off.
    package static var names: [String] { all.filter { !$0.isRequired }.map { $0.name } }
}

/// The passes that a session runs, and what they may do.
package struct PassOptions: Hashable, Sendable {
    /// The names of passes that do not run.
    package var disabled: Set<String>
    /// The numbers of weights that `PackWeights` lays out.
    package var precision: Precision

    /// - Parameters:
    ///   - disabled: Names of passes; see ``PassList/names``.
    ///   - precision: The numbers of weights.
    package init(disabled: Set<String> = [], precision: Precision = .fp32) {
        self.disabled = disabled
        self.precision = precision
    }

    func enables(_ pass: any PlanPass.Type) -> Bool {
        pass.isRequired || !disabled.contains(pass.name)
    }
}
