internal import Kernels
internal import Operations
internal import Tensors

/// Gives the drafts of a program their places: values in memory, instructions in the program.
struct ProgramLayout {
    private let builder: ProgramBuilder
    private let drafts: [Draft]
    private let plan: Plan
    private var placement: Placement
    private var steps: [Program.Step] = []
    private var operands: [Int32] = []
    private var kernelNames: [Kernel.Name?] = []
    /// Values that instructions read or write besides ``operands``.
    private var otherValues: Set<Int> = []
    /// Where the instructions of a loop are, by its number.
    private var starts: [Int: Int] = [:]
    private var tails: [Int: Int] = [:]
    private var ends: [Int: Int] = [:]

    init(_ builder: ProgramBuilder) {
        self.builder = builder
        drafts = builder.drafts
        plan = builder.plan
        let lifetimes = Lifetimes(builder)
        placement = Placement(lastUses: lifetimes.lastUses, roots: builder.roots, limitBytes: builder.limitBytes)
    }

    /// Lays everything out.
    ///
    /// - Throws: `resourceExhausted` where the memory would exceed the limit.
    mutating func program() throws(OpError) -> Program {
        for (number, draft) in drafts.enumerated() { try place(draft, at: number) }
        for index in steps.indices { link(index) }
        var arenaValues: [(value: Int, offset: Int)] = []
        var constants: [Int] = []
        var feedValues: [(value: Int, feed: Int)] = []
        var facts = builder.facts
        let used = Set(operands.map(Int.init)).union(plan.fetches.map(\.value)).union(otherValues)
        for value in used.sorted() {
            let root = builder.roots[value][0]
            if facts[value].value != nil {
                constants.append(value)
            } else if builder.floating.contains(value) {
                continue
            } else if let offset = placement.offsets[root] {
                arenaValues.append((value, offset))
            } else if let constant = facts[root].value {
                constants.append(value)
                facts[value].value = constant.reshaped(to: facts[value].shape.known ?? constant.shape)
            } else if let feed = builder.feedOfValue[root] {
                feedValues.append((value, feed))
            }
        }
        return Program(
            plan: plan, steps: steps, operands: operands, facts: facts, arenaValues: arenaValues, constants: constants,
            feedValues: feedValues, arenaBytes: placement.memory.byteCount,
            fetchFlags: plan.fetches.map { builder.flag(of: $0.liveness) }, kernelNames: kernelNames)
    }

    private func byteCount(_ value: Int) throws(OpError) -> Int? {
        let fact = builder.facts[value]
        guard fact.shape.isFullyDefined, !builder.floating.contains(value) else { return nil }
        guard let bytes = fact.shape.known?.byteCount(of: fact.dtype) else {
            throw OpError(.resourceExhausted, "its output has a shape, \(fact.shape), that no tensor can have")
        }
        return bytes
    }

    private mutating func place(_ draft: Draft, at number: Int) throws(OpError) {
        switch draft.work {
        case .step(let index, let kernel):
            let step = plan.steps[index]
            do throws(OpError) { try place(step, index, kernel, draft, at: number) } catch {
                throw step.locate(error)
            }
        case .alias(let output, let input):
            if builder.floating.contains(output) { emit(.alias(output: output, input: input), draft, [output, input]) }
            placement.release([input, output], at: number)
        case .flag(let flag): emit(.flag(flag, resolved(plan.flagRules[flag])), draft, predicates(of: flag))
        case .merge(let merge):
            let index = byteCountOfIndex
            try placement.place(merge.index, index)
            emit(.merge(resolved(merge)), draft, merge.inputs.map(\.value) + [merge.output, merge.index])
            placement.release([merge.index], at: number)
        case .loopBegin(let loop):
            for variable in builder.loops[loop].variables {
                if let size = try byteCount(variable.current) { try placement.place(variable.current, size) }
            }
            emit(.loopBegin(moves(of: loop, fromInitial: true), loop: loop), draft, values(of: loop))
            starts[loop] = steps.count
        case .loopTest(let loop):
            guard let test = builder.loops[loop].test else { return }
            emit(.loopTest(test, loop: loop), draft, [test])
        case .loopNext(let loop):
            emit(.loopNext(moves(of: loop, fromInitial: false), loop: loop), draft, values(of: loop))
            tails[loop] = steps.count
        case .loopEnd(let loop): ends[loop] = steps.count
        case .failure(let error): emit(.failure(error), draft, [])
        }
    }

    private var byteCountOfIndex: Int { MemoryLayout<Int32>.size }

    private mutating func place(
        _ step: Plan.Step, _ index: Int, _ kernel: Kernel?, _ draft: Draft, at number: Int
    ) throws(OpError) {
        var sizes: [Int?] = []
        for value in step.outputs { sizes.append(try byteCount(value)) }
        let scratch = try placement.place(step, sizes, kernel, at: number)
        let work: Program.Work
        switch kernel?.work {
        case .compute(let body): work = .kernel(body)
        case .cut(let cut): work = .cut(cut)
        case .alias, nil: work = .dynamic
        }
        kernelNames.append(kernel?.name)
        steps.append(
            Program.Step(
                work: work, flag: Int32(draft.flag ?? -1), firstOperand: operands.count, inputCount: step.inputs.count,
                scratchOffset: scratch, source: index))
        operands += (step.inputs + step.outputs).map { Int32(truncatingIfNeeded: $0) }
    }

    private mutating func emit(_ control: Program.Control, _ draft: Draft, _ values: [Int]) {
        otherValues.formUnion(values)
        kernelNames.append(nil)
        steps.append(
            Program.Step(
                work: .control(control), flag: Int32(draft.flag ?? -1), firstOperand: 0, inputCount: 0,
                scratchOffset: 0,
                source: -1))
    }

    private func predicates(of flag: Int) -> [Int] {
        if case .branch(let predicate, _, _) = plan.flagRules[flag] { [predicate] } else { [] }
    }

    /// The rule without what is known already.
    private func resolved(_ rule: FlagRule) -> FlagRule {
        switch rule {
        case .branch(let predicate, let side, let base):
            .branch(predicate: predicate, side: side, base: resolved(base))
        case .all(let members): .all(members.filter { builder.flag(of: .flag($0)) != nil })
        case .any(let members): .any(members.filter { builder.flag(of: .flag($0)) != nil })
        }
    }

    private func resolved(_ liveness: Liveness) -> Liveness {
        guard case .flag = liveness else { return liveness }
        return builder.flag(of: liveness).map { .flag($0) } ?? .always
    }

    private func resolved(_ merge: Plan.Merge) -> Plan.Merge {
        Plan.Merge(
            inputs: merge.inputs.map { (value: $0.value, liveness: resolved($0.liveness)) }, output: merge.output,
            index: merge.index, liveness: merge.liveness, error: merge.error)
    }

    private func values(of loop: Int) -> [Int] {
        builder.loops[loop].variables.flatMap { [$0.initial, $0.current, $0.next] }
    }

    /// What is copied into the variables' places.
    private func moves(of loop: Int, fromInitial: Bool) -> [Program.Move] {
        let variables = builder.loops[loop].variables
        let currents = Set(variables.map(\.current))
        return variables.compactMap { variable in
            let source = fromInitial ? variable.initial : variable.next
            let sourceRoots = Set(builder.roots[source])
            if !fromInitial, sourceRoots == [variable.current] { return nil }
            let isFixed = placement.offsets[variable.current] != nil
            return Program.Move(
                source: source, target: variable.current, isFixed: isFixed,
                // Another variable's old value would be overwritten before it is read.
                isStaged: isFixed && !fromInitial && !sourceRoots.isDisjoint(with: currents))
        }
    }

    /// Fills in where the loops' instructions lead.
    private mutating func link(_ index: Int) {
        guard case .control(let control) = steps[index].work else { return }
        switch control {
        case .loopBegin(_, let loop): steps[index].target = ends[loop] ?? index + 1
        case .loopTest(_, let loop): steps[index].target = tails[loop] ?? index + 1
        case .loopNext(_, let loop): steps[index].target = starts[loop] ?? index + 1
        case .alias, .flag, .merge, .failure: return
        }
    }
}

/// Until when each value's memory is read.
struct Lifetimes {
    /// By root, the last draft that reads it; `Int.max` for what is fetched, -1 for what is never read.
    private(set) var lastUses: [Int]
    private let builder: ProgramBuilder
    /// The loops in which each value is made anew.
    private var homes: [Int: [Int]] = [:]
    private var ends: [Int: Int] = [:]

    init(_ builder: ProgramBuilder) {
        self.builder = builder
        lastUses = Array(repeating: -1, count: builder.facts.count)
        for (number, draft) in builder.drafts.enumerated() {
            switch draft.work {
            case .step(let step, _): for value in builder.plan.steps[step].outputs { homes[value] = draft.loops }
            case .merge(let merge):
                homes[merge.output] = draft.loops
                homes[merge.index] = draft.loops
            case .loopEnd(let loop): ends[loop] = number
            case .alias, .flag, .loopBegin, .loopTest, .loopNext, .failure: continue
            }
        }
        // A loop's variables are made before it.
        for loop in builder.loops { for variable in loop.variables { homes[variable.current] = loop.outer } }
        for (number, draft) in builder.drafts.enumerated() { read(draft, at: number) }
        for fetch in builder.plan.fetches { for root in builder.roots[fetch.value] { lastUses[root] = .max } }
    }

    private mutating func read(_ draft: Draft, at number: Int) {
        let plan = builder.plan
        switch draft.work {
        case .step(let step, _): read(plan.steps[step].inputs, draft.loops, number)
        case .alias(let output, let input): read([input, output], draft.loops, number)
        case .flag(let flag):
            if case .branch(let predicate, _, _) = plan.flagRules[flag] { read([predicate], draft.loops, number) }
        case .merge(let merge): read(merge.inputs.map(\.value), draft.loops, number)
        case .loopBegin(let loop): read(builder.loops[loop].variables.map(\.initial), draft.loops, number)
        case .loopTest(let loop): if let test = builder.loops[loop].test { read([test], draft.loops, number) }
        case .loopNext(let loop):
            let variables = builder.loops[loop].variables
            read(variables.map(\.next) + variables.map(\.current), draft.loops, number)
        case .loopEnd(let loop):
            // A loop without a variable that is read later still writes them.
            read(builder.loops[loop].variables.map(\.current), draft.loops, number)
        case .failure: return
        }
    }

    /// What is made outside of a loop is read in all of its iterations.
    private mutating func read(_ values: [Int], _ loops: [Int], _ number: Int) {
        for value in values {
            for root in builder.roots[value] {
                let home = homes[root] ?? []
                let outermost = loops.indices.first { $0 >= home.count || loops[$0] != home[$0] }
                let end = outermost.flatMap { ends[loops[$0]] } ?? number
                lastUses[root] = max(lastUses[root], number, end)
            }
        }
    }
}
