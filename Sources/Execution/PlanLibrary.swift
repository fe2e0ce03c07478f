package import Graphs
internal import Operations
package import Planning
internal import Synchronization
internal import Tensors

/// What sessions of one graph have in common: plans, programs, and the results of checks. A session of another version of the model binds its
/// own weights to them.
package final class PlanLibrary: Sendable {
    /// What the graph tells of its tensors.
    package let inference: FactInference
    private let plans = Mutex<[Key: WeakPlan]>([:])
    private let checks = Mutex<[Key: PlanWeights]>([:])

    private static let maxChecks = 1024

    /// What a plan is for.
    struct Key: Hashable {
        let feeds: [Endpoint]
        let fetches: [Endpoint]
        let targets: [Int]
        let options: PassOptions
        let readOnlyReason: String?
        var additions: GraphAdditions?
    }

    private struct WeakPlan { weak var plan: SharedPlan? }

    package init(_ graph: Graph) { inference = FactInference(graph) }

    /// The plan that a session has made, as long as a callable uses it.
    func plan(for key: Key) -> SharedPlan? { plans.withLock { $0[key]?.plan } }

    /// Offers a plan to other sessions.
    func add(_ plan: SharedPlan, for key: Key) {
        guard plan.plan.weights.areShareable else { return }
        plans.withLock { plans in
            plans = plans.filter { $0.value.plan != nil }
            plans[key] = WeakPlan(plan: plan)
        }
    }

    /// Whether a check that succeeded in another session succeeds in this one too, as far as that is known without the check.
    func isChecked(_ key: Key, in store: WeightStore) -> Bool {
        guard let weights = checks.withLock({ $0[key] }) else { return false }
        let evaluation = WeightEvaluation(store, weights)
        return evaluation.isValid() && evaluation.isComplete
    }

    /// Notes that a check succeeded.
    func add(check weights: PlanWeights, for key: Key) {
        guard weights.areShareable else { return }
        checks.withLock { if $0.count < Self.maxChecks || $0[key] != nil { $0[key] = weights } }
    }
}

/// A plan, and the programs that were made of it, for all versions of a model with the same graph.
final class SharedPlan: Sendable {
    let plan: Plan
    /// What is known of runs of several requests as one.
    let batches = BatchDecisions()
    /// The programs that are in use, by the shapes of the feeds.
    private let programs = Mutex<[[Shape]: (program: Program, uses: Int)]>([:])

    init(_ plan: Plan) { self.plan = plan }

    /// The program for shapes, if a version uses one; ``endUse(of:)`` must follow.
    func use(_ shapes: [Shape]) -> Program? {
        programs.withLock { programs in
            programs[shapes]?.uses += 1
            return programs[shapes]?.program
        }
    }

    /// Offers a program to other versions; ``endUse(of:)`` must follow.
    ///
    /// - Returns: false where there is another one.
    func add(_ program: Program, for shapes: [Shape]) -> Bool {
        programs.withLock { programs in
            guard programs[shapes] == nil else { return false }
            programs[shapes] = (program, 1)
            return true
        }
    }

    /// Notes that a version does not use the program any more.
    func endUse(of shapes: [Shape]) {
        let freed = programs.withLock { programs -> Program? in
            programs[shapes]?.uses -= 1
            return programs[shapes]?.uses == 0 ? programs.removeValue(forKey: shapes)?.program : nil
        }
        withExtendedLifetime(freed) {}
    }
}
