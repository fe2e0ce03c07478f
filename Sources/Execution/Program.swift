internal import Kernels
internal import Operations
internal import Tensors

/// A plan for given shapes of the feeds: kernels in order, and where every value lies. Immutable, shared by all runs.
final class Program: Sendable {
    /// What one step does.
    enum Work: Sendable {
        /// Run a kernel that was made for its shapes.
        case kernel(Kernel.Body)
        /// Run one that helpers may help with.
        case cut(Kernel.Cut)
        /// Shapes or values are known only now: make the kernel in the run.
        case dynamic
        /// Branch or loop.
        case control(Control)
    }

    /// What is not a computation.
    indirect enum Control: Sendable {
        /// Work out a flag.
        case flag(Int, FlagRule)
        /// Take the first input that is alive.
        case merge(Plan.Merge)
        /// A value has the memory that another has in this run.
        case alias(output: Int, input: Int)
        /// Set a loop's variables. The loop is skipped, to ``Step/target``, where its flag is down.
        case loopBegin([Move], loop: Int)
        /// Go on to ``Step/target`` where the value is false.
        case loopTest(Int, loop: Int)
        /// Set a loop's variables, and go back to ``Step/target``.
        case loopNext([Move], loop: Int)
        case failure(OpError)
    }

    /// A value becomes the next value of a loop's variable.
    struct Move: Sendable {
        let source: Int
        let target: Int
        /// The variable has a place in the arena, so the elements are copied there.
        let isFixed: Bool
        /// The source is itself a variable's old value: it is put aside before any is overwritten.
        let isStaged: Bool
    }

    struct Step: Sendable {
        let work: Work
        /// The flag that must be up; -1 for none.
        let flag: Int32
        /// Where its operands begin in ``operands``.
        let firstOperand: Int
        let inputCount: Int
        /// Its scratch memory in the arena.
        let scratchOffset: Int
        /// Its place in the plan's steps, for messages and for dynamic steps.
        let source: Int
        /// Where a loop's instruction leads to.
        var target = 0
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
    /// For each step the name of its kernel; nil where it has none.
    let kernelNames: [Kernel.Name?]
    /// For each fetch the flag that must be up for it to have a value; nil where it always has.
    let fetchFlags: [Int?]
    /// By step of the plan: the kernels that runs have made, for steps whose shapes only the run tells.
    let stepKernels: [Int: StepKernels]
    let growth = ProgramGrowth()
    /// Whether there are kernels only, one after another.
    let isStraight: Bool
    /// The dimensions of all fetches, one after another, as far as they are known.
    let fetchRankTotal: Int

    init(
        plan: Plan, steps: [Step], operands: [Int32], facts: [TensorFact], arenaValues: [(value: Int, offset: Int)],
        constants: [Int], feedValues: [(value: Int, feed: Int)], arenaBytes: Int, fetchFlags: [Int?],
        kernelNames: [Kernel.Name?]
    ) {
        self.plan = plan
        self.steps = steps
        self.operands = operands
        self.facts = facts
        self.arenaValues = arenaValues
        self.constants = constants
        self.feedValues = feedValues
        self.arenaBytes = arenaBytes
        self.fetchFlags = fetchFlags
        self.kernelNames = kernelNames
        var stepKernels: [Int: StepKernels] = [:]
        for step in steps {
            if case .dynamic = step.work, StepKernels.mayKeep(plan.steps[step.source], facts) {
                stepKernels[step.source] = StepKernels()
            }
        }
        self.stepKernels = stepKernels
        isStraight = steps.allSatisfy { $0.work.isKernel && $0.flag < 0 }
        fetchRankTotal = plan.fetches.reduce(0) { $0 + (facts[$1.value].shape.rank ?? Shape.maximumRank) }
    }
}

extension Program.Work {
    /// Whether it is a kernel that was made with the program.
    var isKernel: Bool {
        switch self {
        case .kernel, .cut: true
        case .dynamic, .control: false
        }
    }
}
