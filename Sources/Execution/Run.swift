internal import Kernels
internal import Operations
internal import Planning
internal import Tensors
internal import Threads

/// One execution of a program in a workspace.
struct Run {
    private let binding: ProgramBinding
    private let program: Program
    private let workspace: Workspace
    private let limitBytes: Int
    private let limits: RunLimits
    private let helpers: (any HelperSource)?
    private let profile: RunProfile?

    /// - Parameters:
    ///   - binding: The program, with the weights of the version.
    ///   - workspace: The memory of the run.
    ///   - limitBytes: The maximum memory of the run, in bytes.
    ///   - limits: What may end the run between two steps.
    ///   - helpers: Where helpers come from for kernels that are cut; nil for none.
    ///   - profile: Records the time of each step; nil for no record.
    init(
        _ binding: ProgramBinding, in workspace: Workspace, limitBytes: Int, limits: RunLimits,
        helpers: (any HelperSource)?,
        profile: RunProfile? = nil
    ) {
        self.profile = profile
        self.binding = binding
        program = binding.program
        self.workspace = workspace
        self.limitBytes = limitBytes
        self.limits = limits
        self.helpers = helpers
    }

    /// Runs the program on the feeds, whose shapes and dtypes are the program's, and hands over the fetches.
    ///
    /// - Throws: ``OpError`` for faults of the data; `deadlineExceeded` and `cancelled`; where the program is not straight, also for
    ///   shapes that do not fit.
    func execute(
        _ feeds: UnsafeBufferPointer<TensorView>, _ take: (UnsafeBufferPointer<TensorView>) -> Void
    ) throws(OpError) {
        let refusal = workspace.prepare(
            valueCount: program.valueCount, arenaBytes: program.arenaBytes, dimensionCount: program.fetchRankTotal,
            limitBytes: limitBytes)
        if let refusal { throw OpError.notBegun(refusal, neededBytes: program.arenaBytes) }
        workspace.state.pointee.account.limits = limits
        bind(feeds)
        if program.isStraight, profile == nil {
            try executeKernels()
            deliver(take) { $0.dimensions }
        } else {
            var interpreted = InterpretedRun(
                binding, workspace, limits: limits, helpers: helpers, profile: profile)
            try interpreted.execute()
            deliver(take) { $0.dimensions ?? interpreted.shape(of: $0.value)?.dimensions }
            withExtendedLifetime(interpreted) {}
        }
    }

    private func bind(_ feeds: UnsafeBufferPointer<TensorView>) {
        let values = workspace.values
        for (value, offset) in program.arenaValues { values[value] = workspace.arena + offset }
        for (value, tensor) in program.constants {
            // Safety: kernels never write to inputs; the planner places outputs in the arena only.
            values[value] = tensor.storage.baseAddress + tensor.byteOffset
        }
        for (value, address) in binding.weights { values[value] = address }
        for (value, feed) in program.feedValues {
            values[value] = UnsafeMutableRawPointer(mutating: feeds[feed].elements)
        }
    }

    /// The straight line: no decisions besides the looks at the limits and at the fault.
    private func executeKernels() throws(OpError) {
        let isLimited = !limits.isNone
        let last: Int? = program.operands.withUnsafeBufferPointer { operands in
            guard let operands = operands.baseAddress else { return nil }
            return binding.steps.withUnsafeBufferPointer { steps in
                for index in steps.indices {
                    if isLimited, index > 0, limits.isReached { return index }
                    switch steps[index].work {
                    case .kernel(let body): call(steps[index], operands).run(body)
                    case .cut(let cut): call(steps[index], operands).run(cut, workspace.workers, helpers)
                    case .dynamic, .control: continue
                    }
                    if workspace.state.pointee.fault != nil { return index }
                }
                return nil
            }
        }
        guard let last else { return }
        guard let fault = workspace.state.pointee.fault, fault.kind != .timeOver else {
            throw limits.error("\(last) of the graph's \(program.steps.count) steps were done")
        }
        throw program.origin(of: binding.steps[last]).locate(OpError(fault))
    }

    @inline(__always)
    private func call(_ step: Program.Step, _ operands: UnsafePointer<Int32>) -> KernelCall {
        KernelCall(
            values: workspace.values, operands: operands + step.firstOperand, inputCount: step.inputCount,
            scratch: workspace.arena + step.scratchOffset, state: workspace.state)
    }

    private func deliver(_ take: (UnsafeBufferPointer<TensorView>) -> Void, _ shape: (Program.Fetch) -> [Int]?) {
        var next = workspace.dimensions
        withUnsafeTemporaryAllocation(of: TensorView.self, capacity: max(1, program.fetches.count)) { views in
            for (index, fetch) in program.fetches.enumerated() {
                let dimensions = shape(fetch) ?? []
                for (axis, size) in dimensions.enumerated() { next[axis] = size }
                (views.baseAddress.unsafelyUnwrapped + index).initialize(
                    to: TensorView(
                        dtype: fetch.dtype,
                        dimensions: UnsafeBufferPointer(start: next, count: dimensions.count),
                        elements: UnsafeRawPointer(workspace.values[fetch.value])))
                next += dimensions.count
            }
            take(UnsafeBufferPointer(start: views.baseAddress, count: program.fetches.count))
        }
    }
}
