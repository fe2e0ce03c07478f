internal import Kernels
internal import Operations
internal import Tensors

/// Computes before a loop what is the same in all of its iterations.
///
/// A loop may end before its body runs, so that only what cannot fail is moved: arithmetic with floating point numbers, products, and
/// movements, of known shapes.
struct HoistInvariants: PlanPass {
    static let name = "hoist-invariants"
    static let summary = "Computes before a loop what is the same in all of its iterations."
    static let forms: Set<PlanForm> = [.specialized]

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        let node = plan.nodes[id]
        guard case .op(let op) = node.work, let loop = plan.regions[node.region].loop,
            let parts = plan.nodes[loop].loop, [parts.head, parts.body].contains(node.region),
            node.guarded == .always, plan.nodes[loop].guarded == .always, node.state == nil, Self.cannotFail(op),
            op.traits.allowsMoving, op.traits.allowsMerging, !node.outputs.allSatisfy(plan.isKnown)
        else { return nil }
        for value in node.inputs + node.outputs {
            guard plan.facts[value].shape.isFullyDefined, plan.facts[value].dtype.isFloating || plan.isKnown(value)
            else {
                return nil
            }
        }
        for value in node.inputs where !plan.isKnownBefore(loop, value) { return nil }
        var patch = PlanPatch(of: plan)
        let outputs = try patch.add(op, node.inputs, before: loop, in: plan, origin: node.origin)
        for (old, new) in zip(node.outputs, outputs) { patch.replace(old, with: new) }
        patch.remove(id)
        return patch
    }

    private static func cannotFail(_ op: any Op) -> Bool {
        op.asElementwise != nil || op.asLinear != nil || op.asMovement != nil || op.asSoftmaxing != nil
            || op.asParting != nil || op.asJoining != nil
    }
}

extension Plan {
    /// Whether a value that is used in a loop is computed before it.
    func isKnownBefore(_ loop: NodeID, _ value: Value) -> Bool {
        guard let producer = producers[value] else { return true }
        if producer == loop { return false }
        var region = nodes[producer].region
        while let outer = regions[region].loop {
            if outer == loop { return false }
            region = nodes[outer].region
        }
        return true
    }
}
