internal import Operations
internal import Tensors

/// Nodes that are computed together from tensors whose axes lie in the plain order: fewer elements are moved then.
struct TransposedRegion {
    let order: AxisOrder
    /// In the order in which they run.
    private(set) var nodes: [Plan.NodeID]
    let turned: [Plan.NodeID: TurnedNode]
    private var members: Set<Plan.NodeID>
    private let transposes: TransposeTable

    /// The maximum number of nodes that are looked at to find which of a region's cost too much.
    private static let maxPruningWork = 1 << 19

    private init(
        _ nodes: [Plan.NodeID], _ order: AxisOrder, _ turned: [Plan.NodeID: TurnedNode], _ transposes: TransposeTable
    ) {
        self.nodes = nodes
        self.order = order
        self.turned = turned
        self.transposes = transposes
        members = Set(nodes)
    }

    func contains(_ id: Plan.NodeID) -> Bool { members.contains(id) }

    /// The regions of a plan that are worth it.
    ///
    /// - Parameters:
    ///   - order: The order of axes that their tensors have.
    ///   - place: A region of the plan.
    ///   - guarded: When all of their nodes run.
    ///   - transposes: The plan's transposes.
    ///   - plan: The plan.
    /// - Returns: The regions, which have no node in common.
    static func all(
        _ order: AxisOrder, in place: Plan.RegionID, _ guarded: Guard, _ transposes: TransposeTable,
        _ plan: borrowing Plan
    ) -> [TransposedRegion] {
        var turned: [Plan.NodeID: TurnedNode] = [:]
        var groups = NodeGroups()
        // The nodes that give a value, or take it, in the plain order.
        var holders: [Plan.Value: Plan.NodeID] = [:]
        for id in plan.regions[place].nodes where plan.nodes[id].isPresent && plan.nodes[id].guarded == guarded {
            let inputs = plan.nodes[id].inputs
            let isStart = order == .channelsFirst && isConvolution(id, plan)
            let isHeld = inputs.map { holders[$0] != nil || transposes.gives($0, order, in: plan) }
            guard isStart || isHeld.contains(true), let node = TurnedNode(id, order, in: plan),
                isStart || zip(isHeld, node.inputs).contains(where: { $0 && $1.isTurned })
            else { continue }
            turned[id] = node
            groups.add(id)
            for (value, input) in zip(inputs, node.inputs) where input.isTurned {
                if let other = holders[value] { groups.join(id, other) } else { holders[value] = id }
            }
            for (value, isTurned) in zip(plan.nodes[id].outputs, node.outputs) where isTurned { holders[value] = id }
        }
        var result: [TransposedRegion] = []
        for nodes in groups.all {
            var region = TransposedRegion(nodes, order, turned, transposes)
            region.prune(plan)
            if region.gain(plan) > 0 { result.append(region) }
        }
        return result
    }

    /// A convolution of images whose channels come first turns its images and its result by itself.
    private static func isConvolution(_ id: Plan.NodeID, _ plan: borrowing Plan) -> Bool {
        guard let op = plan.nodes[id].op?.asImage, op.asLinear != nil else { return false }
        return op.channelsLast(plan.inputFacts(of: id)) != nil
    }

    /// Leaves out nodes at the edge that cost more than they give.
    private mutating func prune(_ plan: borrowing Plan) {
        var best = gain(plan)
        var isChanged = true
        var work = 0
        while isChanged {
            isChanged = false
            for id in nodes.reversed() where work < Self.maxPruningWork && isAtEdge(id, plan) {
                work += nodes.count
                var smaller = self
                smaller.members.remove(id)
                let gain = smaller.gain(plan)
                guard gain > best else { continue }
                members.remove(id)
                best = gain
                isChanged = true
            }
            nodes.removeAll { !members.contains($0) }
        }
    }

    private func isAtEdge(_ id: Plan.NodeID, _ plan: borrowing Plan) -> Bool {
        guard members.contains(id), let node = turned[id] else { return false }
        for (value, input) in zip(plan.nodes[id].inputs, node.inputs) where input.isTurned {
            guard let producer = plan.producers[value], members.contains(producer) else { return true }
        }
        for value in plan.nodes[id].outputs where isNeededTransposed(value, plan) { return true }
        return false
    }

    /// Whether somebody outside needs a value with its axes as they are.
    func isNeededTransposed(_ value: Plan.Value, _ plan: borrowing Plan) -> Bool {
        plan.uses[value].contains { user in
            user == Plan.fetchUse
                || plan.nodes[user].isPresent && !members.contains(user) && plan.nodes[user].inputs.contains(value)
                    && transposes[user] == nil
        }
    }

    /// The transposes that undo the order of a value.
    private func inverses(of value: Plan.Value, _ plan: borrowing Plan) -> Set<Plan.NodeID> {
        var result: Set<Plan.NodeID> = []
        for user in plan.uses[value] where user != Plan.fetchUse && plan.nodes[user].isPresent {
            if plan.nodes[user].inputs.first == value, transposes[user] == order.inverse { result.insert(user) }
        }
        return result
    }

    /// The number of elements that are moved less often. Sizes that are not known count as 1.
    private func gain(_ plan: borrowing Plan) -> Int {
        var gain = 0
        var seen: Set<Plan.Value> = []
        for id in nodes where members.contains(id) {
            guard let node = turned[id] else { continue }
            for (value, input) in zip(plan.nodes[id].inputs, node.inputs) where input.isTurned {
                guard seen.insert(value).inserted else { continue }
                if transposes.gives(value, order, in: plan) {
                    if !isNeededTransposed(value, plan) { gain += plan.weight(value) }
                } else if !(plan.producers[value].map(members.contains) ?? false) {
                    gain -= plan.weight(value)
                }
            }
            for (value, isTurned) in zip(plan.nodes[id].outputs, node.outputs) where isTurned {
                if isNeededTransposed(value, plan) { gain -= plan.weight(value) }
                gain += inverses(of: value, plan).count * plan.weight(value)
            }
            if Self.isConvolution(id, plan), let images = plan.nodes[id].op?.asImage?.imageInput {
                // Besides what it turns, its weight is not laid out for it.
                gain += 2 * (plan.weight(plan.nodes[id].inputs[images]) + plan.weight(plan.nodes[id].outputs[0]))
            }
        }
        return gain
    }
}

extension TurnedNode.Input {
    var isTurned: Bool { if case .turned = self { true } else { false } }
}

extension Plan {
    /// The number of a value's elements, as far as it is known.
    fileprivate func weight(_ value: Value) -> Int {
        facts[value].shape.dimensions?.reduce(1) { product, size in
            let (next, overflow) = product.multipliedReportingOverflow(by: max(1, size))
            return overflow || next > 1 << 40 ? 1 << 40 : next
        } ?? 1
    }
}

/// Nodes in groups that grow together.
private struct NodeGroups {
    private var leaders: [Plan.NodeID: Plan.NodeID] = [:]
    private var order: [Plan.NodeID] = []

    mutating func add(_ id: Plan.NodeID) {
        leaders[id] = id
        order.append(id)
    }

    mutating func join(_ first: Plan.NodeID, _ second: Plan.NodeID) {
        let (first, second) = (leader(first), leader(second))
        if first != second { leaders[max(first, second)] = min(first, second) }
    }

    private mutating func leader(_ id: Plan.NodeID) -> Plan.NodeID {
        var id = id
        while let next = leaders[id], next != id {
            leaders[id] = leaders[next]
            id = next
        }
        return id
    }

    /// The groups, and in each its nodes, in the order in which they were added.
    var all: [[Plan.NodeID]] {
        var copy = self
        var places: [Plan.NodeID: Int] = [:]
        var groups: [[Plan.NodeID]] = []
        for id in order {
            let leader = copy.leader(id)
            if let place = places[leader] {
                groups[place].append(id)
            } else {
                places[leader] = groups.count
                groups.append([id])
            }
        }
        return groups
    }
}
