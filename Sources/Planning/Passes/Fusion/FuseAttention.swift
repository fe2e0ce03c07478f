internal import Kernels
internal import Operations
internal import Tensors

/// Computes attention, `softmax(queries * keys^T * factor + mask) * values`, for some queries at a time: the scores of all are never
/// written. Transposes of the operands and of the result become the way in which the kernel walks through them.
struct FuseAttention: PlanPass {
    static let name = "fuse-attention"
    static let summary = "Computes the products around a softmax of scores together, without writing all scores."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard let sides = plan.batchedProduct(id), sides == .plain, let ranks = plan.ranks(of: id),
            ranks.left == ranks.right, (3...4).contains(ranks.left),
            plan.facts[plan.nodes[id].outputs[0]].dtype == .float32,
            let softmax = plan.onlyUsed(plan.nodes[id].inputs[0], by: id),
            let op = plan.nodes[softmax].op?.asSoftmaxing, op.givesProbabilities,
            let scores = ScorePattern(of: softmax, rank: ranks.left, plan)
        else { return nil }
        let rank = ranks.left
        var operands = [
            plan.untransposed(plan.nodes[scores.product].inputs[0]),
            plan.untransposed(plan.nodes[scores.product].inputs[1]),
            plan.untransposed(plan.nodes[id].inputs[1]),
        ]
        if scores.sides.transposesLeft { operands[0] = operands[0].swapped(rank) }
        if !scores.sides.transposesRight { operands[1] = operands[1].swapped(rank) }
        // A matrix whose rows and columns are both spread out is brought into order first.
        guard operands.allSatisfy({ $0.isWalkable(rank) }) else { return nil }
        let transpose = plan.onlyUse(of: plan.nodes[id].outputs[0], by: id).flatMap { user in
            plan.permutation(of: user).flatMap { $0.last == rank - 1 ? (id: user, order: $0) : nil }
        }
        var patch = PlanPatch(of: plan)
        let attention = Attention(
            orders: operands.map(\.order), resultOrder: transpose?.order ?? [], factor: scores.factor,
            divisor: scores.divisor, hasMask: scores.mask != nil)
        let inputs = operands.map(\.value) + (scores.mask.map { [$0] } ?? [])
        let origin = plan.origin(of: id, and: [scores.product, softmax])
        let result = try patch.add(attention, inputs, before: id, in: plan, origin: origin)[0]
        let replaced = transpose?.id ?? id
        let old = plan.nodes[replaced].outputs[0]
        guard plan.facts[old].shape.isImplied(by: patch.shape(of: result, in: plan)) else { return nil }
        patch.replace(old, with: result)
        for node in Set([replaced, id, softmax]) { patch.remove(node) }
        return patch
    }
}

/// The ops that make the input of a softmax.
private struct ScorePattern {
    let product: Plan.NodeID
    let sides: BatchedProductSides
    private(set) var factor: Float = 1
    private(set) var divisor: Float = 1
    private(set) var mask: Plan.Value?

    init?(of softmax: Plan.NodeID, rank: Int, _ plan: borrowing Plan) {
        var user = softmax
        guard var place = plan.onlyUsed(plan.nodes[softmax].inputs[0], by: user) else { return nil }
        if let terms = plan.binary(place, .add) {
            var found: (product: Plan.NodeID, mask: Plan.Value)?
            for (scores, other) in [(terms[0], terms[1]), (terms[1], terms[0])] where found == nil {
                guard let inner = plan.onlyUsed(scores, by: place), Self.leads(inner, plan),
                    plan.facts[other].dtype == .float32, let own = plan.facts[other].shape.rank, own <= rank, own > 0
                else { continue }
                found = (inner, other)
            }
            guard let found else { return nil }
            mask = found.mask
            user = place
            place = found.product
        }
        if plan.batchedProduct(place) == nil {
            guard let (scores, isFactor, number) = Self.scaling(place, plan),
                let inner = plan.onlyUsed(scores, by: place)
            else { return nil }
            if isFactor { factor = number } else { divisor = number }
            place = inner
        }
        guard let sides = plan.batchedProduct(place), let ranks = plan.ranks(of: place), ranks.left == rank,
            ranks.right == rank
        else { return nil }
        product = place
        self.sides = sides
    }

    /// Whether a node is the product, or scales it.
    private static func leads(_ id: Plan.NodeID, _ plan: borrowing Plan) -> Bool {
        if plan.batchedProduct(id) != nil { return true }
        guard let (scores, _, _) = scaling(id, plan), let inner = plan.onlyUsed(scores, by: id) else { return false }
        return plan.batchedProduct(inner) != nil
    }

    /// A node that multiplies with a constant number, or divides by it.
    private static func scaling(
        _ id: Plan.NodeID, _ plan: borrowing Plan
    ) -> (scores: Plan.Value, isFactor: Bool, number: Float)? {
        func number(_ value: Plan.Value) -> Float? {
            guard let constant = plan.facts[value].value, constant.shape.rank == 0 else { return nil }
            return constant.scalars(as: Float.self)?.first
        }
        if let terms = plan.binary(id, .multiply) {
            if let factor = number(terms[1]) { return (terms[0], true, factor) }
            if let factor = number(terms[0]) { return (terms[1], true, factor) }
        }
        if let terms = plan.binary(id, .realDivide) ?? plan.binary(id, .divide), let divisor = number(terms[1]) {
            return (terms[0], false, divisor)
        }
        return nil
    }
}

/// A tensor whose axes are given in another order.
private struct OrderedOperand {
    let value: Plan.Value
    /// Empty where the order is that of the tensor.
    let order: [Int]

    /// With the last two axes exchanged.
    func swapped(_ rank: Int) -> OrderedOperand {
        var order = order.isEmpty ? Array(0..<rank) : order
        order.swapAt(rank - 1, rank - 2)
        return OrderedOperand(value: value, order: order == Array(0..<rank) ? [] : order)
    }

    /// Whether the rows or the columns of the matrices are adjacent elements.
    func isWalkable(_ rank: Int) -> Bool { order.isEmpty || order.suffix(2).contains(rank - 1) }
}

extension BatchedProductSides {
    fileprivate static let plain = BatchedProductSides(transposesLeft: false, transposesRight: false)
}

extension Plan {
    fileprivate func batchedProduct(_ id: NodeID) -> BatchedProductSides? {
        nodes[id].state == nil ? nodes[id].op?.asBatchedProduct?.batchedProduct : nil
    }

    fileprivate func ranks(of id: NodeID) -> (left: Int, right: Int)? {
        guard let left = facts[nodes[id].inputs[0]].shape.rank, let right = facts[nodes[id].inputs[1]].shape.rank else {
            return nil
        }
        return (left, right)
    }

    /// The permutation of a transpose.
    func permutation(of id: NodeID) -> [Int]? {
        guard nodes[id].state == nil, let op = nodes[id].op?.asMovement,
            case .transpose(let permutation)? = op.movement(inputFacts(of: id))
        else { return nil }
        return permutation
    }

    /// What a value is a transpose of.
    fileprivate func untransposed(_ value: Value) -> OrderedOperand {
        guard let id = producers[value], let permutation = permutation(of: id),
            permutation.last == permutation.count - 1
                || permutation.dropLast().last == permutation.count - 1
        else { return OrderedOperand(value: value, order: []) }
        return OrderedOperand(value: nodes[id].inputs[0], order: permutation)
    }

    /// The only user of a value, in the region and under the guard of the node that computes it.
    fileprivate func onlyUse(of value: Value, by id: NodeID) -> NodeID? {
        guard !uses[value].contains(Plan.fetchUse) else { return nil }
        let users = uses[value].filter { nodes[$0].isPresent }
        guard users.count == 1, let user = users.first, nodes[user].region == nodes[id].region,
            nodes[user].guarded == nodes[id].guarded
        else { return nil }
        return user
    }

    /// The inputs of a node that computes a formula of two.
    func binary(_ id: NodeID, _ formula: BinaryFormula) -> [Value]? {
        guard nodes[id].state == nil, let op = nodes[id].op?.asElementwise,
            op.elementwiseFormula == .binary(formula)
        else { return nil }
        return nodes[id].inputs
    }
}
