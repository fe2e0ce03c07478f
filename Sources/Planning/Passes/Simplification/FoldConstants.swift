internal import Operations

/// Removes nodes whose outputs are known: they are constants. ``PlanInference`` evaluates them while this pass is on.
struct FoldConstants: PlanPass {
    static let name = "fold-constants"
    static let summary = "Computes once what depends on constants alone."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard case .op(let op) = plan.nodes[id].work, !op.hasEffect, plan.nodes[id].state == nil,
            !plan.nodes[id].outputs.isEmpty
        else { return nil }
        for value in plan.nodes[id].outputs where !plan.facts[value].isKnown { return nil }
        var patch = PlanPatch(of: plan)
        patch.remove(id)
        return patch
    }
}
