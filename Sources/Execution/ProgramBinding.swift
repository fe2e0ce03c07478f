internal import Operations
internal import Planning
internal import Tensors

/// A program with the weights of one version.
// Safety: immutable; the addresses are those of tensors that the binding holds, and that are only read.
final class ProgramBinding: @unchecked Sendable {
    let program: Program
    /// The program's steps; those whose ops keep something from run to run are the session's own.
    let steps: [Program.Step]
    /// Where the program's weights are.
    let weights: [(value: Plan.Value, address: UnsafeMutableRawPointer)]
    /// The same as tensors; empty where the program is straight: then nobody asks.
    private let tensors: [Tensor?]
    /// The number of each value's tensor; -1 for none.
    private let places: [Int32]
    private let binding: WeightBinding
    /// Where the program is shared, and for which shapes.
    private let share: (plan: SharedPlan, shapes: [Shape])?

    /// - Throws: ``OpError`` where a weight cannot be evaluated.
    private init(
        _ program: Program, _ evaluation: WeightEvaluation, _ compiler: PlanCompiler,
        share: (plan: SharedPlan, shapes: [Shape])?
    ) throws(OpError) {
        var steps = program.steps
        for stateful in program.statefulSteps {
            guard let op = try compiler.statefulOp(ofNode: stateful.node) else { continue }
            steps[stateful.step] = try steps[stateful.step].replacing(stateful.op(with: op), stateful.spec)
        }
        let binding = try evaluation.binding(of: program.weights.map(\.weight))
        var weights: [(value: Plan.Value, address: UnsafeMutableRawPointer)] = []
        var tensors: [Tensor?] = []
        var places: [Int32] = program.isStraight ? [] : Array(repeating: -1, count: program.valueCount)
        for (value, weight) in program.weights {
            guard let tensor = binding[weight] else { throw .nothingToCompute }
            weights.append((value, tensor.storage.baseAddress + tensor.byteOffset))
            guard !program.isStraight else { continue }
            places[value] = Int32(truncatingIfNeeded: tensors.count)
            tensors.append(program.facts[value].shape.known.map { tensor.reshaped(to: $0) } ?? tensor)
        }
        self.program = program
        self.steps = steps
        self.weights = weights
        self.tensors = tensors
        self.places = places
        self.binding = binding
        self.share = share
    }

    deinit { if let share { share.plan.endUse(of: share.shapes) } }

    /// A value that is a weight.
    func tensor(_ value: Plan.Value) -> Tensor? {
        let place = places[value]
        return place < 0 ? nil : tensors[Int(place)]
    }

    /// The program for shapes of the feeds: one that another version uses, or a new one.
    ///
    /// - Parameters:
    ///   - shared: The plan.
    ///   - binding: The plan's weights in this version.
    ///   - shapes: The shapes.
    ///   - limitBytes: The maximum memory of a run, in bytes.
    ///   - compiler: The session's.
    /// - Returns: The program with the version's weights.
    /// - Throws: ``OpError`` where shapes do not fit, a kernel is missing, or the memory would exceed the limit.
    static func make(
        _ shared: SharedPlan, _ binding: WeightBinding, _ shapes: [Shape], limitBytes: Int, compiler: PlanCompiler
    ) throws(OpError) -> ProgramBinding {
        if let known = shared.use(shapes) {
            let evaluation = WeightEvaluation(binding, known.planWeights)
            if evaluation.isValid(beyond: binding.weights),
                let made = try? ProgramBinding(known, evaluation, compiler, share: (shared, shapes))
            {
                return made
            }
            shared.endUse(of: shapes)
        }
        let program = try shared.plan.program(for: shapes, binding, limitBytes: limitBytes, options: compiler.options)
        let isShared = program.planWeights.areShareable && shared.add(program, for: shapes)
        do throws(OpError) {
            return try ProgramBinding(
                program, WeightEvaluation(binding, program.planWeights), compiler,
                share: isShared ? (shared, shapes) : nil)
        } catch {
            if isShared { shared.endUse(of: shapes) }
            throw error
        }
    }
}
