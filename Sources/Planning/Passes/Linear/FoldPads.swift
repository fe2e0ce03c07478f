internal import Operations

/// Lets convolutions take zeros around their images as padding of their own, instead of a copy with zeros around it.
struct FoldPads: PlanPass {
    static let name = "fold-pads"
    static let summary = "Makes zeros around images the padding of the convolutions that read them."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        let inputs = plan.nodes[id].inputs
        guard var op = plan.nodes[id].op, op.asPadded != nil, var images = inputs.first else { return nil }
        var pads: [Plan.NodeID] = []
        // There may be zeros around zeros.
        while let before = plan.only(producing: images, for: pads.last ?? id),
            let pad = plan.nodes[before].op?.asPadding, let zeros = pad.zeros(plan.inputFacts(of: before)),
            let padded = op.asPadded?.padded(with: zeros)
        {
            op = padded
            images = plan.nodes[before].inputs[0]
            pads.append(before)
        }
        guard !pads.isEmpty else { return nil }
        var patch = PlanPatch(of: plan)
        let outputs = try patch.add(
            op, [images] + inputs.dropFirst(), before: id, in: plan, origin: plan.origin(joining: id, pads))
        patch.replace(plan.nodes[id].outputs[0], with: outputs[0])
        patch.remove(id)
        for pad in pads { patch.remove(pad) }
        return patch
    }
}
