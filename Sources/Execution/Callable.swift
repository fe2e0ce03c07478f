internal import Memory
package import Operations
internal import Planning
internal import Synchronization
package import Tensors
package import Threads

/// A graph compiled for some feeds and fetches: called with tensors, it gives tensors. Many threads may call it at once.
package final class Callable: Sendable {
    /// A feed or a fetch.
    package struct Argument: Sendable {
        /// The tensor's full name, `x:0`.
        package let name: String
        package let dtype: DataType
        /// As far as the graph tells it.
        package let shape: PartialShape
    }

    /// The feeds, in the order in which ``run(_:_:)`` takes them.
    package let feeds: [Argument]
    /// The fetches, in the order in which ``run(_:_:)`` gives them.
    package let fetches: [Argument]
    var plan: Plan { shared.plan }
    private let shared: SharedPlan
    /// The plan's weights in the session's version.
    let binding: WeightBinding
    private let programs: ProgramCache
    /// What the session keeps of it.
    let entry: CacheEntry
    /// What is known of runs of several requests as one.
    var batches: BatchDecisions { shared.batches }
    private let workspaces: ObjectPool<Workspace>
    private let ownLimitBytes: Int
    let memory: MemoryAccount?
    private let variables: VariableStates
    private let compiler: PlanCompiler
    var options: PassOptions { compiler.options }
    /// Until which generation of the variables the plan is known to be right.
    private let checkedGeneration: Atomic<Int>

    init(
        feeds: [Argument], fetches: [String], plan shared: SharedPlan, _ binding: WeightBinding,
        workspaces: ObjectPool<Workspace>, limitBytes: Int,
        memory: MemoryAccount?, variables: VariableStates, generation: Int, compiler: PlanCompiler, caches: CacheBudget,
        entry: CacheEntry
    ) {
        self.compiler = compiler
        programs = ProgramCache(caches, of: entry)
        let plan = shared.plan
        self.entry = entry
        self.feeds = feeds
        self.fetches = zip(fetches, plan.fetches).map { name, fetch in
            Argument(name: name, dtype: plan.facts[fetch.value].dtype, shape: plan.facts[fetch.value].shape)
        }
        self.shared = shared
        self.binding = binding
        self.workspaces = workspaces
        ownLimitBytes = limitBytes
        self.memory = memory
        self.variables = variables
        checkedGeneration = Atomic(generation)
    }

    /// The maximum memory of a run now, in bytes.
    var limitBytes: Int { min(ownLimitBytes, memory?.runLimitBytes ?? .max) }

    /// Whether a variable that the plan holds for a constant is changed by another plan: then a new plan has to be made, by
    /// ``Session/callable(feeds:fetches:)``.
    package var isOutdated: Bool {
        let generation = variables.generation
        if checkedGeneration.load(ordering: .relaxed) == generation { return false }
        if plan.constantVariables.contains(where: { variables.state(of: $0) != nil }) { return true }
        checkedGeneration.store(generation, ordering: .relaxed)
        return false
    }

    /// The shapes of the feeds that it was called with, the latest first; those of calls that could not be run are not among them.
    package func shapesSeen(atMost limit: Int) -> [[Shape]] { programs.shapes(atMost: limit) }

    /// Whether both run the same plan, each with the weights of its version.
    package func sharesPlan(with other: Callable) -> Bool { shared === other.shared }

    /// Whether a run leaves everything as it was: it changes no variable and takes nothing from a stream of random numbers.
    package var leavesNoTrace: Bool {
        plan.nodes.allSatisfy { node in
            guard node.isPresent, let op = node.op else { return true }
            return !op.traits.containsAny(of: [.random, .changesVariable])
        }
    }

    /// Runs the graph.
    ///
    /// - Parameters:
    ///   - tensors: One for each of ``feeds``, of its dtype, of a shape that its shape admits.
    ///   - limits: What may end the run between two steps.
    ///   - helpers: Where helpers come from for kernels that take long; nil for none. The outputs are the same with any number of them.
    ///   - take: Gets the fetches, whose memory is valid during the call only.
    /// - Throws: ``OpError`` of kind `invalidArgument` where feeds do not fit, in dtype or shape or in the run;
    ///   of kind `unsupported` or `resourceExhausted` where the graph cannot be run with them; of kind
    ///   `deadlineExceeded` or `cancelled` where the limits were reached.
    package func run(
        _ tensors: UnsafeBufferPointer<TensorView>, limits: RunLimits = .none,
        helpers: (any HelperSource)? = nil, _ take: (UnsafeBufferPointer<TensorView>) -> Void
    ) throws(OpError) {
        let program = try program(for: tensors)
        entry.mark()
        for (index, tensor) in tensors.enumerated() where tensor.dtype != feeds[index].dtype {
            throw mismatch(index, tensor)
        }
        let workspace = workspaces.take() ?? Workspace(memory)
        defer {
            workspace.reset()
            workspaces.give(workspace)
        }
        try Run(program, in: workspace, limitBytes: limitBytes, limits: limits, helpers: helpers).execute(
            tensors, take)
    }

    /// Runs the graph some times, and measures its steps.
    ///
    /// - Parameters:
    ///   - tensors: As ``run(_:limits:helpers:_:)`` takes them.
    ///   - runs: How often.
    ///   - helpers: Where helpers come from; nil for none.
    /// - Returns: The shortest time of each step of the program, in nanoseconds; 0 for one that did not run.
    /// - Throws: ``OpError``, as ``run(_:limits:helpers:_:)`` does.
    package func profile(
        _ tensors: UnsafeBufferPointer<TensorView>, runs: Int, helpers: (any HelperSource)? = nil
    ) throws(OpError) -> [UInt64] {
        let program = try program(for: tensors)
        let profile = RunProfile(stepCount: program.program.steps.count)
        for _ in 0..<max(1, runs) {
            let workspace = workspaces.take() ?? Workspace(memory)
            defer {
                workspace.reset()
                workspaces.give(workspace)
            }
            try Run(
                program, in: workspace, limitBytes: limitBytes, limits: .none, helpers: helpers, profile: profile
            ).execute(tensors) { _ in }
        }
        return profile.nanoseconds
    }

    /// The program for the shapes of the feeds, made where there is none.
    func program(for tensors: UnsafeBufferPointer<TensorView>) throws(OpError) -> ProgramBinding {
        if let known = programs.program(for: tensors) { known } else { try makeProgram(tensors) }
    }

    /// What a run with such feeds needs to begin, as far as it is known.
    package func neededBytes(for tensors: UnsafeBufferPointer<TensorView>) -> Int {
        programs.program(for: tensors)?.program.arenaBytes ?? 0
    }

    /// Makes the program for such feeds, so that no request has to.
    func prepare(_ tensors: UnsafeBufferPointer<TensorView>) throws(OpError) {
        if programs.program(for: tensors) == nil { _ = try makeProgram(tensors) }
    }

    private func makeProgram(_ tensors: UnsafeBufferPointer<TensorView>) throws(OpError) -> ProgramBinding {
        let program = try ProgramBinding.make(
            shared, binding, try shapes(of: tensors), limitBytes: limitBytes, compiler: compiler)
        programs.add(program, for: tensors)
        return program
    }

    /// The shapes of feeds that fit.
    func shapes(of tensors: UnsafeBufferPointer<TensorView>) throws(OpError) -> [Shape] {
        guard tensors.count == feeds.count else {
            throw OpError.invalid("\(feeds.count) feeds are expected, got \(tensors.count)")
        }
        var shapes: [Shape] = []
        for (index, tensor) in tensors.enumerated() {
            guard tensor.dtype == feeds[index].dtype, let shape = Shape(Array(tensor.dimensions)),
                feeds[index].shape.admits(shape)
            else { throw mismatch(index, tensor) }
            shapes.append(shape)
        }
        return shapes
    }

    private func mismatch(_ index: Int, _ tensor: TensorView) -> OpError {
        OpError.invalid(
            "feed \"\(feeds[index].name)\": expected \(feeds[index].dtype) \(feeds[index].shape), "
                + "got \(tensor.dtype) \(PartialShape(Array(tensor.dimensions)))")
    }
}
