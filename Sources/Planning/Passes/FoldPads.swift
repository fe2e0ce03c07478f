internal import Operations

/// Lets convolutions take zeros around their images as padding of their own, instead of a copy with zeros around it.
struct FoldPads: PlanPass {
    static let name = "fold-pads"
    static let summary = "Makes zeros around images the padding of the convolutions that read them."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        let inputs = plan.nodes[id].inputs
        guard let convolution = plan.nodes[id].op?.asPadded, let images = inputs.first,
            let before = plan.only(producing: images, for: id), let pad = plan.nodes[before].op?.asPadding
        else { return nil }
        var facts: [TensorFact] = []
        for value in plan.nodes[before].inputs { facts.append(plan.facts[value]) }
        guard let zeros = pad.zeros(facts), let op = convolution.padded(with: zeros) else { return nil }
        var patch = PlanPatch(of: plan)
        let outputs = try patch.add(
            op, [plan.nodes[before].inputs[0]] + inputs.dropFirst(), before: id, in: plan,
            origin: plan.origin(joining: id, [before]))
        patch.replace(plan.nodes[id].outputs[0], with: outputs[0])
        patch.remove(id)
        patch.remove(before)
        return patch
    }
}
