internal import Operations
internal import Tensors

/// Checks that a patch keeps the meaning of a plan as far as structure tells it: shapes and dtypes admit the old ones, effects keep their
/// order, no fetch is lost, and values are used only where they have been computed.
struct PlanVerifier {
    /// Checks a patch before it is applied.
    ///
    /// - Throws: ``OpError`` of kind `malformed` that names the fault.
    func check(_ patch: PlanPatch, of plan: borrowing Plan) throws(OpError) {
        var replaced: [Plan.Value: Plan.Value] = [:]
        for change in patch.changes {
            switch change {
            case .replace(let old, let new):
                try checkReplacement(of: old, with: new, patch, plan)
                replaced[old] = new
            case .remove(let id): try checkRemoval(of: id, replaced, plan)
            case .setOp(let id, let op): try checkOp(op, plan.nodes[id].inputs, of: id, patch, plan)
            case .setComputation(let id, let op, let inputs, _):
                try checkOp(op, inputs, of: id, patch, plan)
                try checkInputs(inputs, of: plan.nodes[id], before: id, plan)
            case .setGuard(let id, let guarded):
                guard guarded == .always && plan.state(of: plan.nodes[id].guarded) == true else {
                    throw fault(plan.nodes[id], "runs under another condition")
                }
            case .insert(let node, let other): try checkInsertion(of: node, before: other, plan)
            case .keepChoices, .keepVariables, .setMerged: continue
            }
        }
    }

    private func checkInsertion(
        of node: borrowing Plan.Node, before other: Plan.NodeID, _ plan: borrowing Plan
    ) throws(OpError) {
        guard !node.hasEffect else { throw fault(node, "is a new effect") }
        try checkInputs(node.inputs, of: node, before: other, plan)
    }

    private func checkInputs(
        _ inputs: [Plan.Value], of node: borrowing Plan.Node, before other: Plan.NodeID, _ plan: borrowing Plan
    ) throws(OpError) {
        for value in inputs where value < plan.facts.count {
            guard let producer = plan.producers[value] else { continue }
            guard isComputed(producer, before: other, plan) else {
                throw fault(node, "takes a value that is not computed yet")
            }
        }
    }

    private func fault(_ node: borrowing Plan.Node, _ reason: String) -> OpError {
        OpError(.malformed, "a pass made a wrong patch: the node \(reason)", node: node.origin.node, op: node.origin.op)
    }

    private func checkReplacement(
        of old: Plan.Value, with new: Plan.Value, _ patch: PlanPatch, _ plan: borrowing Plan
    ) throws(OpError) {
        let before = plan.facts[old]
        let after = new < plan.facts.count ? plan.facts[new] : patch.newFacts[new - plan.facts.count]
        guard before.dtype == after.dtype, before.shape.isImplied(by: after.shape) else {
            throw OpError(
                .malformed,
                "a pass made a wrong patch: \(before.dtype) \(before.shape) is replaced by \(after.dtype) \(after.shape)"
            )
        }
        guard new < plan.facts.count, let producer = plan.producers[new], let place = plan.producers[old] else {
            return
        }
        guard isComputed(producer, before: place, plan) else {
            throw fault(plan.nodes[place], "is replaced by a value that is not computed where it is used")
        }
    }

    private func checkRemoval(
        of id: Plan.NodeID, _ replaced: [Plan.Value: Plan.Value], _ plan: borrowing Plan
    ) throws(OpError) {
        let node = plan.nodes[id]
        if plan.state(of: node.guarded) == false { return }
        guard !node.hasEffect else { throw fault(node, "has an effect and is removed") }
        for value in node.outputs where replaced[value] == nil && !plan.facts[value].isKnown {
            guard !plan.uses[value].contains(Plan.fetchUse) else { throw fault(node, "is fetched and removed") }
        }
    }

    private func checkOp(
        _ op: any Op, _ inputs: [Plan.Value], of id: Plan.NodeID, _ patch: PlanPatch, _ plan: borrowing Plan
    ) throws(OpError) {
        let node = plan.nodes[id]
        var known: [TensorFact] = []
        for value in inputs {
            known.append(value < plan.facts.count ? plan.facts[value] : patch.newFacts[value - plan.facts.count])
        }
        let facts = try op.outputs(for: known)
        guard facts.count == node.outputs.count, op.hasEffect == node.hasEffect else {
            throw fault(node, "gets an op with other outputs")
        }
        for (value, fact) in zip(node.outputs, facts) {
            guard fact.dtype == plan.facts[value].dtype, plan.facts[value].shape.isImplied(by: fact.shape) else {
                throw fault(node, "gets an op that gives \(fact.dtype) \(fact.shape)")
            }
        }
    }

    /// Whether what one node computes is there where another one runs.
    func isComputed(_ producer: Plan.NodeID, before node: Plan.NodeID, _ plan: borrowing Plan) -> Bool {
        // The ways outward from both, until they meet in a region.
        var places: [Plan.RegionID: Plan.NodeID] = [:]
        var place = node
        while true {
            let region = plan.nodes[place].region
            places[region] = place
            guard let loop = plan.regions[region].loop else { break }
            // A loop's variable is there in the whole loop.
            if loop == producer { return true }
            place = loop
        }
        var other = producer
        while true {
            let region = plan.nodes[other].region
            if let place = places[region] { return plan.runs(other, before: place) }
            guard let loop = plan.regions[region].loop else { return false }
            // The tail and the body see the head; after the loop, its head and its tail are seen.
            if let parts = plan.nodes[loop].loop, region == parts.head,
                let inner = [parts.body, parts.tail].first(where: { places[$0] != nil }), places[inner] != nil
            {
                return true
            }
            other = loop
        }
    }
}

extension PartialShape {
    /// Whether all that this shape says is said by another one too.
    func isImplied(by other: PartialShape) -> Bool {
        guard let mine = dimensions else { return true }
        guard let theirs = other.dimensions, mine.count == theirs.count else { return false }
        return zip(mine, theirs).allSatisfy { $0 == Self.unknownDimension || $0 == $1 }
    }
}
