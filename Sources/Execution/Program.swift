internal import Kernels
internal import Operations
internal import Tensors

/// A plan for given shapes of the feeds: kernels in order, and where every value lies. Immutable, shared by all runs.
final class Program: Sendable {
    /// What one step does.
    enum Work: Sendable {
        /// Run a kernel that was made for its shapes.
        case kernel(Kernel.Body)
        /// Shapes or values are known only now: make the kernel in the run.
        case dynamic
    }

    struct Step: Sendable {
        let work: Work
        /// Where its operands begin in ``operands``.
        let firstOperand: Int
        let inputCount: Int
        /// Its scratch memory in the arena.
        let scratchOffset: Int
        /// Its place in the plan's steps, for messages and for dynamic steps.
        let source: Int
    }

    let plan: Plan
    let steps: [Step]
    /// The values of all steps' inputs and outputs, one step after another.
    let operands: [Int32]
    /// What is known of each value for these shapes.
    let facts: [TensorFact]
    /// Values at their place in the arena.
    let arenaValues: [(value: Int, offset: Int)]
    /// Values that are constants: their elements are those of the fact.
    let constants: [Int]
    /// Values that are a feed's memory.
    let feedValues: [(value: Int, feed: Int)]
    let arenaBytes: Int
    let hasDynamicSteps: Bool
    /// The dimensions of all fetches, one after another; only without dynamic steps.
    let fetchRankTotal: Int

    init(
        plan: Plan, steps: [Step], operands: [Int32], facts: [TensorFact], arenaValues: [(value: Int, offset: Int)],
        constants: [Int], feedValues: [(value: Int, feed: Int)], arenaBytes: Int
    ) {
        self.plan = plan
        self.steps = steps
        self.operands = operands
        self.facts = facts
        self.arenaValues = arenaValues
        self.constants = constants
        self.feedValues = feedValues
        self.arenaBytes = arenaBytes
        hasDynamicSteps = steps.contains { if case .dynamic = $0.work { true } else { false } }
        fetchRankTotal = plan.fetches.reduce(0) { $0 + (facts[$1].shape.rank ?? Shape.maximumRank) }
    }
}
