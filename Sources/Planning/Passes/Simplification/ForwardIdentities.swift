internal import Kernels
internal import Operations

/// Lets the users of `Identity`, `Switch`, `Enter` and their kin use the inputs themselves, and removes the node.
struct ForwardIdentities: PlanPass {
    static let name = "forward-identities"
    static let summary = "Removes nodes whose outputs are their inputs."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        var patch = PlanPatch(of: plan)
        switch plan.nodes[id].work {
        case .op(let op):
            guard let sources = plan.sources(of: plan.nodes[id], op) else { return nil }
            for (output, source) in zip(plan.nodes[id].outputs, sources) { patch.replace(output, with: source) }
        case .merge:
            // The choice is between one value and itself, and nobody asks which it was.
            let inputs = plan.nodes[id].inputs
            let outputs = plan.nodes[id].outputs
            guard let first = inputs.first, inputs.allSatisfy({ $0 == first }), plan.uses[outputs[1]].isEmpty,
                plan.isCertain(merge: id)
            else { return nil }
            patch.replace(outputs[0], with: first)
        case .flag, .loop, .failure: return nil
        }
        patch.remove(id)
        return patch
    }
}

extension Plan {
    /// The values that a node's outputs are; nil where it computes them.
    func sources(of node: Node, _ op: any Op) -> [Value]? {
        if let flow = op as? ControlFlow, flow.kind == .split { return [node.inputs[0], node.inputs[0]] }
        return PlanInference.isForward(op) ? node.inputs : nil
    }

    /// Whether a merge has a value whenever the run comes to it.
    fileprivate func isCertain(merge id: NodeID) -> Bool {
        guard case .merge(let merge) = nodes[id].work else { return false }
        return merge.error == nil
    }
}
