internal import Operations
internal import Tensors

/// Removes nodes that never run, as their branch is never taken, and conditions that always hold.
struct RemoveDeadBranches: PlanPass {
    static let name = "dead-branches"
    static let summary = "Removes branches that are never taken, and conditions that always hold."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        var patch = PlanPatch(of: plan)
        if plan.state(of: plan.nodes[id].guarded) == false {
            patch.remove(id)
            return patch
        }
        switch plan.nodes[id].work {
        case .flag(let flag):
            guard plan.flagStates[flag] != nil else { return nil }
            patch.remove(id)
            return patch
        case .merge(let merge):
            if let patch = try Self.decide(id, merge, plan) { return patch }
        case .op, .loop, .failure: break
        }
        guard plan.nodes[id].guarded != .always, plan.state(of: plan.nodes[id].guarded) == true else { return nil }
        patch.setGuard(.always, of: id)
        return patch
    }

    private static func decide(
        _ id: Plan.NodeID, _ merge: Plan.Merge, _ plan: borrowing Plan
    ) throws(OpError) -> PlanPatch? {
        let node = plan.nodes[id]
        var alive: [Int] = []
        for index in node.inputs.indices where plan.state(of: merge.guards[index]) != false { alive.append(index) }
        var patch = PlanPatch(of: plan)
        if alive.count == 1, merge.error == nil || plan.state(of: merge.guards[alive[0]]) == true {
            patch.replace(node.outputs[0], with: node.inputs[alive[0]])
            let place = patch.addConstant(TensorFact(try .scalar(Int32(merge.places[alive[0]]))))
            patch.replace(node.outputs[1], with: place)
            patch.remove(id)
            return patch
        }
        guard alive.count < node.inputs.count, !alive.isEmpty else { return nil }
        patch.keep(choices: alive, of: id)
        return patch
    }
}
