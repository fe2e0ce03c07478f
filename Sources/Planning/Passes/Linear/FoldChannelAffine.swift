internal import Operations
internal import Tensors

/// Folds what multiplies each channel of a product or a convolution by a number, and adds another one to it, into the weight and a bias: a
/// normalisation by given moments, a bias before it.
///
/// The numbers are a version's. A plan that folds them holds for versions in which ``FoldingCheck`` allows it.
struct FoldChannelAffine: PlanPass {
    static let name = "fold-channel-affine"
    static let summary = "Folds normalisations into the weights and biases before them."

    /// A product, and the functions of its channels that follow it.
    private struct Chain {
        let linear: Plan.NodeID
        let role: LinearRole
        /// In the order in which they run.
        let links: [Link]
    }

    private struct Link {
        let node: Plan.NodeID
        let affine: ChannelAffine
        let operands: [Plan.Value]
    }

    private static let maxLinks = 8

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard let chain = Self.chain(endingAt: id, plan), chain.links.contains(where: \.affine.scales) else {
            return nil
        }
        let linear = plan.nodes[chain.linear]
        let weight = linear.inputs[chain.role.weight]
        guard let op = linear.op, let dimensions = plan.facts[weight].shape.dimensions,
            let first = chain.role.weightAxes.first, let last = chain.role.weightAxes.last,
            chain.role.weightAxes.count == last - first + 1, let rank = plan.facts[linear.outputs[0]].shape.rank,
            let bias = ChannelOps.bias(axis: chain.role.outputAxis, rank: rank)
        else { return nil }
        var patch = PlanPatch(of: plan)
        guard let (scaled, shift) = try Self.fold(chain, dimensions, axes: first...last, into: &patch, plan) else {
            return nil
        }
        var inputs = linear.inputs
        inputs[chain.role.weight] = scaled
        let origin = plan.origin(joining: chain.linear, chain.links.map(\.node))
        var output = try patch.add(op, inputs, before: id, in: plan, origin: origin)[0]
        if let shift { output = try patch.add(bias, [output, shift], before: id, in: plan)[0] }
        patch.replace(plan.nodes[id].outputs[0], with: output)
        for link in chain.links { patch.remove(link.node) }
        patch.remove(chain.linear)
        return patch
    }

    /// The weight times the scales, and what is added to each channel.
    private static func fold(
        _ chain: Chain, _ dimensions: [Int], axes: ClosedRange<Int>, into patch: inout PlanPatch,
        _ plan: borrowing Plan
    ) throws(OpError) -> (scaled: Plan.Value, shift: Plan.Value?)? {
        let own = dimensions.indices[axes.lowerBound...].map { axes.contains($0) ? dimensions[$0] : 1 }
        let channels = own.reduce(1, *)
        var scaled = plan.nodes[chain.linear].inputs[chain.role.weight]
        var shift: Plan.Value?
        var factors: [[Plan.Value]] = []
        for link in chain.links {
            if link.affine.scales {
                let factor = ChannelCoefficient(.scale, of: link.affine, dimensions: own)
                guard let scale = try patch.addWeight(factor, link.operands, in: plan),
                    let product = try patch.addWeight(ChannelOps.product, [scaled, scale], in: plan)
                else { return nil }
                factors.append([scaled, scale, product])
                scaled = product
                if let known = shift {
                    let factor = ChannelCoefficient(.scale, of: link.affine, dimensions: [channels])
                    guard let scale = try patch.addWeight(factor, link.operands, in: plan) else { return nil }
                    shift = try patch.addWeight(ChannelOps.product, [known, scale], in: plan)
                }
            }
            guard link.affine.shifts else { continue }
            let summand = ChannelCoefficient(.shift, of: link.affine, dimensions: [channels])
            guard let added = try patch.addWeight(summand, link.operands, in: plan) else { return nil }
            shift =
                if let known = shift { try patch.addWeight(ChannelOps.sum, [known, added], in: plan) } else { added }
        }
        let check = FoldingCheck(run: dimensions[(axes.upperBound + 1)...].reduce(1, *))
        for factor in factors {
            guard try patch.require(check, factor + (shift.map { [$0] } ?? []), in: plan) else { return nil }
        }
        return (scaled, shift)
    }

    private static func chain(endingAt id: Plan.NodeID, _ plan: borrowing Plan) -> Chain? {
        // Only the first output of a normalisation is a function of the channels.
        for output in plan.nodes[id].outputs.dropFirst() where !plan.uses[output].isEmpty { return nil }
        var links: [Link] = []
        var node = id
        while links.count < maxLinks {
            guard let (link, data) = link(node, plan), let before = plan.only(producing: data, for: node) else {
                return nil
            }
            links.insert(link, at: 0)
            if let role = role(before, of: data, plan) {
                let fits = links.allSatisfy { ($0.affine.axis ?? role.outputAxis) == role.outputAxis }
                return fits ? Chain(linear: before, role: role, links: links) : nil
            }
            node = before
        }
        return nil
    }

    /// The function that a node is, if its numbers are the same in all runs, and what it is a function of.
    private static func link(_ id: Plan.NodeID, _ plan: borrowing Plan) -> (link: Link, data: Plan.Value)? {
        guard let op = plan.nodes[id].op?.asChannelAffine else { return nil }
        let inputs = plan.nodes[id].inputs
        var facts: [TensorFact] = []
        for value in inputs { facts.append(plan.facts[value]) }
        for data in inputs.indices.prefix(2) where !facts[data].hasElements {
            guard let affine = op.channelAffine(of: data, facts),
                affine.operands.allSatisfy({ facts[$0].hasElements && facts[$0].dtype == .float32 })
            else { continue }
            return (Link(node: id, affine: affine, operands: affine.operands.map { inputs[$0] }), inputs[data])
        }
        return nil
    }

    /// How a node is linear, if its weight is the same in all runs.
    private static func role(_ id: Plan.NodeID, of value: Plan.Value, _ plan: borrowing Plan) -> LinearRole? {
        guard let op = plan.nodes[id].op?.asLinear, plan.facts[value].dtype == .float32 else { return nil }
        var facts: [TensorFact] = []
        for value in plan.nodes[id].inputs { facts.append(plan.facts[value]) }
        return op.linearRoles(facts).first { role in
            facts.indices.contains(role.weight) && facts[role.weight].hasElements && !facts[role.data].hasElements
                && facts[role.weight].dtype == .float32 && facts[role.weight].shape.known?.elementCount ?? 0 > 0
        }
    }
}
