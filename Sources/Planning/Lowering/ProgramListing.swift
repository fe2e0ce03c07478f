internal import Kernels
package import Operations
package import Tensors

/// A step of a program, for people.
package struct ProgramRow: Sendable, Hashable {
    /// The kernel's name; `made in the run` for a step whose shapes only the run tells; the kind of a branch or loop step.
    package let kernel: String
    /// The op's name in the graph.
    package let op: String
    /// The graph nodes that it stands for.
    package let names: [String]
    /// The outputs' dtypes and shapes.
    package let outputs: [String]
    /// The bytes that the outputs take; 0 where that is known in the run only.
    package let byteCount: Int
    /// The offsets of the outputs in the run's memory; nil for one that has memory of its own.
    package let offsets: [Int?]
    /// The bytes of temporary memory.
    package let scratchBytes: Int
}

/// What was made of a plan for feeds of given shapes, for people.
package struct ProgramListing: Sendable {
    /// The steps, as a run takes them.
    package let rows: [ProgramRow]
    /// The bytes that a run's memory takes.
    package let arenaBytes: Int
    /// The bytes of the constants and weights that the program reads.
    package let constantBytes: Int

    init(_ program: Program, _ schedule: Schedule) {
        let offsets = Dictionary(
            program.arenaValues.map { ($0.value, $0.offset) }, uniquingKeysWith: { first, _ in first })
        rows = program.steps.map { Self.row($0, program, schedule, offsets) }
        arenaBytes = program.arenaBytes
        var seen: Set<ObjectIdentifier> = []
        constantBytes =
            program.constants.reduce(0) { bytes, constant in
                seen.insert(ObjectIdentifier(constant.tensor.storage)).inserted
                    ? bytes + constant.tensor.byteCount : bytes
            } + Set(program.weights.map(\.weight)).reduce(0) { $0 + program.planWeights.byteCount(of: $1) }
    }

    private static func row(
        _ step: Program.Step, _ program: Program, _ schedule: Schedule, _ offsets: [Int: Int]
    ) -> ProgramRow {
        guard step.source >= 0 else {
            return ProgramRow(
                kernel: step.work.controlName, op: "", names: [], outputs: [], byteCount: 0, offsets: [],
                scratchBytes: 0)
        }
        let node = schedule.plan.nodes[step.source]
        let facts = node.outputs.map { schedule.plan.facts[$0] }
        let kernel = schedule.kernels[step.source]
        return ProgramRow(
            kernel: kernel.map { "\($0.name)" } ?? "made in the run", op: node.origin.op,
            names: [node.origin.node] + node.origin.merged, outputs: facts.map { "\($0.dtype) \($0.shape)" },
            byteCount: facts.reduce(0) { $0 + ($1.shape.known?.byteCount(of: $1.dtype) ?? 0) },
            offsets: node.outputs.map { offsets[$0] }, scratchBytes: kernel?.scratchBytes ?? 0)
    }
}

extension Program.Work {
    fileprivate var controlName: String {
        guard case .control(let control) = self else { return "" }
        return switch control {
        case .flag: "flag"
        case .merge: "merge"
        case .alias: "alias"
        case .loopBegin: "loop: first values"
        case .loopTest: "loop: test"
        case .loopNext: "loop: next values"
        case .failure: "failure"
        }
    }
}

extension Plan {
    /// Specialises and lowers the plan, and tells what came of it.
    ///
    /// - Throws: ``OpError``, as ``program(for:limitBytes:options:)`` does.
    package func programListing(
        for feedShapes: [Shape], _ binding: WeightBinding, limitBytes: Int, options: PassOptions,
        observe: PlanObserver? = nil
    ) throws(OpError) -> ProgramListing {
        let schedule = try Schedule(
            try specialized(for: feedShapes, binding, options: options, observe: observe), limitBytes: limitBytes)
        var layout = ProgramLayout(schedule, limitBytes: limitBytes)
        return ProgramListing(try layout.program(general: self), schedule)
    }
}
