internal import Kernels
internal import Operations
internal import Tensors

/// Makes a ``Program`` of a plan for given shapes of the feeds.
///
/// In this order: shapes are inferred and what becomes constant by them is folded; kernels are made; steps that nobody needs
/// any more are dropped; every value gets its place.
struct ProgramBuilder {
    let plan: Plan
    let limitBytes: Int
    var facts: [TensorFact]
    var drafts: [Draft] = []
    var loops: [LoopDraft] = []
    /// The values whose memory each value may have: itself, or what it is an alias of. The first is the one that has a place.
    var roots: [[Int]]
    /// Values whose memory is known in the run only.
    var floating: Set<Int> = []
    /// Whether each flag is up, where that is known.
    private var flagStates: [Bool?]
    /// Values that cannot be computed, in a branch or a loop that may never run.
    private var failed: Set<Int> = []
    /// The loops around what is being built.
    private var loopPath: [Int] = []
    /// What was found out about the loops that have been drafted, by the current value of their first variable.
    private var learned: [Int: LoopKnowledge] = [:]
    let feedOfValue: [Int: Int]

    /// What depends on shapes only is folded up to here.
    private static let foldLimitBytes = 1 << 20

    init(plan: Plan, feedShapes: [Shape], limitBytes: Int) {
        self.plan = plan
        self.limitBytes = limitBytes
        facts = plan.facts
        roots = plan.facts.indices.map { [$0] }
        flagStates = Array(repeating: nil, count: plan.flagRules.count)
        for (value, shape) in zip(plan.feeds, feedShapes) { facts[value].shape = PartialShape(shape) }
        feedOfValue = Dictionary(plan.feeds.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Builds the program.
    ///
    /// - Throws: ``OpError`` where shapes do not fit, a kernel is missing, or the memory would exceed the limit.
    mutating func build() throws(OpError) -> Program {
        try draft(plan.items)
        for fetch in plan.fetches where state(of: fetch.liveness) == false {
            throw OpError(
                .invalidArgument, "a fetched tensor is in a branch that is not taken: it has no value")
        }
        var needs = DraftNeeds(plan, drafts, loops) { [facts] in facts[$0].value != nil }
        drafts = needs.run()
        for index in loops.indices {
            loops[index].variables.removeAll { !needs.neededValues.contains($0.current) }
        }
        var layout = ProgramLayout(self)
        return try layout.program()
    }

    private mutating func draft(_ items: [Plan.Item]) throws(OpError) {
        for item in items {
            switch item {
            case .step(let index): try draft(index)
            case .flag(let flag):
                flagStates[flag] = state(of: plan.flagRules[flag])
                if flagStates[flag] == nil { append(.flag(flag)) }
            case .merge(let merge): try draft(merge)
            case .loop(let loop): try draft(loop)
            case .failure(let error, let liveness): try fail(error, liveness)
            }
        }
    }

    private mutating func append(_ work: Draft.Work, _ liveness: Liveness = .always) {
        drafts.append(Draft(work: work, flag: flag(of: liveness), loops: loopPath))
    }

    /// The flag to look at in the run.
    func flag(of liveness: Liveness) -> Int? {
        if case .flag(let flag) = liveness, flagStates[flag] == nil { flag } else { nil }
    }

    /// Whether something is alive, where that is known.
    private func state(of liveness: Liveness) -> Bool? {
        switch liveness {
        case .always: true
        case .never: false
        case .flag(let flag): flagStates[flag]
        }
    }

    private func state(of rule: FlagRule) -> Bool? {
        switch rule {
        case .branch(let predicate, let side, let base):
            let baseState = state(of: base)
            // Where the predicate could not be computed, the run does not come here.
            if baseState == false || failed.contains(predicate) { return false }
            guard let truth = facts[predicate].value?.scalars(as: Bool.self)?.first else { return nil }
            return truth == side ? baseState : false
        case .all(let members):
            let states = members.map { flagStates[$0] }
            if states.contains(false) { return false }
            return states.contains(nil) ? nil : true
        case .any(let members):
            let states = members.map { flagStates[$0] }
            if states.contains(true) { return true }
            return states.contains(nil) ? nil : false
        }
    }

    /// An error is one of the request's, unless it is in a branch or a loop that may never run: then the run will tell.
    private mutating func fail(_ error: OpError, _ liveness: Liveness) throws(OpError) {
        guard let state = state(of: liveness) else { return append(.failure(error), liveness) }
        guard state else { return }
        if loopPath.isEmpty { throw error }
        append(.failure(error))
    }

    private mutating func draft(_ index: Int) throws(OpError) {
        let step = plan.steps[index]
        if state(of: step.liveness) == false { return }
        guard !step.inputs.contains(where: failed.contains) else { return failed.formUnion(step.outputs) }
        do throws(OpError) { try infer(index) } catch {
            if error.kind == .resourceExhausted { throw step.locate(error) }
            failed.formUnion(step.outputs)
            try fail(step.locate(error), step.liveness)
        }
    }

    private mutating func infer(_ index: Int) throws(OpError) {
        let step = plan.steps[index]
        if step.state != nil {
            floating.formUnion(step.outputs)
            return append(.step(index, nil), step.liveness)
        }
        let inputs = step.inputs.map { facts[$0] }
        let outputs = try step.op.outputs(for: inputs)
        for (value, fact) in zip(step.outputs, outputs) { facts[value] = fact }
        if !step.op.hasEffect {
            if outputs.allSatisfy(\.isKnown) { return }
            if let folded = try PlanBuilder.fold(step.op, inputs, outputs, Self.foldLimitBytes) {
                for (value, fact) in zip(step.outputs, folded) { facts[value] = fact }
                return
            }
        }
        for value in step.outputs {
            facts[value].value = nil
            roots[value] = [value]
        }
        let op: any KernelOp
        switch step.op.implementation {
        case .kernel(let kernelOp): op = kernelOp
        case .tensors, .objects:
            floating.formUnion(step.outputs)
            return append(.step(index, nil), step.liveness)
        default: throw .nothingToCompute
        }
        guard inputs.allSatisfy(\.shape.isFullyDefined), outputs.allSatisfy(\.shape.isFullyDefined),
            op.valueInputs.allSatisfy({ !inputs.indices.contains($0) || inputs[$0].value != nil })
        else {
            floating.formUnion(step.outputs.filter { !facts[$0].shape.isFullyDefined })
            return append(.step(index, nil), step.liveness)
        }
        let spec = KernelSpec(inputs: inputs, outputs: outputs)
        try checkTables(op, spec)
        let kernel = try op.makeKernel(for: spec)
        guard !inputs.contains(where: { $0.dtype.isHandle && $0.value == nil }) else {
            throw .unsupported("is not supported for handles")
        }
        if case .alias(let input) = kernel.work {
            alias(step.outputs[0], step.inputs[input], step.liveness)
        } else {
            append(.step(index, kernel), step.liveness)
        }
    }

    /// Refuses a kernel whose tables, or whose outputs, would be larger than a run may be, before they are made.
    private func checkTables(_ op: any KernelOp, _ spec: KernelSpec) throws(OpError) {
        let tables = op.tableBytes(for: spec)
        guard tables > 0 else { return }
        let account = RunAccount(limitBytes: limitBytes)
        try account.reserve(tables)
        for fact in spec.outputs { try account.reserve(fact.shape.known?.byteCount(of: fact.dtype) ?? .max) }
    }

    private mutating func alias(_ output: Int, _ input: Int, _ liveness: Liveness) {
        roots[output] = roots[input]
        if floating.contains(input) { floating.insert(output) }
        append(.alias(output: output, input: input), liveness)
    }

    private mutating func draft(_ merge: Plan.Merge) throws(OpError) {
        let alive = merge.inputs.enumerated().filter { input in
            state(of: input.element.liveness) != false && !failed.contains(input.element.value)
        }
        guard let (place, first) = alive.first else {
            failed.formUnion([merge.output, merge.index])
            if let error = merge.error { try fail(error, merge.liveness) }
            return
        }
        guard alive.count > 1 || merge.error != nil && state(of: first.liveness) == nil else {
            facts[merge.output] = facts[first.value]
            facts[merge.index] = TensorFact(try .scalar(Int32(place)))
            return alias(merge.output, first.value, merge.liveness)
        }
        var fact = facts[first.value]
        for (_, input) in alive.dropFirst() { fact = try fact.joined(with: facts[input.value]) }
        fact.value = nil
        facts[merge.output] = fact
        facts[merge.index].value = nil
        roots[merge.output] = [merge.output] + alive.flatMap { roots[$0.element.value] }
        floating.insert(merge.output)
        // The places of inputs that are left out must not move the others'.
        let inputs = merge.inputs.enumerated().map { place, input in
            (value: input.value, liveness: alive.contains { $0.offset == place } ? input.liveness : .never)
        }
        append(
            .merge(
                Plan.Merge(
                    inputs: inputs, output: merge.output, index: merge.index, liveness: merge.liveness,
                    error: merge.error)), merge.liveness)
    }
}

/// Loops.
extension ProgramBuilder {
    /// What caused it has its own failure before this one, unless it is in a branch that is not taken.
    private static var notComputed: OpError { .invalid("a loop needs a value that is not computed") }

    /// Drafts a loop with what is known of its variables' first values, and again with less, until an iteration leaves what it
    /// found.
    private mutating func draft(_ loop: Plan.Loop) throws(OpError) {
        guard state(of: loop.liveness) != false else { return }
        guard !loop.variables.contains(where: { failed.contains($0.initial) }) else {
            return failed.formUnion(loop.variables.map(\.current))
        }
        var known = loop.variables.map { facts[$0.initial] }
        for index in known.indices { known[index].value = nil }
        guard let key = loop.variables.first?.current else { return try draft(loop, known) }
        var knowledge = learned[key] ?? LoopKnowledge()
        try knowledge.begin(with: &known)
        let before = self
        while true {
            try draft(loop, known)
            let isStable = try knowledge.correct(
                &known, by: loop.variables.map { failed.contains($0.next) ? nil : facts[$0.next] })
            learned[key] = knowledge
            if isStable { return }
            let learned = learned
            self = before
            self.learned = learned
        }
    }

    private mutating func draft(_ loop: Plan.Loop, _ known: [TensorFact]) throws(OpError) {
        let number = loops.count
        loops.append(LoopDraft(variables: [], test: loop.test, outer: loopPath))
        for (variable, fact) in zip(loop.variables, known) {
            facts[variable.current] = fact
            roots[variable.current] = [variable.current]
            if !fact.shape.isFullyDefined || fact.dtype.isHandle { floating.insert(variable.current) }
        }
        append(.loopBegin(number), loop.liveness)
        loopPath.append(number)
        try draft(loop.head)
        if let test = loop.test, failed.contains(test) { append(.failure(Self.notComputed)) }
        append(.loopTest(number))
        try draft(loop.body)
        if loop.variables.contains(where: { failed.contains($0.next) }) { append(.failure(Self.notComputed)) }
        append(.loopNext(number))
        try draft(loop.tail)
        append(.loopEnd(number))
        loopPath.removeLast()
        loops[number].variables = loop.variables.map { variable in
            guard failed.contains(variable.next) else { return variable }
            return Plan.Loop.Variable(initial: variable.initial, current: variable.current, next: variable.current)
        }
    }
}
