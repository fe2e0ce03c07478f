internal import Operations

/// Computes parts of a plan on tensors whose axes lie in another order, where fewer elements are moved then: transposes meet and cancel, and
/// convolutions of images whose channels come first become convolutions of images whose channels come last.
struct MoveTransposes: PlanPass {
    static let name = "move-transposes"
    static let summary = "Computes images channels last, and moves transposes to where they cancel."

    /// By the first node.
    private var regions: [Plan.NodeID: TransposedRegion] = [:]

    /// The maximum number of orders of axes, loops and branches that a plan is searched for.
    private static let maxPlaces = 16

    mutating func begin(_ plan: borrowing Plan, _ options: PassOptions) {
        let transposes = TransposeTable(plan)
        var places: Set<Place> = []
        for id in plan.schedule where places.count < Self.maxPlaces {
            let order: AxisOrder
            if plan.nodes[id].op?.asImage != nil {
                order = .channelsFirst
            } else if let own = transposes[id], !own.isIdentity {
                order = own
            } else {
                continue
            }
            places.insert(Place(order: order, region: plan.nodes[id].region, guarded: plan.nodes[id].guarded))
        }
        for place in places.sorted(by: { $0.order.axes.lexicographicallyPrecedes($1.order.axes) }) {
            for region in TransposedRegion.all(place.order, in: place.region, place.guarded, transposes, plan) {
                guard let first = region.nodes.first, regions[first] == nil else { continue }
                regions[first] = region
            }
        }
    }

    private struct Place: Hashable {
        let order: AxisOrder
        let region: Plan.RegionID
        let guarded: Guard
    }

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        if let region = regions[id] {
            // Another patch may have taken nodes of it.
            for node in region.nodes where !plan.nodes[node].isPresent { return nil }
            return try RegionTurning(region, plan).patch(plan)
        }
        return try join(id, plan)
    }

    /// Makes one transpose of two that follow each other, or none.
    private func join(_ id: Plan.NodeID, _ plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard let last = plan.axisOrder(ofTranspose: id), let before = plan.producers[plan.nodes[id].inputs[0]],
            plan.runs(before, with: id), let first = plan.axisOrder(ofTranspose: before)
        else { return nil }
        return try RegionTurning.joined(first.followed(by: last), of: plan.nodes[before].inputs[0], id, plan)
    }
}

/// The patch that computes a region in the plain order.
private struct RegionTurning {
    private let region: TransposedRegion
    private var patch: PlanPatch
    /// The tensors in the plain order, by the values that they take the place of.
    private var plain: [Plan.Value: Plan.Value] = [:]

    init(_ region: TransposedRegion, _ plan: borrowing Plan) {
        self.region = region
        patch = PlanPatch(of: plan)
    }

    consuming func patch(_ plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        for id in region.nodes {
            guard try turn(id, plan) else { return nil }
        }
        for id in region.nodes { patch.remove(id) }
        return patch
    }

    /// Adds the node that computes what a node does.
    private mutating func turn(_ id: Plan.NodeID, _ plan: borrowing Plan) throws(OpError) -> Bool {
        guard let node = region.turned[id] else { return false }
        var inputs: [Plan.Value] = []
        for (value, input) in zip(plan.nodes[id].inputs, node.inputs) {
            guard let new = try self.input(value, input, before: id, plan) else { return false }
            inputs.append(new)
        }
        let results = try patch.add(node.op, inputs, before: id, in: plan)
        for (index, value) in plan.nodes[id].outputs.enumerated() {
            guard node.outputs[index] else {
                guard replace(value, with: results[index], plan) else { return false }
                continue
            }
            plain[value] = results[index]
            guard try hand(value, as: results[index], before: id, plan) else { return false }
        }
        return true
    }

    private mutating func input(
        _ value: Plan.Value, _ input: TurnedNode.Input, before id: Plan.NodeID, _ plan: borrowing Plan
    ) throws(OpError) -> Plan.Value? {
        switch input {
        case .same: return value
        case .constant(let tensor): return patch.addConstant(TensorFact(tensor))
        case .elements: return try patch.addPlain(value, region.order, in: plan)
        case .turned:
            if let known = plain[value] { return known }
            if let transpose = plan.producers[value], plan.axisOrder(ofTranspose: transpose) == region.order {
                return plan.nodes[transpose].inputs[0]
            }
            let added = try patch.addTranspose(value, region.order.inverse, before: id, in: plan)
            plain[value] = added
            return added
        }
    }

    /// Gives a value, which is known in the plain order, to those outside who use it.
    private mutating func hand(
        _ value: Plan.Value, as plain: Plan.Value, before id: Plan.NodeID, _ plan: borrowing Plan
    ) throws(OpError) -> Bool {
        for user in Set(plan.uses[value]).sorted() where user != Plan.fetchUse && plan.nodes[user].isPresent {
            guard !region.contains(user), plan.nodes[user].inputs.first == value,
                let order = plan.axisOrder(ofTranspose: user)
            else { continue }
            let joined = region.order.followed(by: order)
            var new: Plan.Value? = plain
            if !joined.isIdentity { new = try patch.addTranspose(plain, joined, before: user, in: plan) }
            guard let new, replace(plan.nodes[user].outputs[0], with: new, plan) else { return false }
            patch.remove(user)
        }
        guard region.isNeededTransposed(value, plan) else { return true }
        guard let transposed = try patch.addTranspose(plain, region.order, before: id, in: plan) else { return false }
        return replace(value, with: transposed, plan)
    }

    /// - Returns: false where less would be known of the value.
    private mutating func replace(_ old: Plan.Value, with new: Plan.Value, _ plan: borrowing Plan) -> Bool {
        guard plan.facts[old].shape.isImplied(by: patch.shape(of: new, in: plan)) else { return false }
        patch.replace(old, with: new)
        return true
    }

    /// The patch that gives a tensor's axes another order in the place of a transpose.
    static func joined(
        _ order: AxisOrder, of value: Plan.Value, _ id: Plan.NodeID, _ plan: borrowing Plan
    ) throws(OpError) -> PlanPatch? {
        var patch = PlanPatch(of: plan)
        var new: Plan.Value? = value
        if !order.isIdentity { new = try patch.addTranspose(value, order, before: id, in: plan) }
        let old = plan.nodes[id].outputs[0]
        guard let new, plan.facts[old].shape.isImplied(by: patch.shape(of: new, in: plan)) else { return nil }
        patch.replace(old, with: new)
        patch.remove(id)
        return patch
    }
}
