internal import Operations
internal import Tensors

/// The order of the axes of a transposed tensor: its axis `i` is axis `axes[i]` of the plain one.
struct AxisOrder: Hashable {
    let axes: [Int]

    /// Images whose channels come second, as a transpose of those whose channels come last.
    static let channelsFirst = AxisOrder(axes: [0, 3, 1, 2])

    var rank: Int { axes.count }
    var isIdentity: Bool { axes.indices.allSatisfy { axes[$0] == $0 } }
    /// The order that undoes this one.
    var inverse: AxisOrder {
        var result = axes
        for (place, axis) in axes.enumerated() { result[axis] = place }
        return AxisOrder(axes: result)
    }

    /// The order of a transpose, by another order, of what has this one.
    func followed(by next: AxisOrder) -> AxisOrder { AxisOrder(axes: next.axes.map { axes[$0] }) }

    /// One number for each axis of the plain tensor, in the order of the transposed one.
    func transposed<Number>(_ plain: [Number]) -> [Number] { axes.map { plain[$0] } }

    /// What the transposed tensor tells of the shape of the plain one.
    func plain(_ transposed: PartialShape) -> PartialShape {
        guard let dimensions = transposed.dimensions, dimensions.count == rank else { return transposed }
        return PartialShape(inverse.transposed(dimensions))
    }
}

extension Plan {
    /// The order in which a transpose gives the axes of its input.
    func axisOrder(ofTranspose id: NodeID) -> AxisOrder? {
        guard let axes = permutation(of: id), facts[nodes[id].inputs[0]].shape.rank == axes.count else { return nil }
        return AxisOrder(axes: axes)
    }
}

/// The transposes of a plan.
struct TransposeTable {
    private let orders: [Plan.NodeID: AxisOrder]

    init(_ plan: borrowing Plan) {
        var orders: [Plan.NodeID: AxisOrder] = [:]
        for id in plan.schedule { orders[id] = plan.axisOrder(ofTranspose: id) }
        self.orders = orders
    }

    /// The order of a transpose; nil for any other node.
    subscript(id: Plan.NodeID) -> AxisOrder? { orders[id] }

    /// Whether a transpose of that order gives a value.
    func gives(_ value: Plan.Value, _ order: AxisOrder, in plan: borrowing Plan) -> Bool {
        guard let id = plan.producers[value] else { return false }
        return orders[id] == order
    }
}

extension PlanPatch {
    /// Adds a transpose before a node.
    mutating func addTranspose(
        _ value: Plan.Value, _ order: AxisOrder, before id: Plan.NodeID, in plan: borrowing Plan
    ) throws(OpError) -> Plan.Value? {
        guard let axes = addVector(order.axes) else { return nil }
        let origin = Plan.Origin(node: plan.nodes[id].origin.node, op: "Transpose")
        return try add(LayoutOps.transpose, [value, axes], before: id, in: plan, origin: origin)[0]
    }

    /// Adds the elements of a weight or a constant, of no more axes than the order has, with the axes in the order that this one is of.
    mutating func addPlain(
        _ value: Plan.Value, _ order: AxisOrder, in plan: borrowing Plan
    ) throws(OpError) -> Plan.Value? {
        guard let dimensions = plan.facts[value].shape.known?.dimensions, dimensions.count <= order.rank else {
            return nil
        }
        var whole = value
        if dimensions.count < order.rank {
            let sizes = Array(repeating: 1, count: order.rank - dimensions.count) + dimensions
            guard let shape = addVector(sizes),
                let reshaped = try addWeight(LayoutOps.reshape, [value, shape], in: plan)
            else { return nil }
            whole = reshaped
        }
        guard let axes = addVector(order.inverse.axes) else { return nil }
        return try addWeight(LayoutOps.transpose, [whole, axes], in: plan)
    }

    private mutating func addVector(_ numbers: [Int]) -> Plan.Value? {
        let narrow = numbers.compactMap { Int32(exactly: $0) }
        guard narrow.count == numbers.count, let tensor = Tensor(narrow) else { return nil }
        return addConstant(TensorFact(tensor))
    }
}
