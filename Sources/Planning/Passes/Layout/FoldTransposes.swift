internal import Operations

/// Lets products of matrices read a transposed matrix where it lies.
struct FoldTransposes: PlanPass {
    static let name = "fold-transposes"
    static let summary = "Lets products of matrices take matrices that lie transposed."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard plan.nodes[id].op?.asTransposable != nil, plan.nodes[id].state == nil else { return nil }
        let inputs = plan.nodes[id].inputs
        for (index, value) in inputs.enumerated() {
            // A weight is laid out for a left matrix whose rows are adjacent elements.
            guard index == 1 || !plan.facts[inputs[1]].hasElements, let transpose = plan.producers[value],
                plan.runs(transpose, with: id), let permutation = plan.permutation(of: transpose),
                permutation.swapsLastTwo, let product = plan.nodes[id].op?.asTransposable,
                let op = product.taking(transposed: index, plan.facts[value].dtype)
            else { continue }
            var new = inputs
            new[index] = plan.nodes[transpose].inputs[0]
            var patch = PlanPatch(of: plan)
            let origin = plan.nodes[id].origin
            let output = try patch.add(op, new, before: id, in: plan, origin: origin)[0]
            guard plan.facts[plan.nodes[id].outputs[0]].shape.isImplied(by: patch.shape(of: output, in: plan)) else {
                continue
            }
            patch.replace(plan.nodes[id].outputs[0], with: output)
            patch.remove(id)
            return patch
        }
        return nil
    }
}

extension [Int] {
    /// Whether a permutation exchanges the last two axes and leaves the others where they are.
    fileprivate var swapsLastTwo: Bool {
        guard count >= 2 else { return false }
        var order = Array(indices)
        order.swapAt(count - 1, count - 2)
        return self == order
    }
}
