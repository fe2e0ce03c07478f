internal import Operations
internal import Tensors

/// Lets products and convolutions read weights that lie in panels, which are made once for each version.
struct PackWeights: PlanPass {
    static let name = "pack-weights"
    static let summary = "Lays weights out in the order in which products read them."

    private var precision = Precision.fp32

    mutating func begin(_ plan: borrowing Plan, _ options: PassOptions) { precision = options.precision }

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard let op = plan.nodes[id].op?.asPackable else { return nil }
        let inputs = plan.nodes[id].inputs
        var facts: [TensorFact] = []
        for value in inputs { facts.append(plan.facts[value]) }
        guard let form = op.packed(facts, precision), facts[form.weight].hasElements, !facts[form.data].hasElements
        else {
            return nil
        }
        var patch = PlanPatch(of: plan)
        var panels = inputs[form.weight]
        if let packing = form.packing {
            guard let packed = try patch.addWeight(packing, [panels], in: plan) else { return nil }
            panels = packed
        }
        let outputs = try patch.add(
            form.op, [inputs[form.data], panels], before: id, in: plan, origin: plan.nodes[id].origin)
        patch.replace(plan.nodes[id].outputs[0], with: outputs[0])
        patch.remove(id)
        return patch
    }
}
