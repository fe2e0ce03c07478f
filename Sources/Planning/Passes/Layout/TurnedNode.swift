internal import Operations
internal import Tensors

/// How a node is computed from tensors whose axes lie in the plain order, where the plan has them in another one.
struct TurnedNode {
    /// What the node takes in the place of an input.
    enum Input {
        /// The tensor with its axes in the plain order.
        case turned
        /// The same.
        case same
        /// The elements of a weight or a constant, in the plain order.
        case elements
        /// Another constant: an axis.
        case constant(Tensor)
    }

    let op: any Op
    let inputs: [Input]
    /// Whether each output has its axes in the plain order too; else it is the same.
    let outputs: [Bool]

    /// - Returns: nil where there is no such computation.
    init?(_ id: Plan.NodeID, _ order: AxisOrder, in plan: borrowing Plan) {
        let node = plan.nodes[id]
        guard let op = node.op, node.state == nil, op.traits.allowsMoving, op.traits.allowsMerging else { return nil }
        let facts = plan.inputFacts(of: id)
        let made =
            switch op {
            case let op as any ImageOp: Self.image(op, order, facts)
            case let op as any ElementwiseOp: Self.elementwise(op, order, facts)
            case let op as any JoiningOp: Self.joining(op, order, facts)
            case let op as any PartingOp: Self.parting(op, order, facts)
            case let op as any PaddingOp: Self.padding(op, order, facts)
            case let op as any ReducingOp: Self.reducing(op, order, facts)
            default: Made?.none
            }
        guard let made else { return nil }
        self.op = made.op
        inputs = made.inputs
        // Of images, the first output alone is one.
        let first = made.turnsOutputs
        outputs = node.outputs.indices.map { first && ($0 == 0 || op.asImage == nil) }
        guard fits(facts, node.outputs, order, plan) else { return nil }
    }

    /// Whether the rule gives what is known of the outputs.
    private func fits(
        _ facts: [TensorFact], _ values: [Plan.Value], _ order: AxisOrder, _ plan: borrowing Plan
    ) -> Bool {
        guard facts.count == inputs.count else { return false }
        let plain = zip(facts, inputs).map { fact, input -> TensorFact in
            switch input {
            case .same: fact
            case .turned: TensorFact(fact.dtype, order.plain(fact.shape))
            case .elements: TensorFact(fact.dtype, order.plain(fact.shape.padded(to: order.rank)))
            case .constant(let tensor): TensorFact(tensor)
            }
        }
        guard let results = try? op.outputs(for: plain), results.count == values.count else { return false }
        for (index, value) in values.enumerated() {
            let known = plan.facts[value]
            guard !outputs[index] || known.shape.rank == order.rank, results[index].dtype == known.dtype else {
                return false
            }
            let shape = outputs[index] ? order.plain(known.shape) : known.shape
            guard shape.isImplied(by: results[index].shape) else { return false }
        }
        return true
    }

    private typealias Made = (op: any Op, inputs: [Input], turnsOutputs: Bool)

    private static func image(_ op: any ImageOp, _ order: AxisOrder, _ facts: [TensorFact]) -> Made? {
        let images = facts[op.imageInput]
        guard order == .channelsFirst, images.shape.rank == 4, !images.hasElements, let last = op.channelsLast(facts)
        else { return nil }
        return (last, facts.indices.map { $0 == op.imageInput ? .turned : .same }, true)
    }

    private static func elementwise(_ op: any ElementwiseOp, _ order: AxisOrder, _ facts: [TensorFact]) -> Made? {
        guard op.elementwiseFormula != nil else { return nil }
        var inputs: [Input] = []
        for fact in facts {
            guard let input = operand(fact, order) else { return nil }
            inputs.append(input)
        }
        return (op, inputs, true)
    }

    /// An operand that is broadcast, or as large as the others.
    private static func operand(_ fact: TensorFact, _ order: AxisOrder) -> Input? {
        guard let rank = fact.shape.rank, rank <= order.rank else { return nil }
        if fact.shape.known?.elementCount == 1 { return .same }
        if fact.hasElements { return fact.shape.known == nil ? nil : .elements }
        return rank == order.rank ? .turned : nil
    }

    private static func joining(_ op: any JoiningOp, _ order: AxisOrder, _ facts: [TensorFact]) -> Made? {
        guard let joining = op.joining(facts) else { return nil }
        var inputs: [Input] = []
        for (index, fact) in facts.enumerated() {
            if joining.inputs.contains(index) {
                guard fact.shape.rank == order.rank else { return nil }
                inputs.append(fact.hasElements ? .elements : .turned)
            } else {
                guard let axis = fact.replacing([order.axes[joining.axis]]) else { return nil }
                inputs.append(.constant(axis))
            }
        }
        return (op, inputs, true)
    }

    private static func parting(_ op: any PartingOp, _ order: AxisOrder, _ facts: [TensorFact]) -> Made? {
        guard facts.count == 2, let parting = op.parting(facts), facts[parting.input].shape.rank == order.rank,
            let axis = facts[1 - parting.input].replacing([order.axes[parting.axis]])
        else { return nil }
        return (op, parting.input == 0 ? [.turned, .constant(axis)] : [.constant(axis), .turned], true)
    }

    private static func padding(_ op: any PaddingOp, _ order: AxisOrder, _ facts: [TensorFact]) -> Made? {
        guard facts[0].shape.rank == order.rank, let zeros = op.zeros(facts), zeros.count == 2 * order.rank else {
            return nil
        }
        let rows = order.inverse.transposed(order.axes.indices.map { [zeros[2 * $0], zeros[2 * $0 + 1]] })
        guard let amounts = facts[1].replacing(Array(rows.joined())) else { return nil }
        return (op, [.turned, .constant(amounts)] + facts.dropFirst(2).map { _ in .same }, true)
    }

    private static func reducing(_ op: any ReducingOp, _ order: AxisOrder, _ facts: [TensorFact]) -> Made? {
        guard facts.count == 2, facts[0].shape.rank == order.rank, let fold = op.fold(facts),
            let axes = facts[1].replacing(fold.axes.map { order.axes[$0] })
        else { return nil }
        let kept = order.axes.indices.filter { !fold.axes.contains($0) }.map { order.axes[$0] }
        // What is left must lie in the same order.
        guard fold.keepsDimensions || kept == kept.sorted() else { return nil }
        return (op, [.turned, .constant(axes)], fold.keepsDimensions)
    }
}

extension TensorFact {
    /// Other integers in the place of known ones: of the same dtype and shape.
    fileprivate func replacing(_ integers: [Int]) -> Tensor? {
        guard let shape = shape.known, shape.elementCount == integers.count else { return nil }
        switch dtype {
        case .int32: return Tensor(integers.map { Int32(truncatingIfNeeded: $0) }, shape: shape.dimensions)
        case .int64: return Tensor(integers.map(Int64.init), shape: shape.dimensions)
        default: return nil
        }
    }
}

extension PartialShape {
    /// The shape with axes of one element before its own.
    fileprivate func padded(to rank: Int) -> PartialShape {
        guard let dimensions, dimensions.count < rank else { return self }
        return PartialShape(Array(repeating: 1, count: rank - dimensions.count) + dimensions)
    }
}
