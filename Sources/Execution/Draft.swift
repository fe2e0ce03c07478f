internal import Kernels
internal import Operations

/// An instruction while a program is being made.
struct Draft {
    enum Work {
        /// A step of the plan, by its place; without a kernel it is computed in the run.
        case step(Int, Kernel?)
        /// A value that is another one's memory.
        case alias(output: Int, input: Int)
        case flag(Int)
        case merge(Plan.Merge)
        /// The first values of a loop's variables.
        case loopBegin(Int)
        case loopTest(Int)
        /// The next values of a loop's variables, and back to the beginning.
        case loopNext(Int)
        case loopEnd(Int)
        case failure(OpError)
    }

    let work: Work
    /// The flag that must be up; nil where it always is.
    let flag: Int?
    /// The loops around it, by number, outermost first.
    let loops: [Int]
}

/// A loop while a program is being made.
struct LoopDraft {
    var variables: [Plan.Loop.Variable]
    let test: Int?
    /// The loops around it.
    let outer: [Int]
}

/// Which drafts a run needs: those that lead to the fetches, to an effect or to a failure.
struct DraftNeeds {
    private let plan: Plan
    private let drafts: [Draft]
    private let loops: [LoopDraft]
    private let known: (Int) -> Bool
    private var producers: [Int: Int] = [:]
    private var flagProducers: [Int: Int] = [:]
    private var variables: [Int: (loop: Int, variable: Int)] = [:]
    private var neededDrafts: Set<Int> = []
    private var neededLoops: Set<Int> = []
    /// The loops' variables that somebody reads, by their current value.
    private(set) var neededValues: Set<Int> = []
    private var openValues: [Int] = []
    private var openDrafts: [Int] = []
    private var openLoops: [Int] = []
    private var begins: [Int: Int] = [:]

    /// - `known`: Whether a value is a constant: nothing is needed for it.
    init(_ plan: Plan, _ drafts: [Draft], _ loops: [LoopDraft], known: @escaping (Int) -> Bool) {
        self.plan = plan
        self.drafts = drafts
        self.loops = loops
        self.known = known
        for (index, draft) in drafts.enumerated() {
            switch draft.work {
            case .step(let step, _): for value in plan.steps[step].outputs { producers[value] = index }
            case .alias(let output, _): producers[output] = index
            case .flag(let flag): flagProducers[flag] = index
            case .merge(let merge):
                producers[merge.output] = index
                producers[merge.index] = index
            case .loopBegin(let loop):
                begins[loop] = index
                for (number, variable) in loops[loop].variables.enumerated() {
                    variables[variable.current] = (loop, number)
                }
            case .loopTest, .loopNext, .loopEnd, .failure: break
            }
        }
    }

    /// The drafts that are needed, in order.
    mutating func run() -> [Draft] {
        for fetch in plan.fetches {
            need(value: fetch.value)
            need(fetch.liveness)
        }
        for (index, draft) in drafts.enumerated() {
            switch draft.work {
            case .step(let step, _) where plan.steps[step].op.hasEffect: need(draft: index)
            case .failure: need(draft: index)
            default: continue
            }
        }
        // No recursion: a long chain must not exhaust the stack.
        while true {
            if let value = openValues.popLast() {
                trace(value)
            } else if let draft = openDrafts.popLast() {
                follow(draft)
            } else if let loop = openLoops.popLast() {
                follow(loop: loop)
            } else {
                break
            }
        }
        return drafts.enumerated().filter { index, draft in
            switch draft.work {
            case .loopBegin(let loop), .loopTest(let loop), .loopNext(let loop), .loopEnd(let loop):
                neededLoops.contains(loop)
            default: neededDrafts.contains(index)
            }
        }.map(\.element)
    }

    private mutating func need(value: Int) {
        if !known(value), neededValues.insert(value).inserted { openValues.append(value) }
    }

    private mutating func need(_ liveness: Liveness) {
        if case .flag(let flag) = liveness { need(flag: flag) }
    }

    private mutating func need(flag: Int) { if let producer = flagProducers[flag] { need(draft: producer) } }

    private mutating func trace(_ value: Int) {
        if let producer = producers[value] { return need(draft: producer) }
        guard let (loop, number) = variables[value] else { return }
        need(loop: loop)
        need(value: loops[loop].variables[number].initial)
        need(value: loops[loop].variables[number].next)
    }

    private mutating func need(loop: Int) {
        if neededLoops.insert(loop).inserted { openLoops.append(loop) }
    }

    private mutating func follow(loop: Int) {
        if let test = loops[loop].test { need(value: test) }
        for outer in loops[loop].outer { need(loop: outer) }
        if let begin = begins[loop], let flag = drafts[begin].flag { need(flag: flag) }
    }

    private mutating func need(draft index: Int) {
        if neededDrafts.insert(index).inserted { openDrafts.append(index) }
    }

    private mutating func follow(_ index: Int) {
        let draft = drafts[index]
        for loop in draft.loops { need(loop: loop) }
        if let flag = draft.flag { need(flag: flag) }
        switch draft.work {
        case .step(let step, _): for value in plan.steps[step].inputs { need(value: value) }
        case .alias(_, let input): need(value: input)
        case .merge(let merge):
            for input in merge.inputs {
                need(value: input.value)
                need(input.liveness)
            }
        case .flag(let flag):
            switch plan.flagRules[flag] {
            case .branch(let predicate, _, let base):
                need(value: predicate)
                need(base)
            case .all(let members), .any(let members): for member in members { need(flag: member) }
            }
        case .loopBegin, .loopTest, .loopNext, .loopEnd, .failure: break
        }
    }
}
