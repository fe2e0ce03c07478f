package import Operations
package import Tensors

/// Follows the rows of a batch through a plan: which values depend on which rows.
///
/// The rules are the ops' own, and true for batches of every size; what is known of shapes is that of a batch of one
/// size, whose other dimensions are those of all batches that the result is used for.
package struct BatchAnalysis {
    private let plan: Plan
    private let facts: [TensorFact]
    private let rowCount: Int
    private var roles: [BatchRole]

    /// - Parameters:
    ///   - plan: The plan for any shapes.
    ///   - feedShapes: Those of a batch of `rowCount` rows.
    ///   - rowFeeds: Whether each feed is cut into rows; the others are the same for all requests of a batch.
    ///   - rowCount: The first dimension of the feeds that are cut into rows.
    ///   - binding: The plan's weights in a version.
    ///   - options: The passes that plans go through.
    /// - Throws: ``OpError`` where the shapes do not fit.
    package init(
        _ plan: Plan, for feedShapes: [Shape], rowFeeds: [Bool], rowCount: Int, _ binding: WeightBinding,
        options: PassOptions
    ) throws(OpError) {
        self.plan = plan
        facts = try plan.specialized(for: feedShapes, binding, options: options).facts
        self.rowCount = rowCount
        roles = plan.facts.map { $0.isKnown ? .shared : .mixed }
        for (value, isRows) in zip(plan.feeds, rowFeeds) { roles[value] = isRows ? .rows(1) : .shared }
    }

    /// How each fetch depends on the rows; nil where requests must not be run together.
    package mutating func fetchRoles() -> [BatchRole]? {
        for id in plan.regions[Plan.outermost].nodes {
            let node = plan.nodes[id]
            switch node.work {
            case .op(let op): guard follow(node, op) else { return nil }
            case .flag(let flag):
                // All requests must take the same branch.
                if case .branch(let predicate, _, _) = plan.flagRules[flag], roles[predicate] != .shared { return nil }
            case .merge(let merge): follow(node, merge)
            case .loop: return nil
            // If the run comes here, it fails, and each request is run alone.
            case .failure: continue
            }
        }
        return plan.fetches.map { roles[$0.value] }
    }

    /// - Returns: false where the step forbids batches.
    private mutating func follow(_ step: Plan.Node, _ op: any Op) -> Bool {
        if let sources = plan.sources(of: step, op) {
            set(step.outputs, sources.map { roles[$0] })
            return true
        }
        let inputs = step.inputs.map { roles[$0] }
        let isShared = inputs.allSatisfy { $0 == .shared }
        if step.state != nil {
            // A variable that is only read is the same for all; a change would have to be made for each.
            guard op is ReferenceRead else { return false }
            set(step.outputs, step.outputs.map { _ in .shared })
            return true
        }
        if isShared, !op.isStateful, !op.hasEffect {
            set(step.outputs, step.outputs.map { _ in .shared })
            return true
        }
        let node = BatchedNode(
            inputs: step.inputs.map { facts[$0] }, outputs: step.outputs.map { facts[$0] }, roles: inputs)
        guard let outputs = op.batching(node) else { return false }
        set(step.outputs, outputs)
        return true
    }

    private mutating func follow(_ node: Plan.Node, _ merge: Plan.Merge) {
        let found = Set(zip(node.inputs, merge.guards).filter { plan.state(of: $1) != false }.map { roles[$0.0] })
        set(node.outputs, [found.count == 1 ? found.first ?? .mixed : .mixed, .mixed])
    }

    private mutating func set(_ values: [Int], _ outputs: [BatchRole]) {
        for (value, role) in zip(values, outputs) { roles[value] = checked(role, facts[value]) }
    }

    /// The role, where what is known of the value does not speak against it.
    private func checked(_ role: BatchRole, _ fact: TensorFact) -> BatchRole {
        switch role {
        case .shared, .mixed: return role
        case .rows(let count):
            guard count > 0, let shape = fact.shape.known,
                shape.dimensions.first == BatchSize.rows(count).value(rows: rowCount)
            else { return .mixed }
            return role
        case .sizes(let sizes):
            guard let integers = fact.integers, integers == sizes.map({ $0.value(rows: rowCount) }) else {
                return .mixed
            }
            return sizes.allSatisfy(\.isFixed) ? .shared : role
        }
    }
}
