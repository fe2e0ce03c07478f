internal import Operations

/// Until when each value's memory is read.
struct Lifetimes {
    /// By root, the last instruction that reads it; `Int.max` for what is fetched, -1 for what is never read.
    private(set) var lastUses: [Int]
    private let schedule: Schedule
    /// The loops in which each value is made anew.
    private var homes: [Plan.Value: [Plan.NodeID]] = [:]
    private var ends: [Plan.NodeID: Int] = [:]

    init(_ schedule: Schedule) {
        self.schedule = schedule
        let plan = schedule.plan
        lastUses = Array(repeating: -1, count: plan.facts.count)
        for (number, instruction) in schedule.instructions.enumerated() {
            switch instruction.work {
            case .node(let id): for value in plan.nodes[id].outputs { homes[value] = instruction.loops }
            // A loop's variables are made before it.
            case .loopBegin(let loop): for value in plan.nodes[loop].outputs { homes[value] = instruction.loops }
            case .loopEnd(let loop): ends[loop] = number
            case .alias, .loopTest, .loopNext, .failure: continue
            }
        }
        for (number, instruction) in schedule.instructions.enumerated() { read(instruction, at: number) }
        for fetch in plan.fetches { for root in schedule.roots[fetch.value] { lastUses[root] = .max } }
    }

    private mutating func read(_ instruction: Schedule.Instruction, at number: Int) {
        let plan = schedule.plan
        switch instruction.work {
        case .node(let id): read(plan.nodes[id].inputs, instruction.loops, number)
        case .alias(let output, let input): read([input, output], instruction.loops, number)
        case .loopBegin(let loop):
            read(Array(plan.nodes[loop].inputs.prefix(plan.nodes[loop].outputs.count)), instruction.loops, number)
        case .loopTest(let loop): if let test = plan.test(of: loop) { read([test], instruction.loops, number) }
        case .loopNext(let loop):
            let count = plan.nodes[loop].outputs.count
            let nexts = plan.nodes[loop].inputs.dropFirst(count).prefix(count)
            read(nexts + plan.nodes[loop].outputs, instruction.loops, number)
        case .loopEnd(let loop):
            // A loop without a variable that is read later still writes them.
            read(plan.nodes[loop].outputs, instruction.loops, number)
        case .failure: return
        }
    }

    /// What is made outside of a loop is read in all of its iterations.
    private mutating func read(_ values: [Plan.Value], _ loops: [Plan.NodeID], _ number: Int) {
        for value in values {
            for root in schedule.roots[value] {
                let home = homes[root] ?? []
                let outermost = loops.indices.first { $0 >= home.count || loops[$0] != home[$0] }
                let end = outermost.flatMap { ends[loops[$0]] } ?? number
                lastUses[root] = max(lastUses[root], number, end)
            }
        }
    }
}
