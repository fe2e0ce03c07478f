package import Operations

/// A rewriting of plans: one file for each, listed in ``PassList``.
///
/// A pass looks at one node at a time and makes a patch for it. The driver verifies the patch, applies it, and goes on until no pass has
/// anything more to do.
package protocol PlanPass: Sendable {
    /// The name, for `--disable-pass`.
    static var name: String { get }
    /// One sentence for people: what the pass does.
    static var summary: String { get }
    /// The plans that it rewrites.
    static var forms: Set<PlanForm> { get }
    /// Whether outputs are TensorFlow's only with the pass: then it cannot be switched off.
    static var isRequired: Bool { get }

    init()

    /// Looks at the plan before its nodes are offered one by one.
    ///
    /// - Parameters:
    ///   - plan: The plan.
    ///   - options: Those of the session.
    mutating func begin(_ plan: borrowing Plan, _ options: PassOptions)

    /// The patch for a node; nil to leave it as it is.
    ///
    /// Nodes are offered in the order in which they run, those of a loop after the loop.
    ///
    /// - Throws: What ops' rules throw.
    mutating func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch?
}

extension PlanPass {
    package static var forms: Set<PlanForm> { [.general, .specialized] }
    package static var isRequired: Bool { false }

    package mutating func begin(_ plan: borrowing Plan, _ options: PassOptions) {}
}

/// How much of a plan is known.
package enum PlanForm: Sendable {
    /// Made for any shapes of the feeds; once for each pair of feeds and fetches.
    case general
    /// The feeds' shapes are known; once for each of these.
    case specialized
}
