internal import Kernels
internal import Operations
internal import Tensors

/// Lets products and convolutions add the bias and another tensor, and apply the activation, before they write their output.
struct FuseEpilogues: PlanPass {
    static let name = "fuse-epilogues"
    static let summary = "Adds biases and residuals, and applies activations, where products write their outputs."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard let op = plan.nodes[id].op, plan.nodes[id].outputs.count == 1 else { return nil }
        let inputs = plan.nodes[id].inputs
        if let patch = try Self.fuseThroughView(op, id, plan) { return patch }
        for (index, data) in inputs.enumerated() {
            guard let product = plan.only(producing: data, for: id),
                let before = plan.nodes[product].op?.asFinishing,
                let (finish, added) = Self.finish(before.finish, op, index, id, plan), finish.isComputable
            else { continue }
            var patch = PlanPatch(of: plan)
            let output = try patch.add(
                before.with(finish), plan.nodes[product].inputs + added, before: id, in: plan,
                origin: plan.origin(joining: product, [id]))
            patch.replace(plan.nodes[id].outputs[0], with: output[0])
            patch.remove(id)
            patch.remove(product)
            return patch
        }
        return nil
    }

    /// An activation of a product's output under another shape: the product applies it, and its output gets that shape.
    private static func fuseThroughView(
        _ op: any Op, _ id: Plan.NodeID, _ plan: borrowing Plan
    ) throws(OpError) -> PlanPatch? {
        guard plan.nodes[id].inputs.count == 1, let view = plan.only(producing: plan.nodes[id].inputs[0], for: id),
            let reshape = plan.nodes[view].op, reshape.asMovement?.movement(plan.inputFacts(of: view)) == .reshape,
            let product = plan.only(producing: plan.nodes[view].inputs[0], for: view),
            let before = plan.nodes[product].op?.asFinishing,
            let (finish, added) = finish(before.finish, op, 0, id, plan), finish.activation != nil, added.isEmpty,
            finish.isComputable
        else { return nil }
        var patch = PlanPatch(of: plan)
        let output = try patch.add(
            before.with(finish), plan.nodes[product].inputs, before: view, in: plan,
            origin: plan.origin(joining: product, [id]))
        let shaped = try patch.add(
            reshape, output + plan.nodes[view].inputs.dropFirst(), before: id, in: plan,
            origin: plan.nodes[view].origin)
        let old = plan.nodes[id].outputs[0]
        guard plan.facts[old].shape.isImplied(by: patch.shape(of: shaped[0], in: plan)) else { return nil }
        patch.replace(old, with: shaped[0])
        for node in [id, view, product] { patch.remove(node) }
        return patch
    }

    /// The finish of a product with what an op adds to it.
    ///
    /// - Returns: The finish, and what the product takes for it; nil where the op is nothing of the kind.
    private static func finish(
        _ finish: LinearFinish, _ op: any Op, _ data: Int, _ id: Plan.NodeID, _ plan: borrowing Plan
    ) -> (LinearFinish, [Plan.Value])? {
        guard finish.activation == nil else { return nil }
        var finish = finish
        let inputs = plan.nodes[id].inputs
        var facts: [TensorFact] = []
        for value in inputs { facts.append(plan.facts[value]) }
        if let elementwise = op.asElementwise, plan.facts[plan.nodes[id].outputs[0]].dtype == .float32 {
            switch elementwise.elementwiseFormula {
            case .unary(let formula) where inputs.count == 1:
                finish.activation = .unary(formula)
                return (finish, [])
            case .leakyRelu(let alpha) where inputs.count == 1:
                finish.activation = .leakyRelu(alpha: alpha)
                return (finish, [])
            case .binary(.add) where !finish.hasResidual, .sum where inputs.count == 2 && !finish.hasResidual:
                // Shapes that are equal in all runs.
                let other = inputs[1 - data]
                if facts[0].shape.isFullyDefined, facts[0].shape == facts[1].shape, !facts[1 - data].hasElements {
                    finish.hasResidual = true
                    return (finish, [other])
                }
            default: break
            }
        }
        guard !finish.hasBias, !finish.hasResidual, let affine = op.asChannelAffine,
            let function = affine.channelAffine(of: data, facts), case .adding(let bias) = function.formula,
            let rank = facts[data].shape.rank, function.axis == rank - 1, facts[bias].dtype == .float32,
            let channels = facts[data].shape.dimensions?.last, channels >= 0,
            facts[bias].shape.known?.elementCount == channels
        else { return nil }
        finish.hasBias = true
        return (finish, [inputs[bias]])
    }
}
