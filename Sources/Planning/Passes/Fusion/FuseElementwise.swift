internal import Kernels
internal import Operations
internal import Tensors

/// Makes one node of elementwise ops of which one needs the other, and of an op on rows behind them: what one gives the next stays in the
/// cache.
///
/// Shapes decide what is one pass, so that only plans for known shapes are rewritten.
struct FuseElementwise: PlanPass {
    static let name = "fuse-elementwise"
    static let summary = "Computes elementwise ops that follow each other in one pass over their inputs."
    static let forms: Set<PlanForm> = [.specialized]

    /// By the node that gives the output.
    private var groups: [Plan.NodeID: ElementwiseGroup] = [:]

    mutating func begin(_ plan: borrowing Plan, _ options: PassOptions) {
        var taken: Set<Plan.NodeID> = []
        for region in plan.regions {
            let search = ElementwiseSearch(region, in: plan)
            // From the end, so that each group begins with the node that nobody else of it reads.
            for id in region.nodes.reversed() where !taken.contains(id) {
                guard let group = search.group(endingWith: id, in: plan) else { continue }
                taken.formUnion(group.nodes)
                groups[id] = group
            }
        }
    }

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard let group = groups[id] else { return nil }
        var patch = PlanPatch(of: plan)
        patch.setComputation(
            group.op, group.inputs, of: id, named: "FusedElementwise", insteadOf: group.nodes.filter { $0 != id },
            in: plan)
        return patch
    }
}

/// Nodes that are made one.
struct ElementwiseGroup {
    /// In the order in which they run.
    let nodes: [Plan.NodeID]
    let op: FusedElementwise
    let inputs: [Plan.Value]
}
