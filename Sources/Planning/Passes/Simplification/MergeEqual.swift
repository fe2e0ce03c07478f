internal import Operations

/// Computes once what several nodes compute: equal ops of the same inputs.
struct MergeEqual: PlanPass {
    static let name = "merge-equal"
    static let summary = "Computes once what several nodes compute."
    static let forms: Set<PlanForm> = [.general]

    private struct Key: Hashable {
        let op: any Op
        let inputs: [Plan.Value]

        static func == (first: Key, second: Key) -> Bool {
            first.inputs == second.inputs && AnyHashable(first.op) == AnyHashable(second.op)
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(inputs)
            op.hash(into: &hasher)
        }
    }

    private var known: [Key: [Plan.NodeID]] = [:]
    /// The maximum number of equal nodes, under different guards, that a node is compared with.
    private static let maxKnown = 16
    private let verifier = PlanVerifier()

    mutating func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard case .op(let op) = plan.nodes[id].work, Self.isPure(op), plan.nodes[id].state == nil else { return nil }
        let node = plan.nodes[id]
        let key = Key(op: op, inputs: node.inputs)
        for earlier in known[key] ?? [] where plan.nodes[earlier].isPresent {
            let guarded = plan.nodes[earlier].guarded
            guard guarded == .always || guarded == node.guarded,
                verifier.isComputed(earlier, before: id, plan)
            else { continue }
            var patch = PlanPatch(of: plan)
            for (old, new) in zip(node.outputs, plan.nodes[earlier].outputs) { patch.replace(old, with: new) }
            let names = plan.nodes[earlier].origin.merged
            patch.setMerged(names + [node.origin.node] + node.origin.merged, of: earlier)
            patch.remove(id)
            return patch
        }
        // There may be any number of them, each under another guard.
        if known[key, default: []].count < Self.maxKnown { known[key, default: []].append(id) }
        return nil
    }

    /// Whether two nodes of the op with the same inputs are one.
    private static func isPure(_ op: any Op) -> Bool {
        op.traits.allowsMerging
    }
}
