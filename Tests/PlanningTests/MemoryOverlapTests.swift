import GraphSupport
import Kernels
import Operations
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Execution
@testable import Planning

/// Follows the steps of a program, and finds a value whose memory was written over before it was read for the last time.
///
/// It knows nothing of lifetimes: only which bytes each step reads and writes. Bodies of loops are followed twice, and both sides of
/// branches, so that what one iteration or side leaves to the next is read.
private struct OverlapChecker {
    private let program: Program
    private let schedule: Schedule
    private let places: [Int: Int]
    /// The arena's bytes by the value that was written there last, in blocks of the alignment.
    private var owners: [Int]
    /// For a value without a place of its own, the values with a place whose memory it may have.
    private var sources: [Int: Set<Int>] = [:]
    private(set) var faults: [String] = []

    private static let free = -1

    init(_ program: Program, _ schedule: Schedule) {
        self.program = program
        self.schedule = schedule
        places = Dictionary(program.arenaValues.map { ($0.value, $0.offset) }, uniquingKeysWith: { first, _ in first })
        owners = Array(repeating: Self.free, count: program.arenaBytes / TensorStorage.alignment + 1)
    }

    mutating func check() {
        var next = 0
        var passes: [Int: Int] = [:]
        while next < program.steps.count {
            let index = next
            next += 1
            switch program.steps[index].work {
            case .kernel, .cut, .dynamic: run(program.steps[index], at: index)
            case .control(let control):
                follow(control, at: index)
                // Once more through the body, then out.
                if case .loopNext = control, passes[index, default: 0] == 0 {
                    passes[index] = 1
                    next = program.steps[index].target
                } else if case .loopTest = control, passes.values.contains(1), isLast(index, passes) {
                    next = program.steps[index].target
                }
            }
        }
        for fetch in program.fetches { read(fetch.value, "the fetch \(fetch.name)") }
    }

    /// Whether the loop of a test has been gone through twice.
    private func isLast(_ index: Int, _ passes: [Int: Int]) -> Bool {
        passes.contains { $0.value == 1 && program.steps[$0.key].target <= index && index < $0.key }
    }

    private func blocks(_ value: Int, at offset: Int) -> Range<Int> {
        let fact = schedule.plan.facts[value]
        let bytes = fact.shape.known?.byteCount(of: fact.dtype) ?? 0
        let first = offset / TensorStorage.alignment
        return first..<first + (max(1, bytes) + TensorStorage.alignment - 1) / TensorStorage.alignment
    }

    /// The value that owns a value's memory: an alias' bytes were written by another one.
    private func root(_ value: Int) -> Int { schedule.roots[value].first ?? value }

    private mutating func read(_ value: Int, _ reader: String) {
        let candidates = sources[value] ?? [value]
        for candidate in candidates {
            guard let offset = places[candidate] ?? places[root(candidate)], schedule.plan.facts[candidate].value == nil
            else { continue }
            for block in blocks(root(candidate), at: offset) where owners[block] != root(candidate) {
                faults.append("\(reader) reads value \(candidate), over which value \(owners[block]) was written")
                return
            }
        }
    }

    private mutating func write(_ value: Int) {
        guard let offset = places[value] else { return }
        for block in blocks(value, at: offset) { owners[block] = value }
    }

    private mutating func run(_ step: Program.Step, at index: Int) {
        let node = schedule.plan.nodes[step.source]
        for value in node.inputs { read(value, "step \(index)") }
        let kernel = schedule.kernels[step.source]
        if let kernel {
            for output in node.outputs { checkInPlace(output, node, kernel, index) }
            checkScratch(step, node, kernel, index)
        }
        for value in node.outputs {
            sources[value] = nil
            write(value)
        }
    }

    /// An output may lie where an input lies only if the kernel allows it, for its first output.
    private mutating func checkInPlace(_ output: Int, _ node: Plan.Node, _ kernel: Kernel, _ index: Int) {
        guard let offset = places[output] else { return }
        let range = blocks(output, at: offset)
        for (place, input) in node.inputs.enumerated() {
            guard let other = places[input] ?? places[root(input)], schedule.plan.facts[input].value == nil,
                range.overlaps(blocks(root(input), at: other))
            else { continue }
            let isAllowed = output == node.outputs[0] && kernel.overwritableInputs.contains(place) && offset == other
            if !isAllowed { faults.append("step \(index) writes value \(output) over its input \(input)") }
        }
    }

    private mutating func checkScratch(_ step: Program.Step, _ node: Plan.Node, _ kernel: Kernel, _ index: Int) {
        guard kernel.scratchBytes > 0 else { return }
        let first = step.scratchOffset / TensorStorage.alignment
        let range = first..<first + (kernel.scratchBytes + TensorStorage.alignment - 1) / TensorStorage.alignment
        for value in node.inputs + node.outputs {
            guard let offset = places[value] ?? places[root(value)], schedule.plan.facts[value].value == nil,
                range.overlaps(blocks(root(value), at: offset))
            else { continue }
            faults.append("step \(index) has temporary memory over value \(value)")
        }
        for block in range where owners.indices.contains(block) { owners[block] = Self.free - 1 }
    }

    private mutating func follow(_ control: Program.Control, at index: Int) {
        switch control {
        case .flag(_, .branch(let predicate, _, _)): read(predicate, "step \(index)")
        case .flag, .failure: return
        case .loopTest(let test, _): read(test, "step \(index)")
        case .merge(let merge):
            var all: Set<Int> = []
            for input in merge.inputs { all.formUnion(sources[input.value] ?? [input.value]) }
            sources[merge.output] = all
            write(merge.index)
        case .alias(let output, let input): sources[output] = sources[input] ?? [input]
        case .loopBegin(let moves, _), .loopNext(let moves, _):
            for move in moves { read(move.source, "step \(index)") }
            for move in moves where move.isFixed { write(move.target) }
            // A value that lies in the arena is copied where its place may be written over.
            for move in moves where !move.isFixed { sources[move.target] = [] }
        }
    }
}

@Suite("Memory of programs")
struct MemoryOverlapTests {
    @Test("no two live values overlap, in the program of any recorded graph", arguments: VectorFamily.graphs)
    func overlap(_ family: VectorFamily) throws {
        var programs = 0
        for (index, vector) in try VectorFile.readGraphs(family.path).enumerated() {
            guard let trial = try? GraphTrial(vector) else { continue }
            for run in vector.runs {
                guard let callable = try? trial.callable(run) else { continue }
                let shapes = try run.feeds.map { try Tensor(decoding: $0.tensor).shape }
                guard let plan = try? callable.plan.specialized(for: shapes, callable.binding, options: PassOptions()),
                    let schedule = try? Schedule(plan, limitBytes: 1 << 30)
                else { continue }
                var layout = ProgramLayout(schedule, limitBytes: 1 << 30)
                var checker = OverlapChecker(try layout.program(general: callable.plan), schedule)
                checker.check()
                programs += 1
                for fault in checker.faults.prefix(3) {
                    Issue.record("\(family.name) #\(index) \(vector.label): \(fault)")
                }
            }
        }
        #expect(programs > 0)
    }
}
