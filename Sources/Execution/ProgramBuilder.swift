internal import Kernels
internal import Operations
internal import Tensors

/// Makes a ``Program`` of a plan for given shapes of the feeds.
///
/// In this order: shapes are inferred and what becomes constant by them is folded; kernels are made; steps that nobody needs
/// any more are dropped; every value gets its place.
struct ProgramBuilder {
    /// A step while the program is being made.
    private struct Draft {
        let source: Int
        /// nil: dynamic.
        let kernel: Kernel?

        var body: Kernel.Body? {
            if case .compute(let body)? = kernel?.work { body } else { nil }
        }

        var aliasedInput: Int? {
            if case .alias(let input)? = kernel?.work { input } else { nil }
        }
    }

    private let plan: Plan
    private let limitBytes: Int
    private var facts: [TensorFact]
    private var drafts: [Draft] = []
    /// The value whose memory each value has: itself, or what it is an alias of.
    private var roots: [Int]
    private let feedOfValue: [Int: Int]

    /// What depends on shapes only is folded up to here.
    private static let foldLimitBytes = 1 << 20

    init(plan: Plan, feedShapes: [Shape], limitBytes: Int) {
        self.plan = plan
        self.limitBytes = limitBytes
        facts = plan.facts
        roots = Array(plan.facts.indices)
        for (value, shape) in zip(plan.feeds, feedShapes) { facts[value].shape = PartialShape(shape) }
        feedOfValue = Dictionary(plan.feeds.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Builds the program.
    ///
    /// - Throws: ``CompileError`` where shapes do not fit, a kernel is missing, or the memory would exceed the limit.
    mutating func build() throws(CompileError) -> Program {
        for index in plan.steps.indices {
            do throws(CompileError) { try draft(index) } catch { throw plan.steps[index].locate(error) }
        }
        dropUnneeded()
        return try place()
    }

    private mutating func draft(_ index: Int) throws(CompileError) {
        let step = plan.steps[index]
        let inputs = step.inputs.map { facts[$0] }
        let outputs = try step.op.outputs(for: inputs)
        for (value, fact) in zip(step.outputs, outputs) { facts[value] = fact }
        if outputs.allSatisfy({ $0.value != nil }) { return }
        if let folded = try PlanBuilder.fold(step.op, inputs, outputs, Self.foldLimitBytes) {
            for (value, fact) in zip(step.outputs, folded) { facts[value] = fact }
            return
        }
        for value in step.outputs { facts[value].value = nil }
        guard inputs.allSatisfy(\.shape.isFullyDefined), outputs.allSatisfy(\.shape.isFullyDefined),
            step.op.valueInputs.allSatisfy({ !inputs.indices.contains($0) || inputs[$0].value != nil }),
            !(step.op is any TensorOp)
        else {
            drafts.append(Draft(source: index, kernel: nil))
            return
        }
        let kernel = try step.op.kernel(for: KernelSpec(inputs: inputs, outputs: outputs))
        let draft = Draft(source: index, kernel: kernel)
        drafts.append(draft)
        if let input = draft.aliasedInput { roots[step.outputs[0]] = roots[step.inputs[input]] }
    }

    /// Drops steps whose outputs are constants by now, or are read by nobody. Nothing that is left out has an effect.
    private mutating func dropUnneeded() {
        var needed = Set(plan.fetches)
        var kept: [Draft] = []
        for draft in drafts.reversed() {
            let step = plan.steps[draft.source]
            guard step.outputs.contains(where: needed.contains) else { continue }
            needed.formUnion(step.inputs)
            kept.append(draft)
        }
        drafts = kept.reversed()
    }

    /// The last step that reads each root; `Int.max` for what is fetched.
    private func lastUses() -> [Int] {
        var result = [Int](repeating: -1, count: facts.count)
        for (number, draft) in drafts.enumerated() {
            for value in plan.steps[draft.source].inputs { result[roots[value]] = number }
        }
        for value in plan.fetches { result[roots[value]] = .max }
        return result
    }

    private func byteCount(_ value: Int) throws(CompileError) -> Int? {
        guard facts[value].shape.isFullyDefined else { return nil }
        guard let bytes = facts[value].shape.known?.byteCount(of: facts[value].dtype) else {
            throw CompileError(
                .resourceExhausted, "its output has a shape, \(facts[value].shape), that no tensor can have")
        }
        return bytes
    }

    private func place() throws(CompileError) -> Program {
        var placement = Placement(lastUses: lastUses(), roots: roots, limitBytes: limitBytes)
        var steps: [Program.Step] = []
        var operands: [Int32] = []
        for (number, draft) in drafts.enumerated() {
            let step = plan.steps[draft.source]
            do throws(CompileError) {
                var sizes: [Int?] = []
                for value in step.outputs { sizes.append(try byteCount(value)) }
                let scratch = try placement.place(
                    step, sizes, draft.kernel, at: number, isAlias: draft.aliasedInput != nil)
                guard draft.aliasedInput == nil else { continue }
                steps.append(
                    Program.Step(
                        work: draft.body.map { .kernel($0) } ?? .dynamic, firstOperand: operands.count,
                        inputCount: step.inputs.count, scratchOffset: scratch, source: draft.source))
                operands += (step.inputs + step.outputs).map { Int32(truncatingIfNeeded: $0) }
            } catch { throw step.locate(error) }
        }
        return program(steps, operands, placement)
    }

    private func program(_ steps: [Program.Step], _ operands: [Int32], _ placement: Placement) -> Program {
        var arenaValues: [(value: Int, offset: Int)] = []
        var constants: [Int] = []
        var feedValues: [(value: Int, feed: Int)] = []
        for value in Set(operands.map(Int.init)).union(plan.fetches).sorted() {
            let root = roots[value]
            if let offset = placement.offsets[root] {
                arenaValues.append((value, offset))
            } else if facts[root].value != nil {
                constants.append(value)
            } else if let feed = feedOfValue[root] {
                feedValues.append((value, feed))
            }
        }
        var facts = facts
        for value in constants where facts[value].value == nil {
            facts[value].value = facts[roots[value]].value
        }
        return Program(
            plan: plan, steps: steps, operands: operands, facts: facts, arenaValues: arenaValues, constants: constants,
            feedValues: feedValues, arenaBytes: placement.memory.byteCount)
    }
}

/// Where values lie in the arena, while the steps are walked in order.
private struct Placement {
    let lastUses: [Int]
    let roots: [Int]
    let limitBytes: Int
    var memory = MemoryPlan()
    var offsets: [Int: Int] = [:]
    private var sizes: [Int: Int] = [:]

    init(lastUses: [Int], roots: [Int], limitBytes: Int) {
        self.lastUses = lastUses
        self.roots = roots
        self.limitBytes = limitBytes
    }

    /// Places a step's outputs and scratch, then frees what is read here for the last time.
    ///
    /// - Returns: The scratch memory's offset.
    mutating func place(
        _ step: Plan.Step, _ outputSizes: [Int?], _ kernel: Kernel?, at number: Int, isAlias: Bool
    ) throws(CompileError) -> Int {
        var scratch = 0
        if !isAlias {
            for (index, (value, size)) in zip(step.outputs, outputSizes).enumerated() {
                guard let size else { continue }
                if index == 0, let kernel, takeOver(kernel, step, size, at: number) { continue }
                offsets[value] = try allocate(size)
                sizes[value] = size
            }
            let scratchBytes = kernel?.scratchBytes ?? 0
            scratch = try allocate(scratchBytes)
            memory.release(scratch, scratchBytes)
        }
        for root in Set((step.inputs + step.outputs).map { roots[$0] }) where lastUses[root] <= number {
            release(root)
        }
        return scratch
    }

    private mutating func allocate(_ size: Int) throws(CompileError) -> Int {
        guard let offset = memory.allocate(size, limitBytes: limitBytes) else {
            throw CompileError(
                .resourceExhausted, "the run would need more than \(limitBytes) bytes of memory, \(size) of them here")
        }
        return offset
    }

    private mutating func release(_ root: Int) {
        guard let offset = offsets[root], let size = sizes.removeValue(forKey: root) else { return }
        memory.release(offset, size)
    }

    /// Lets the first output have the memory of an input that dies here.
    private mutating func takeOver(_ kernel: Kernel, _ step: Plan.Step, _ size: Int, at number: Int) -> Bool {
        for index in kernel.overwritableInputs where step.inputs.indices.contains(index) {
            let root = roots[step.inputs[index]]
            let isShared = step.inputs.indices.contains {
                $0 != index && roots[step.inputs[$0]] == root && !kernel.overwritableInputs.contains($0)
            }
            guard lastUses[root] == number, !isShared, let offset = offsets[root], sizes[root] == size else { continue }
            sizes[root] = nil
            offsets[step.outputs[0]] = offset
            sizes[step.outputs[0]] = size
            return true
        }
        return false
    }
}
