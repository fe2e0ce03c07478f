internal import Operations
internal import Tensors

/// Computes before a loop what a recurrent cell multiplies its inputs by: of the product of a weight and the input beside the state, only
/// the state's part depends on the iteration before. A product of the input alone is computed before the loop with its bias.
struct HoistInputProducts: PlanPass {
    static let name = "hoist-input-products"
    static let summary = "Multiplies the inputs of all iterations of a loop by a weight at once, before the loop."
    static let forms: Set<PlanForm> = [.general]

    /// The products of all iterations may take so many times the memory that the inputs take.
    private static let maxGrowth = 32

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        let node = plan.nodes[id]
        guard let product = node.op?.asPartableProduct, product.isPlain, node.state == nil,
            plan.facts[node.inputs[1]].hasElements, let weight = plan.facts[node.inputs[1]].shape.known,
            plan.facts[node.outputs[0]].dtype == .float32
        else { return nil }
        if let read = plan.sequence(read: node.inputs[0], in: node.region) {
            return try hoist(id, product, of: read, weight, in: plan)
        }
        guard let joiner = plan.onlyUsed(node.inputs[0], by: id), let join = plan.nodes[joiner].op?.asJoining,
            let joining = join.joining(plan.inputFacts(of: joiner)), joining.axis == 1, joining.inputs.count == 2
        else { return nil }
        let parts = joining.inputs.map { plan.nodes[joiner].inputs[$0] }
        let sizes = parts.map { plan.facts[$0].shape.dimension(1) }
        let found = parts.indices.first { plan.sequence(read: parts[$0], in: node.region) != nil }
        // One of the sizes may be known by the other one.
        guard let input = found, let (rows, index, loop) = plan.sequence(read: parts[input], in: node.region),
            plan.facts[rows].shape.rank == 3, sizes[input] > 0, weight.dimensions[0] > sizes[input],
            sizes[1 - input] < 0 || sizes[0] + sizes[1] == weight.dimensions[0],
            weight.dimensions[1] <= Self.maxGrowth * sizes[input]
        else { return nil }
        var patch = PlanPatch(of: plan)
        let first = input == 0 ? 0 : weight.dimensions[0] - sizes[input]
        let own = RowRange(first: first, count: sizes[input])
        let other = RowRange(
            first: input == 0 ? sizes[input] : 0, count: weight.dimensions[0] - sizes[input])
        guard let inputWeight = try patch.addWeight(own, [node.inputs[1]], in: plan),
            let stateWeight = try patch.addWeight(other, [node.inputs[1]], in: plan)
        else { return nil }
        let all = try patch.add(product.ofSequence, [rows, inputWeight], before: loop, in: plan, origin: node.origin)[0]
        let row = try patch.add(RowOfTensor(), [all, index], before: id, in: plan)[0]
        let rest = try patch.add(product, [parts[1 - input], stateWeight], before: id, in: plan)[0]
        let sum = try patch.add(product.sum, [row, rest], before: id, in: plan)[0]
        guard plan.facts[node.outputs[0]].shape.isImplied(by: patch.shape(of: sum, in: plan)) else { return nil }
        patch.replace(node.outputs[0], with: sum)
        patch.remove(id)
        patch.remove(joiner)
        return patch
    }

    /// The product of the inputs alone, with a bias that is added to it.
    private func hoist(
        _ id: Plan.NodeID, _ product: any PartableProduct, of read: Plan.SequenceRead, _ weight: Shape,
        in plan: borrowing Plan
    ) throws(OpError) -> PlanPatch? {
        let node = plan.nodes[id]
        let inputs = plan.facts[read.rows].shape
        guard inputs.rank == 3, inputs.dimension(2) == weight.dimensions[0],
            weight.dimensions[1] <= Self.maxGrowth * weight.dimensions[0]
        else { return nil }
        var patch = PlanPatch(of: plan)
        var all = try patch.add(
            product.ofSequence, [read.rows, node.inputs[1]], before: read.loop, in: plan, origin: node.origin)[0]
        var last = id
        if let adder = plan.users(of: node.outputs[0])?.onlyElement, plan.runs(adder, with: id),
            plan.nodes[adder].inputs[0] == node.outputs[0], let op = plan.nodes[adder].op?.asChannelAffine,
            case .adding(let other)? = op.channelAffine(of: 0, plan.inputFacts(of: adder))?.formula,
            plan.facts[plan.nodes[adder].inputs[other]].shape.dimensions == [weight.dimensions[1]],
            plan.isKnownBefore(read.loop, plan.nodes[adder].inputs[other])
        {
            all = try patch.add(
                product.sum, [all, plan.nodes[adder].inputs[other]], before: read.loop, in: plan,
                origin: plan.nodes[adder].origin)[0]
            patch.remove(id)
            last = adder
        }
        let row = try patch.add(RowOfTensor(), [all, read.index], before: last, in: plan)[0]
        let old = plan.nodes[last].outputs[0]
        guard plan.facts[old].shape.isImplied(by: patch.shape(of: row, in: plan)) else { return nil }
        patch.replace(old, with: row)
        patch.remove(last)
        return patch
    }
}

extension Array {
    fileprivate var onlyElement: Element? { count == 1 ? self[0] : nil }
}

extension Plan {
    /// What is known of a node's inputs.
    func inputFacts(of id: NodeID) -> [TensorFact] {
        var inputs: [TensorFact] = []
        for value in nodes[id].inputs { inputs.append(facts[value]) }
        return inputs
    }

    /// A row that is read in a loop: the tensor, the number of the row, and the loop.
    fileprivate typealias SequenceRead = (rows: Value, index: Value, loop: NodeID)

    /// A row that is read in a loop, if the tensor is known before the loop.
    fileprivate func sequence(read row: Value, in region: RegionID) -> SequenceRead? {
        guard let reader = producers[row], nodes[reader].op is RowOfTensor, let loop = regions[region].loop,
            nodes[loop].guarded == .always
        else { return nil }
        let (rows, index) = (nodes[reader].inputs[0], nodes[reader].inputs[1])
        return nodes[loop].outputs.contains(index) && isKnownBefore(loop, rows) ? (rows, index, loop) : nil
    }
}
