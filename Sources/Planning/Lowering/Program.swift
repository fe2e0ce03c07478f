package import Kernels
package import Operations
package import Tensors

/// A plan for given shapes of the feeds: kernels in order, and where every value lies. Immutable, shared by all runs.
package final class Program: Sendable {
    /// What one step does.
    package enum Work: Sendable {
        /// Run a kernel that was made for its shapes.
        case kernel(Kernel.Body)
        /// Run one that helpers may help with.
        case cut(Kernel.Cut)
        /// Shapes or values are known only now: make the kernel in the run.
        indirect case dynamic(Dynamic)
        /// Branch or loop.
        case control(Control)
    }

    /// A step whose kernel is made in the run, or that is computed on whole tensors.
    package struct Dynamic: Sendable {
        package let op: any Op
        /// The variable that the op reads or changes.
        package let state: VariableState?
        /// The other variables that the op changes: the slots of an optimizer.
        package let slots: [VariableState]
        /// Values that nobody reads any more, and that may have the memory of the variables that the op changes.
        package let released: [Plan.Value]
        /// The values of its inputs.
        package let inputs: [Plan.Value]
        /// The values of its outputs.
        package let outputs: [Plan.Value]
        /// The kernels that runs have made; nil where they cannot serve other runs.
        package let kernels: StepKernels?
    }

    /// A value that the caller gets.
    package struct Fetch: Sendable {
        package let value: Plan.Value
        package let dtype: DataType
        /// The dimensions, where they are known before the run.
        package let dimensions: [Int]?
        /// The flag that must be up for it to have a value; nil where it always has.
        package let flag: Int?
        /// The tensor's name, for messages.
        package let name: String
    }

    /// What is not a computation.
    package indirect enum Control: Sendable {
        /// Work out a flag.
        case flag(Int, FlagRule)
        /// Take the first input that is alive.
        case merge(Merge)
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

    /// Takes the first of some values that exists.
    package struct Merge: Sendable {
        package struct Input: Sendable {
            package let value: Int
            package let guarded: Guard
            /// The number that stands for it.
            package let place: Int32
        }

        package let inputs: [Input]
        package let output: Int
        /// An int32: which it was.
        package let index: Int
        /// The error where none of them exists; nil where that cannot be.
        package let error: OpError?
    }

    /// A value becomes the next value of a loop's variable.
    package struct Move: Sendable {
        package let source: Int
        package let target: Int
        /// The variable has a place in the arena, so the elements are copied there.
        package let isFixed: Bool
        /// The source is itself a variable's old value: it is put aside before any is overwritten.
        package let isStaged: Bool
        /// The bytes that are copied, where the place is fixed.
        package let byteCount: Int
    }

    package struct Step: Sendable {
        package let work: Work
        /// The flag that must be up; -1 for none.
        package let flag: Int32
        /// Where its operands begin in ``operands``.
        package let firstOperand: Int
        package let inputCount: Int
        /// Its scratch memory in the arena.
        package let scratchOffset: Int
        /// The node, for messages and for dynamic steps; -1 for none.
        package let source: Int
        /// Where a loop's instruction leads to.
        package var target = 0
    }

    /// A step whose op keeps something from run to run: each session has an op of its own for it.
    package struct StatefulStep: Sendable {
        /// The number of the step.
        package let step: Int
        /// The name of the graph's node.
        package let node: String
        /// What its kernel was made for.
        package let spec: KernelSpec
        /// The op, if a pass made it of the node's and others.
        private let joined: (any DrawingOp)?

        init(step: Int, node: String, op: any Op, spec: KernelSpec) {
            self.step = step
            self.spec = spec
            joined = op.asDrawing
            self.node = joined?.drawingNode ?? node
        }

        /// The op of the step in a session.
        ///
        /// - Parameter own: The session's op for the node.
        /// - Returns: The op.
        package func op(with own: any Op) -> any Op { joined?.drawing(like: own) ?? own }
    }

    /// The nodes that steps come from. Those of the plan for any shapes are shared by all programs.
    private let plan: Plan
    private let addedNodes: [Plan.Node]
    package let steps: [Step]
    /// The steps that a session replaces by its own.
    package let statefulSteps: [StatefulStep]
    /// The values of all steps' inputs and outputs, one step after another.
    package let operands: [Int32]
    /// How many values there are.
    package let valueCount: Int
    /// How many flags there are.
    package let flagCount: Int
    /// What is known of each value for these shapes; empty where the program is straight: then nobody asks.
    package let facts: [TensorFact]
    /// Values at their place in the arena.
    package let arenaValues: [(value: Int, offset: Int)]
    /// Values that are constants.
    package let constants: [(value: Int, tensor: Tensor)]
    /// Values that are weights. A ``ProgramBinding`` knows where these are in a version.
    package let weights: [(value: Int, weight: WeightID)]
    /// What the weights are, and what the program takes for true of a version.
    package let planWeights: PlanWeights
    /// Values that are a feed's memory.
    package let feedValues: [(value: Int, feed: Int)]
    package let arenaBytes: Int
    /// Where kernels are counted that runs make.
    package let growth = ProgramGrowth()
    /// The fetches, in the callable's order.
    package let fetches: [Fetch]
    /// The bytes of the constants and weights that are this program's alone.
    package let foldedBytes: Int
    /// The sum of the dimensions of what kernels compute: their tables are as long as axes.
    package let axisTotal: Int
    /// Whether there are kernels only, one after another.
    package let isStraight: Bool
    /// The dimensions of all fetches, one after another, as far as they are known.
    package let fetchRankTotal: Int

    /// - Parameters:
    ///   - general: The plan for any shapes that was specialised.
    ///   - schedule: The instructions.
    ///   - code: Their steps.
    ///   - memory: Where values are.
    init(general: Plan, _ schedule: Schedule, _ code: Code, _ memory: Memory) {
        let plan = schedule.plan
        self.plan = general
        addedNodes = Array(plan.nodes[general.nodes.count...])
        steps = code.steps
        statefulSteps = code.steps.indices.compactMap { Self.statefulStep($0, code.steps[$0], plan) }
        operands = code.operands
        isStraight = steps.allSatisfy { $0.work.isKernel && $0.flag < 0 }
        valueCount = plan.facts.count
        flagCount = plan.flagRules.count
        facts = isStraight ? [] : memory.facts
        arenaValues = memory.arenaValues
        constants = memory.constants
        weights = memory.weights
        planWeights = plan.weights
        feedValues = memory.feedValues
        arenaBytes = memory.arenaBytes
        foldedBytes =
            max(0, plan.foldedBytes - general.foldedBytes)
            + plan.weights.derivedBytes(
                of: memory.weights.map(\.weight), from: general.weights.expressions.count)
        fetches = plan.fetches.map { fetch in
            let fact = plan.facts[fetch.value]
            return Fetch(
                value: fetch.value, dtype: fact.dtype, dimensions: fact.shape.known?.dimensions,
                flag: schedule.flag(of: fetch.guarded), name: fetch.name)
        }
        fetchRankTotal = fetches.reduce(0) { $0 + ($1.dimensions?.count ?? Shape.maximumRank) }
        axisTotal = schedule.kernels.keys.reduce(0) { total, id in
            plan.nodes[id].outputs.reduce(total) { total, value in
                (plan.facts[value].shape.dimensions ?? []).reduce(total) { $0 + min($1, 1 << 20) }
            }
        }
    }

    private static func statefulStep(_ index: Int, _ step: Step, _ plan: Plan) -> StatefulStep? {
        guard step.source >= 0, let op = plan.nodes[step.source].op, op.traits.contains(.random) else { return nil }
        let node = plan.nodes[step.source]
        return StatefulStep(
            step: index, node: node.origin.node, op: op,
            spec: KernelSpec(
                inputs: node.inputs.map { plan.facts[$0] }, outputs: node.outputs.map { plan.facts[$0] }))
    }

    /// Steps and what they work on.
    struct Code {
        var steps: [Step] = []
        var operands: [Int32] = []
    }

    /// Where values are.
    struct Memory {
        var facts: [TensorFact]
        var arenaValues: [(value: Int, offset: Int)] = []
        var constants: [(value: Int, tensor: Tensor)] = []
        var weights: [(value: Int, weight: WeightID)] = []
        var feedValues: [(value: Int, feed: Int)] = []
        var arenaBytes = 0
    }

    /// The place of a step in the graph.
    package func origin(of step: Step) -> Plan.Origin {
        step.source < plan.nodes.count
            ? plan.nodes[step.source].origin : addedNodes[step.source - plan.nodes.count].origin
    }
}

extension Program.Step {
    /// The step with another op of the same node.
    ///
    /// - Parameters:
    ///   - op: The op.
    ///   - spec: What the step's kernel was made for.
    /// - Returns: The step.
    /// - Throws: What making the kernel throws.
    package func replacing(_ op: any Op, _ spec: KernelSpec) throws(OpError) -> Program.Step {
        let new: Program.Work
        switch work {
        case .dynamic(let dynamic):
            new = .dynamic(
                Program.Dynamic(
                    op: op, state: dynamic.state, slots: dynamic.slots, released: dynamic.released,
                    inputs: dynamic.inputs, outputs: dynamic.outputs,
                    kernels: dynamic.kernels))
        case .kernel, .cut:
            guard case .kernel(let op) = op.implementation else { return self }
            switch try op.makeKernel(for: spec).work {
            case .compute(let body): new = .kernel(body)
            case .cut(let cut): new = .cut(cut)
            case .alias: return self
            }
        case .control: return self
        }
        return Program.Step(
            work: new, flag: flag, firstOperand: firstOperand, inputCount: inputCount, scratchOffset: scratchOffset,
            source: source, target: target)
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
