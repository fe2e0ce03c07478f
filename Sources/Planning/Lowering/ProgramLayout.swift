internal import Kernels
internal import Operations
internal import Tensors

/// Lays out the instructions of a schedule: values in memory, steps in the program.
struct ProgramLayout {
    private let schedule: Schedule
    private let plan: Plan
    private var placement: Placement
    private var code = Program.Code()
    /// Values that instructions read or write besides the operands of steps.
    private var otherValues: Set<Int> = []
    /// Where the instructions of a loop are.
    private var starts: [Plan.NodeID: Int] = [:]
    private var tails: [Plan.NodeID: Int] = [:]
    private var ends: [Plan.NodeID: Int] = [:]
    private let readers: [ObjectIdentifier: [Plan.Value]]

    init(_ schedule: Schedule, limitBytes: Int) {
        self.schedule = schedule
        plan = schedule.plan
        readers = Self.readers(schedule)
        placement = Placement(lastUses: Lifetimes(schedule).lastUses, roots: schedule.roots, limitBytes: limitBytes)
    }

    /// Lays everything out.
    ///
    /// - Throws: `resourceExhausted` where the memory would exceed the limit.
    mutating func program(general: Plan) throws(OpError) -> Program {
        for (number, instruction) in schedule.instructions.enumerated() { try place(instruction, at: number) }
        for index in code.steps.indices { link(index) }
        var memory = Program.Memory(facts: plan.facts, arenaBytes: placement.memory.byteCount)
        let feeds = Dictionary(plan.feeds.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let used = Set(code.operands.map(Int.init)).union(plan.fetches.map(\.value)).union(otherValues)
        for value in used.sorted() {
            let root = schedule.roots[value][0]
            if let constant = memory.facts[value].value {
                memory.constants.append((value, constant))
            } else if let weight = memory.facts[value].weight {
                memory.weights.append((value, weight))
            } else if schedule.dynamic.contains(value) {
                continue
            } else if let offset = placement.offsets[root] {
                memory.arenaValues.append((value, offset))
            } else if let constant = memory.facts[root].value,
                let reshaped = constant.reshaped(to: memory.facts[value].shape.known ?? constant.shape)
            {
                memory.constants.append((value, reshaped))
                memory.facts[value].value = reshaped
            } else if let weight = memory.facts[root].weight {
                memory.weights.append((value, weight))
            } else if let feed = feeds[root] {
                memory.feedValues.append((value, feed))
            }
        }
        return Program(general: general, schedule, code, memory)
    }

    private func byteCount(_ value: Int) throws(OpError) -> Int? {
        let fact = plan.facts[value]
        guard fact.shape.isFullyDefined, !schedule.dynamic.contains(value) else { return nil }
        guard let bytes = fact.shape.known?.byteCount(of: fact.dtype) else {
            throw OpError(.resourceExhausted, "its output has a shape, \(fact.shape), that no tensor can have")
        }
        return bytes
    }

    private mutating func place(_ instruction: Schedule.Instruction, at number: Int) throws(OpError) {
        switch instruction.work {
        case .node(let id): try place(id, instruction, at: number)
        case .alias(let output, let input):
            if schedule.dynamic.contains(output) {
                emit(.alias(output: output, input: input), instruction, [output, input])
            }
            placement.release([input, output], at: number)
        case .loopBegin(let loop):
            for value in plan.nodes[loop].outputs {
                if let size = try byteCount(value) { try placement.place(value, size) }
            }
            emit(.loopBegin(moves(of: loop, fromInitial: true), loop: loop), instruction, values(of: loop))
            starts[loop] = code.steps.count
        case .loopTest(let loop):
            guard let test = plan.test(of: loop) else { return }
            emit(.loopTest(test, loop: loop), instruction, [test])
        case .loopNext(let loop):
            emit(.loopNext(moves(of: loop, fromInitial: false), loop: loop), instruction, values(of: loop))
            tails[loop] = code.steps.count
        case .loopEnd(let loop): ends[loop] = code.steps.count
        case .failure(let error): emit(.failure(error), instruction, [])
        }
    }

    private mutating func place(
        _ id: Plan.NodeID, _ instruction: Schedule.Instruction, at number: Int
    ) throws(OpError) {
        let node = plan.nodes[id]
        switch node.work {
        case .op:
            do throws(OpError) { try place(node, id, instruction, at: number) } catch {
                throw node.origin.locate(error)
            }
        case .flag(let flag): emit(.flag(flag, resolved(plan.flagRules[flag])), instruction, node.inputs)
        case .merge(let merge):
            try placement.place(node.outputs[1], MemoryLayout<Int32>.size)
            emit(.merge(resolved(merge, node)), instruction, node.inputs + node.outputs)
            placement.release([node.outputs[1]], at: number)
        case .loop, .failure: return
        }
    }

    private mutating func place(
        _ node: Plan.Node, _ id: Plan.NodeID, _ instruction: Schedule.Instruction, at number: Int
    ) throws(OpError) {
        var sizes: [Int?] = []
        for value in node.outputs { sizes.append(try byteCount(value)) }
        let kernel = schedule.kernels[id]
        let scratch = try placement.place(node, sizes, kernel, at: number)
        let work: Program.Work
        switch kernel?.work {
        case .compute(let body): work = .kernel(body)
        case .cut(let cut): work = .cut(cut)
        case .alias, nil:
            guard let op = node.op else { return }
            work = .dynamic(
                Program.Dynamic(
                    op: op, state: node.state, slots: node.slots, released: released(by: node, at: number),
                    inputs: node.inputs, outputs: node.outputs,
                    kernels: StepKernels.mayKeep(node, op, plan.facts) ? StepKernels() : nil))
        }
        code.steps.append(
            Program.Step(
                work: work, flag: Int32(instruction.flag ?? -1), firstOperand: code.operands.count,
                inputCount: node.inputs.count, scratchOffset: scratch, source: id))
        code.operands += (node.inputs + node.outputs).map { Int32(truncatingIfNeeded: $0) }
    }

    /// The values that have been read for the last time when an op changes their variable in place.
    private func released(by node: Plan.Node, at number: Int) -> [Plan.Value] {
        guard case .trains? = node.op?.implementation, let state = node.state else { return [] }
        return ([state] + node.slots).flatMap { state in
            (readers[ObjectIdentifier(state)] ?? []).filter { value in
                schedule.roots[value].allSatisfy { placement.lastUses[$0] < number }
            }
        }
    }

    /// The values that may have the memory of each variable.
    private static func readers(_ schedule: Schedule) -> [ObjectIdentifier: [Plan.Value]] {
        var states: [Plan.Value: ObjectIdentifier] = [:]
        for node in schedule.plan.nodes {
            guard node.isPresent, let state = node.state else { continue }
            for value in node.outputs { states[value] = ObjectIdentifier(state) }
        }
        guard !states.isEmpty else { return [:] }
        var readers: [ObjectIdentifier: [Plan.Value]] = [:]
        for value in schedule.roots.indices {
            for state in Set(schedule.roots[value].compactMap { states[$0] }) {
                readers[state, default: []].append(value)
            }
        }
        return readers
    }

    private mutating func emit(_ control: Program.Control, _ instruction: Schedule.Instruction, _ values: [Int]) {
        otherValues.formUnion(values)
        code.steps.append(
            Program.Step(
                work: .control(control), flag: Int32(instruction.flag ?? -1), firstOperand: 0, inputCount: 0,
                scratchOffset: 0, source: -1))
    }

    /// The rule without what is known already.
    private func resolved(_ rule: FlagRule) -> FlagRule {
        switch rule {
        case .branch(let predicate, let side, let base):
            .branch(predicate: predicate, side: side, base: resolved(base))
        case .all(let members): .all(members.filter { schedule.flag(of: .flag($0)) != nil })
        case .any(let members): .any(members.filter { schedule.flag(of: .flag($0)) != nil })
        }
    }

    private func resolved(_ guarded: Guard) -> Guard {
        guard case .flag = guarded else { return guarded }
        guard plan.state(of: guarded) != false else { return .never }
        return schedule.flag(of: guarded).map { .flag($0) } ?? .always
    }

    private func resolved(_ merge: Plan.Merge, _ node: Plan.Node) -> Program.Merge {
        Program.Merge(
            inputs: zip(node.inputs, zip(merge.guards, merge.places)).map { value, choice in
                Program.Merge.Input(value: value, guarded: resolved(choice.0), place: Int32(choice.1))
            }, output: node.outputs[0], index: node.outputs[1], error: merge.error)
    }

    private func values(of loop: Plan.NodeID) -> [Int] {
        let count = plan.nodes[loop].outputs.count
        return Array(plan.nodes[loop].inputs.prefix(2 * count)) + plan.nodes[loop].outputs
    }

    /// What is copied into the variables' places.
    private func moves(of loop: Plan.NodeID, fromInitial: Bool) -> [Program.Move] {
        let currents = plan.nodes[loop].outputs
        let sources = plan.nodes[loop].inputs.dropFirst(fromInitial ? 0 : currents.count).prefix(currents.count)
        let all = Set(currents)
        return zip(sources, currents).compactMap { source, current in
            let sourceRoots = Set(schedule.roots[source])
            if !fromInitial, sourceRoots == [current] { return nil }
            let isFixed = placement.offsets[current] != nil
            return Program.Move(
                source: source, target: current, isFixed: isFixed,
                // Another variable's old value would be overwritten before it is read.
                isStaged: isFixed && !fromInitial && !sourceRoots.isDisjoint(with: all),
                byteCount: isFixed ? plan.facts[current].shape.known?.byteCount(of: plan.facts[current].dtype) ?? 0 : 0)
        }
    }

    /// Fills in where the loops' instructions lead.
    private mutating func link(_ index: Int) {
        guard case .control(let control) = code.steps[index].work else { return }
        switch control {
        case .loopBegin(_, let loop): code.steps[index].target = ends[loop] ?? index + 1
        case .loopTest(_, let loop): code.steps[index].target = tails[loop] ?? index + 1
        case .loopNext(_, let loop): code.steps[index].target = starts[loop] ?? index + 1
        case .alias, .flag, .merge, .failure: return
        }
    }
}

extension Plan {
    /// The test of a loop.
    func test(of loop: NodeID) -> Value? {
        guard let work = nodes[loop].loop, work.hasTest else { return nil }
        return nodes[loop].inputs[2 * work.variableCount]
    }
}
