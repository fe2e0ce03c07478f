internal import Operations

/// Finds the largest elements of a product's rows while the product is computed, block by block: it is not written, and not sorted.
struct FuseTopProducts: PlanPass {
    static let name = "fuse-topk-product"
    static let summary = "Computes a product block by block where only the largest elements of its rows are used."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        let node = plan.nodes[id]
        guard let ranking = node.op?.asProductRanking, node.state == nil,
            let product = plan.onlyUsed(node.inputs.first, by: id), let productOp = plan.nodes[product].op
        else { return nil }
        var factors: [TensorFact] = []
        for value in plan.nodes[product].inputs { factors.append(plan.facts[value]) }
        var inputs: [TensorFact] = []
        for value in node.inputs { inputs.append(plan.facts[value]) }
        guard let op = ranking.ranking(productOp, factors, inputs) else { return nil }
        var patch = PlanPatch(of: plan)
        let results = try patch.add(
            op, plan.nodes[product].inputs, before: id, in: plan, origin: plan.origin(of: id, and: [product]))
        for (old, new) in zip(node.outputs, results) { patch.replace(old, with: new) }
        patch.remove(id)
        patch.remove(product)
        return patch
    }
}

extension Plan {
    /// The origin of a node that stands for others too.
    func origin(of id: NodeID, and others: [NodeID]) -> Origin {
        var origin = nodes[id].origin
        for other in others { origin.merged += [nodes[other].origin.node] + nodes[other].origin.merged }
        return origin
    }

    /// The node that computes a value as its only output, if a node of the same region and guard is its only user.
    func onlyUsed(_ value: Value?, by user: NodeID) -> NodeID? {
        guard let value, let id = producers[value], nodes[id].outputs == [value], nodes[id].state == nil,
            nodes[id].region == nodes[user].region, nodes[id].guarded == nodes[user].guarded
        else { return nil }
        var count = 0
        for other in uses[value] {
            guard other == user else {
                if other != Plan.fetchUse, !nodes[other].isPresent { continue }
                return nil
            }
            count += 1
        }
        return count == 1 ? id : nil
    }
}
