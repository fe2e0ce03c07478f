internal import Operations

/// Removes what leads neither to a fetch, nor to an effect, nor to a failure.
struct RemoveUnneeded: PlanPass {
    static let name = "remove-unneeded"
    static let summary = "Removes what no output and no effect depends on."

    private var needed: Set<Plan.NodeID> = []
    /// The variables of loops that somebody reads, by their current value.
    private var neededVariables: Set<Plan.Value> = []
    private var openValues: [Plan.Value] = []
    private var openNodes: [Plan.NodeID] = []
    private var seenValues: Set<Plan.Value> = []
    private var flagNodes: [Int: Plan.NodeID] = [:]

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        var patch = PlanPatch(of: plan)
        guard needed.contains(id) else {
            patch.remove(id)
            return patch
        }
        guard let loop = plan.nodes[id].loop else { return nil }
        let outputs = plan.nodes[id].outputs
        let kept = (0..<loop.variableCount).filter { neededVariables.contains(outputs[$0]) }
        guard kept.count < loop.variableCount else { return nil }
        patch.keep(variables: kept, of: id)
        return patch
    }

    mutating func begin(_ plan: borrowing Plan, _ options: PassOptions) {
        let schedule = plan.schedule
        for id in schedule { if case .flag(let flag) = plan.nodes[id].work { flagNodes[flag] = id } }
        for fetch in plan.fetches {
            need(value: fetch.value)
            need(fetch.guarded)
        }
        for id in schedule where plan.nodes[id].hasEffect { need(id) }
        // No recursion: a long chain must not exhaust the stack.
        while true {
            if let value = openValues.popLast() {
                trace(value, plan)
            } else if let id = openNodes.popLast() {
                follow(id, plan)
            } else {
                return
            }
        }
    }

    private mutating func need(value: Plan.Value) {
        if seenValues.insert(value).inserted { openValues.append(value) }
    }

    private mutating func need(_ id: Plan.NodeID) {
        if needed.insert(id).inserted { openNodes.append(id) }
    }

    private mutating func need(_ guarded: Guard) {
        if case .flag(let flag) = guarded, let node = flagNodes[flag] { need(node) }
    }

    private mutating func trace(_ value: Plan.Value, _ plan: borrowing Plan) {
        guard !plan.facts[value].isKnown, let producer = plan.producers[value] else { return }
        need(producer)
        guard let loop = plan.nodes[producer].loop, let index = plan.nodes[producer].outputs.firstIndex(of: value)
        else { return }
        neededVariables.insert(value)
        need(value: plan.nodes[producer].inputs[index])
        need(value: plan.nodes[producer].inputs[loop.variableCount + index])
    }

    private mutating func follow(_ id: Plan.NodeID, _ plan: borrowing Plan) {
        let node = plan.nodes[id]
        for loop in plan.loops(around: node.region) { need(loop) }
        need(node.guarded)
        switch node.work {
        case .op:
            // A variable by reference is no value that somebody computes.
            for value in node.inputs { need(value: value) }
        case .merge(let merge):
            for (value, guarded) in zip(node.inputs, merge.guards) {
                need(value: value)
                need(guarded)
            }
        case .flag(let flag):
            switch plan.flagRules[flag] {
            case .branch(let predicate, _, let base):
                need(value: predicate)
                need(base)
            case .all(let members), .any(let members): for member in members { need(.flag(member)) }
            }
        case .loop(let loop): if loop.hasTest { need(value: node.inputs[2 * loop.variableCount]) }
        case .failure: return
        }
    }
}
