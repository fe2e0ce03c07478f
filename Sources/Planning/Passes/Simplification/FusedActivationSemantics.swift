internal import Operations

/// `Relu` and `Relu6` as TensorFlow runs them by default: its optimiser makes one op of a convolution (or a matrix product), what is
/// added or normalised, and the activation, and the activation of that op gives 0 for NaN where the op alone gives NaN. What is fetched,
/// or read by others too, is not part of such an op.
struct FusedActivationSemantics: PlanPass {
    static let name = "fused-activations"
    static let summary = "Gives activations after convolutions TensorFlow's meaning of NaN."
    static let forms: Set<PlanForm> = [.general]
    static let isRequired = true

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard let activation = plan.nodes[id].op?.asFusibleActivation,
            AnyHashable(activation.fused) != AnyHashable(activation),
            let link = Self.onlyUsed(plan.nodes[id].inputs.first, plan),
            let linkOp = plan.nodes[link].op?.asFusibleLink,
            let product = Self.onlyUsed(plan.nodes[link].inputs.first, plan),
            let productOp = plan.nodes[product].op, linkOp.joins(productOp)
        else { return nil }
        var patch = PlanPatch(of: plan)
        patch.setOp(activation.fused, of: id)
        return patch
    }

    /// The node that computes a value as its first output, if nobody else uses that node.
    private static func onlyUsed(_ value: Plan.Value?, _ plan: borrowing Plan) -> Plan.NodeID? {
        guard let value, let id = plan.producers[value], plan.nodes[id].outputs.first == value,
            !plan.nodes[id].isAwaited
        else { return nil }
        var uses = 0
        for output in plan.nodes[id].outputs {
            uses += plan.uses[output].count
            if plan.uses[output].contains(Plan.fetchUse) { return nil }
        }
        return uses == 1 ? id : nil
    }
}
