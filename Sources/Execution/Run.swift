internal import Kernels
internal import Operations
internal import Tensors

/// One execution of a program in a workspace.
struct Run {
    private let program: Program
    private let workspace: Workspace
    private let limitBytes: Int

    init(_ program: Program, in workspace: Workspace, limitBytes: Int) {
        self.program = program
        self.workspace = workspace
        self.limitBytes = limitBytes
    }

    /// Runs the program on the feeds, whose shapes and dtypes are the program's, and hands over the fetches.
    ///
    /// - Throws: ``CompileError`` for faults of the data and, in dynamic steps, for shapes that do not fit.
    func execute(
        _ feeds: UnsafeBufferPointer<TensorView>, _ take: (UnsafeBufferPointer<TensorView>) -> Void
    ) throws(CompileError) {
        guard
            workspace.prepare(
                valueCount: program.facts.count, arenaBytes: program.arenaBytes, dimensionCount: program.fetchRankTotal)
        else { throw CompileError(.resourceExhausted, "not enough memory for \(program.arenaBytes) bytes") }
        bind(feeds)
        if program.hasDynamicSteps {
            var dynamic = DynamicRun(program, workspace, limitBytes: limitBytes)
            try executeSteps(&dynamic)
            deliver(dynamic.shapes, take)
            withExtendedLifetime(dynamic) {}
        } else {
            try executeKernels()
            deliver([:], take)
        }
    }

    private func bind(_ feeds: UnsafeBufferPointer<TensorView>) {
        let values = workspace.values
        for (value, offset) in program.arenaValues { values[value] = workspace.arena + offset }
        for value in program.constants {
            guard let tensor = program.facts[value].value else { continue }
            // Safety: kernels never write to inputs; the planner places outputs in the arena only.
            values[value] = tensor.storage.baseAddress + tensor.byteOffset
        }
        for (value, feed) in program.feedValues {
            values[value] = UnsafeMutableRawPointer(mutating: feeds[feed].elements)
        }
    }

    /// The straight line: no decisions besides the look at the fault.
    private func executeKernels() throws(CompileError) {
        let faulty: Int? = program.operands.withUnsafeBufferPointer { operands in
            program.steps.withUnsafeBufferPointer { steps in
                for index in steps.indices {
                    if case .kernel(let body) = steps[index].work, !call(body, steps[index], operands) { return index }
                }
                return nil
            }
        }
        if let faulty { throw fault(at: program.steps[faulty]) }
    }

    private func executeSteps(_ dynamic: inout DynamicRun) throws(CompileError) {
        for step in program.steps {
            let succeeded = try program.operands.withUnsafeBufferPointer { operands throws(CompileError) in
                switch step.work {
                case .kernel(let body): return call(body, step, operands)
                case .dynamic:
                    do throws(CompileError) { return try dynamic.execute(step) } catch {
                        throw program.plan.steps[step.source].locate(error)
                    }
                }
            }
            guard succeeded else { throw fault(at: step) }
        }
    }

    /// - Returns: false if the kernel noted a fault.
    @inline(__always)
    private func call(_ body: Kernel.Body, _ step: Program.Step, _ operands: UnsafeBufferPointer<Int32>) -> Bool {
        guard let base = operands.baseAddress else { return true }
        body(
            KernelFrame(
                values: workspace.values, operands: base + step.firstOperand, inputCount: step.inputCount,
                scratch: workspace.arena + step.scratchOffset, state: workspace.state))
        return workspace.state.pointee.fault == nil
    }

    private func fault(at step: Program.Step) -> CompileError {
        let reason = workspace.state.pointee.fault?.description ?? "failed"
        let kind: CompileError.Kind =
            if case .outOfMemory? = workspace.state.pointee.fault?.kind { .resourceExhausted } else { .invalidArgument }
        return program.plan.steps[step.source].locate(CompileError(kind, reason))
    }

    private func deliver(_ shapes: [Int: Shape], _ take: (UnsafeBufferPointer<TensorView>) -> Void) {
        var next = workspace.dimensions
        withUnsafeTemporaryAllocation(of: TensorView.self, capacity: max(1, program.plan.fetches.count)) { views in
            for (index, value) in program.plan.fetches.enumerated() {
                let dimensions = shapes[value]?.dimensions ?? program.facts[value].shape.dimensions ?? []
                for (axis, size) in dimensions.enumerated() { next[axis] = size }
                (views.baseAddress.unsafelyUnwrapped + index).initialize(
                    to: TensorView(
                        dtype: program.facts[value].dtype,
                        dimensions: UnsafeBufferPointer(start: next, count: dimensions.count),
                        elements: UnsafeRawPointer(workspace.values[value])))
                next += dimensions.count
            }
            take(UnsafeBufferPointer(start: views.baseAddress, count: program.plan.fetches.count))
        }
    }
}
