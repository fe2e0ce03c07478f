internal import Kernels
internal import Operations
internal import Tensors

/// The steps of a run whose shapes or values only the run itself tells: what the builder does ahead for others happens here.
///
/// Slower than a planned step by the time of making a kernel; the memory of its outputs is its own.
struct DynamicRun {
    private let program: Program
    private let workspace: Workspace
    private var remainingBytes: Int
    /// Shapes that the program could not know.
    private(set) var shapes: [Int: Shape] = [:]
    /// The memory of values that have no place in the arena.
    private var storages: [TensorStorage] = []

    init(_ program: Program, _ workspace: Workspace, limitBytes: Int) {
        self.program = program
        self.workspace = workspace
        remainingBytes = limitBytes - program.arenaBytes
    }

    /// Infers, makes the kernel, and runs it.
    ///
    /// - Returns: false if the kernel noted a fault.
    mutating func execute(_ step: Program.Step) throws(CompileError) -> Bool {
        let source = program.plan.steps[step.source]
        if let op = source.op as? any TensorOp {
            try compute(op, source)
            return true
        }
        var inputs: [TensorFact] = []
        for (index, value) in source.inputs.enumerated() {
            inputs.append(try fact(of: value, withElements: source.op.valueInputs.contains(index)))
        }
        let outputs = try source.op.outputs(for: inputs)
        for (value, fact) in zip(source.outputs, outputs) { try makeRoom(for: value, fact) }
        if let known = allValues(outputs) {
            for (value, tensor) in zip(source.outputs, known) {
                copy(tensor.storage.baseAddress + tensor.byteOffset, to: value, tensor.byteCount)
            }
            return true
        }
        let kernel = try source.op.kernel(for: KernelSpec(inputs: inputs, outputs: outputs))
        switch kernel.work {
        case .alias(let input):
            copy(workspace.values[source.inputs[input]], to: source.outputs[0], try byteCount(outputs[0]))
            return true
        case .compute(let body): return try call(body, kernel.scratchBytes, step)
        }
    }

    /// Runs an op that takes and gives whole tensors.
    private mutating func compute(_ op: any TensorOp, _ source: Plan.Step) throws(CompileError) {
        var inputs: [Tensor] = []
        for value in source.inputs {
            guard let tensor = try fact(of: value, withElements: true).value else {
                throw CompileError(.resourceExhausted, "not enough memory for an input")
            }
            inputs.append(tensor)
        }
        let results = try op.compute(inputs)
        for (value, result) in zip(source.outputs, results) {
            if program.facts[value].shape.isFullyDefined {
                copy(result.storage.baseAddress + result.byteOffset, to: value, result.byteCount)
            } else {
                shapes[value] = result.shape
                workspace.values[value] = result.storage.baseAddress + result.byteOffset
            }
            storages.append(result.storage)
        }
    }

    private func allValues(_ facts: [TensorFact]) -> [Tensor]? {
        let values = facts.compactMap(\.value)
        return values.count == facts.count ? values : nil
    }

    private func copy(_ source: UnsafeRawPointer, to value: Int, _ byteCount: Int) {
        workspace.values[value].copyMemory(from: source, byteCount: byteCount)
    }

    private func byteCount(_ fact: TensorFact) throws(CompileError) -> Int {
        guard let bytes = fact.shape.known?.byteCount(of: fact.dtype) else {
            throw CompileError(.resourceExhausted, "its output has a shape, \(fact.shape), that no tensor can have")
        }
        return bytes
    }

    private func fact(of value: Int, withElements: Bool) throws(CompileError) -> TensorFact {
        var fact = program.facts[value]
        if let shape = shapes[value] { fact.shape = PartialShape(shape) }
        guard withElements, fact.value == nil, let shape = fact.shape.known, let bytes = shape.byteCount(of: fact.dtype)
        else {
            return fact
        }
        fact.value = Tensor(dtype: fact.dtype, shape: shape) { memory in
            memory.copyMemory(from: UnsafeRawBufferPointer(start: workspace.values[value], count: bytes))
        }
        return fact
    }

    private mutating func makeRoom(for value: Int, _ fact: TensorFact) throws(CompileError) {
        guard !program.facts[value].shape.isFullyDefined else { return }
        guard let shape = fact.shape.known, let bytes = shape.byteCount(of: fact.dtype), bytes <= remainingBytes else {
            throw CompileError(
                .resourceExhausted, "its output \(fact.dtype) \(fact.shape) would need more memory than a run may take")
        }
        guard let storage = TensorStorage(byteCount: bytes) else {
            throw CompileError(.resourceExhausted, "not enough memory for \(bytes) bytes")
        }
        remainingBytes -= bytes
        storages.append(storage)
        shapes[value] = shape
        workspace.values[value] = storage.baseAddress
    }

    private func call(_ body: Kernel.Body, _ scratchBytes: Int, _ step: Program.Step) throws(CompileError) -> Bool {
        guard scratchBytes <= remainingBytes, let scratch = TensorStorage(byteCount: scratchBytes) else {
            throw CompileError(.resourceExhausted, "not enough memory for \(scratchBytes) bytes")
        }
        defer { withExtendedLifetime(scratch) {} }
        program.operands.withUnsafeBufferPointer { operands in
            guard let base = operands.baseAddress else { return }
            body(
                KernelFrame(
                    values: workspace.values, operands: base + step.firstOperand, inputCount: step.inputCount,
                    scratch: scratch.baseAddress, state: workspace.state))
        }
        return workspace.state.pointee.fault == nil
    }
}
