internal import Kernels
internal import Operations
internal import Planning
internal import Tensors
internal import Threads

/// A run of a program that is more than kernels one after another: branches and loops, and steps whose shapes or values only the
/// run itself tells.
///
/// A planned kernel costs here what it costs in a straight program, and a look at its flag. A dynamic step costs the making of
/// its kernel; the memory of its outputs is its own.
struct InterpretedRun {
    private let binding: ProgramBinding
    private let program: Program
    private let workspace: Workspace
    private let account: RunAccount
    private let limits: RunLimits
    private let helpers: (any HelperSource)?
    private let profile: RunProfile?
    private let isLimited: Bool
    /// Shapes that the program could not know.
    private var shapes: [Shape?]
    /// The memory of values that have no place in the arena.
    private var memories: [RunMemory?]
    /// What handles stand for.
    private var objects: [(any RunObject)?]
    private var flags: [Bool]
    private var variables = RunVariables()
    /// Tensors of strings that steps gave: the strings may have been handed on to other tensors, so they stay until the run ends.
    private var strings: [RunMemory] = []
    private var stringStorages: Set<ObjectIdentifier> = []

    init(
        _ binding: ProgramBinding, _ workspace: Workspace, limits: RunLimits, helpers: (any HelperSource)?,
        profile: RunProfile?
    ) {
        self.binding = binding
        program = binding.program
        self.workspace = workspace
        self.limits = limits
        self.helpers = helpers
        self.profile = profile
        isLimited = !limits.isNone
        account = workspace.state.pointee.account
        shapes = Array(repeating: nil, count: program.valueCount)
        memories = Array(repeating: nil, count: program.valueCount)
        objects = Array(repeating: nil, count: program.valueCount)
        flags = Array(repeating: false, count: program.flagCount)
    }

    /// Runs all steps. What they assigned holds once all have succeeded; else nothing has changed.
    ///
    /// - Throws: ``OpError``, at the step where it happened.
    mutating func execute() throws(OpError) {
        do throws(OpError) { try executeSteps() } catch {
            variables.discard()
            throw error
        }
        variables.publish()
    }

    private mutating func executeSteps() throws(OpError) {
        var next = 0
        let steps = binding.steps
        while next < steps.count {
            let step = steps[next]
            if let profile { profile.begin(step: next) }
            next += 1
            if step.flag >= 0, !flags[Int(step.flag)] {
                if case .control(.loopBegin) = step.work { next = step.target }
                continue
            }
            if isLimited, limits.isReached { throw limits.error(place(before: next - 1)) }
            switch step.work {
            case .kernel(let body):
                call(step, workspace.arena + step.scratchOffset) { $0.run(body) }
                try checkFault(step, before: next)
            case .cut(let cut):
                call(step, workspace.arena + step.scratchOffset) { $0.run(cut, workspace.workers, helpers) }
                try checkFault(step, before: next)
            case .dynamic(let source):
                do throws(OpError) { try dynamic(source, step) } catch {
                    throw program.origin(of: step).locate(error)
                }
                try checkFault(step, before: next)
            case .control(let control):
                if try perform(control) { next = step.target }
            }
        }
        profile?.end()
        for fetch in program.fetches {
            guard let flag = fetch.flag, !flags[flag] else { continue }
            throw OpError(
                .invalidArgument,
                "\"\(fetch.name)\" is in a branch that was not taken: it has no value")
        }
    }

    /// Where the run is, for an error that ends it.
    private func place(before index: Int) -> String {
        let isInLoop = program.steps[index...].contains { step in
            if case .control(.loopNext) = step.work { step.target <= index } else { false }
        }
        return isInLoop
            ? "a loop was still running" : "\(index) of the graph's \(program.steps.count) steps were done"
    }

    /// The shape of a value as it is now.
    func shape(of value: Int) -> Shape? { shapes[value] ?? program.facts[value].shape.known }

    @inline(__always)
    private func call(_ step: Program.Step, _ scratch: UnsafeMutableRawPointer, _ run: (KernelCall) -> Void) {
        program.operands.withUnsafeBufferPointer { operands in
            guard let base = operands.baseAddress else { return }
            run(
                KernelCall(
                    values: workspace.values, operands: base + step.firstOperand, inputCount: step.inputCount,
                    scratch: scratch, state: workspace.state))
        }
    }

    private func checkFault(_ step: Program.Step, before next: Int) throws(OpError) {
        guard let fault = workspace.state.pointee.fault else { return }
        guard fault.kind != .timeOver else { throw limits.error(place(before: next - 1)) }
        throw program.origin(of: step).locate(OpError(fault))
    }
}

/// Branches and loops.
extension InterpretedRun {
    /// - Returns: Whether to go on at the step's target.
    private mutating func perform(_ control: Program.Control) throws(OpError) -> Bool {
        switch control {
        case .flag(let flag, let rule): flags[flag] = isUp(rule)
        case .merge(let merge): try take(merge)
        case .alias(let output, let input): share(input, with: output)
        case .loopBegin(let moves, _): try move(moves)
        case .loopTest(let value, _): return !truth(of: value)
        case .loopNext(let moves, _):
            try move(moves)
            return true
        case .failure(let error): throw error
        }
        return false
    }

    private func truth(of value: Int) -> Bool { workspace.values[value].load(as: Bool.self) }

    private func holds(_ guarded: Guard) -> Bool {
        switch guarded {
        case .always: true
        case .never: false
        case .flag(let flag): flags[flag]
        }
    }

    private func isUp(_ rule: FlagRule) -> Bool {
        switch rule {
        case .branch(let predicate, let side, let base): holds(base) && truth(of: predicate) == side
        case .all(let members): members.allSatisfy { flags[$0] }
        case .any(let members): members.contains { flags[$0] }
        }
    }

    private mutating func take(_ merge: Program.Merge) throws(OpError) {
        guard let input = merge.inputs.first(where: { holds($0.guarded) }) else {
            if let error = merge.error { throw error }
            return
        }
        share(input.value, with: merge.output)
        workspace.values[merge.index].storeBytes(of: input.place, as: Int32.self)
    }

    /// Lets a value be what another is now.
    private mutating func share(_ source: Int, with target: Int) {
        workspace.values[target] = workspace.values[source]
        objects[target] = objects[source]
        memories[target] = memories[source]
        if !program.facts[target].shape.isFullyDefined { shapes[target] = shape(of: source) }
    }

    /// What a loop's variable is about to become.
    private struct Incoming {
        let move: Program.Move
        let address: UnsafeMutableRawPointer
        let memory: RunMemory?
        let object: (any RunObject)?
        let shape: Shape?
    }

    /// All sources are read before any variable is written.
    private mutating func move(_ moves: [Program.Move]) throws(OpError) {
        // Nothing has to be put aside, and nothing is taken from the heap.
        if moves.allSatisfy({ $0.isFixed && !$0.isStaged }) {
            for move in moves { copy(move.byteCount, from: move.source, to: move.target) }
            return
        }
        var incoming: [Incoming] = []
        incoming.reserveCapacity(moves.count)
        for move in moves { incoming.append(try take(move)) }
        for value in incoming {
            let target = value.move.target
            if value.move.isFixed {
                if value.address != workspace.values[target] {
                    workspace.values[target].copyMemory(from: value.address, byteCount: value.move.byteCount)
                }
            } else {
                workspace.values[target] = value.address
                memories[target] = value.memory
                objects[target] = value.object
                shapes[target] = value.shape
            }
        }
    }

    @inline(__always)
    private func copy(_ byteCount: Int, from source: Int, to target: Int) {
        let (from, to) = (workspace.values[source], workspace.values[target])
        if from != to { to.copyMemory(from: from, byteCount: byteCount) }
    }

    /// The value to be moved; a copy of it, where its place may be written over before it is read for the last time.
    private func take(_ move: Program.Move) throws(OpError) -> Incoming {
        let source = move.source
        var address = workspace.values[source]
        var memory = memories[source]
        let shape = shape(of: source)
        let mustCopy =
            move.isFixed ? move.isStaged : objects[source] == nil && memory == nil && workspace.isArena(address)
        if mustCopy {
            guard let bytes = shape?.byteCount(of: program.facts[source].dtype) else {
                throw OpError(.resourceExhausted, "a loop's variable has a shape that no tensor can have")
            }
            let copy = try RunMemory(byteCount: bytes, account)
            copy.storage.baseAddress.copyMemory(from: address, byteCount: bytes)
            address = copy.storage.baseAddress
            memory = copy
        }
        return Incoming(move: move, address: address, memory: memory, object: objects[source], shape: shape)
    }
}

/// Steps that are worked out in the run.
extension InterpretedRun {
    private mutating func dynamic(_ source: Program.Dynamic, _ step: Program.Step) throws(OpError) {
        if let state = source.state { return try access(state, source, step) }
        switch source.op.implementation {
        case .tensors(let op):
            let inputs = try source.inputs.map { (value) throws(OpError) in try tensor(value) }
            let used = account.usedBytes
            let results = try op.results(of: inputs, account)
            account.give(downTo: used)
            try define(source.outputs, results.map { .tensor($0) })
        case .objects(let op):
            let inputs = try source.inputs.map { (value) throws(OpError) in try runValue(value) }
            try define(source.outputs, try op.run(inputs, account))
        case .kernel(let op): try kernel(op, source, step)
        default: throw .nothingToCompute
        }
    }

    /// Reads or changes a variable.
    private mutating func access(
        _ state: VariableState, _ source: Program.Dynamic, _ step: Program.Step
    ) throws(OpError) {
        switch source.op.implementation {
        case .changesVariable(let op):
            let inputs = try source.inputs.dropFirst().map { (value) throws(OpError) in try tensor(value) }
            try variables.update(state, within: limits) { (old) throws(OpError) in
                try op.update(old, inputs, of: state.reference)
            }
        case .trains(let op): try train(op, [state] + source.slots, source, step)
        case .asksVariable(let op):
            try define(source.outputs, [.tensor(try op.answer(hasValue: variables.value(of: state) != nil))])
        default:
            guard let value = variables.value(of: state) else {
                throw OpError.noValue(state.reference.name)
            }
            try define(source.outputs, [.tensor(value)])
        }
    }

    /// Changes variables in place. What has read them before and is read again keeps its elements.
    private mutating func train(
        _ op: any TrainingOp, _ states: [VariableState], _ source: Program.Dynamic, _ step: Program.Step
    ) throws(OpError) {
        for value in source.released { memories[value] = nil }
        var inputs = source.inputs.map { value in
            TensorFact(program.facts[value].dtype, shape(of: value).map { PartialShape($0) } ?? .unknown)
        }
        let taken = try variables.take(states, within: limits)
        defer { variables.put(taken, of: states) }
        for (index, value) in taken.enumerated() {
            inputs[index] = TensorFact(value.dtype, value.shape)
            workspace.values[source.inputs[index]] = value.storage.baseAddress + value.byteOffset
        }
        try run(try op.kernel(for: inputs), source, step)
    }

    /// Infers, makes the kernel, and runs it; or runs the kernel that an earlier run has made for the same shapes.
    private mutating func kernel(
        _ op: any KernelOp, _ source: Program.Dynamic, _ step: Program.Step
    ) throws(OpError) {
        var inputs: [TensorFact] = []
        for (index, value) in source.inputs.enumerated() {
            var fact = program.facts[value]
            if let shape = shapes[value] { fact.shape = PartialShape(shape) }
            if op.valueInputs.contains(index), fact.value == nil, !fact.isKnown || fact.weight != nil {
                fact.value = try tensor(value)
            }
            inputs.append(fact)
        }
        let kept = source.kernels
        let key = kept == nil ? nil : StepKernels.key(inputs, source.inputs.map { program.facts[$0] })
        if let kept, let key, let made = kept.find(key) {
            for (value, fact) in zip(source.outputs, made.outputs) { try makeRoom(for: value, fact) }
            return try run(made.kernel, source, step)
        }
        if key != nil {
            // The kernel may keep values, which lie in the memory of the run.
            for (index, value) in source.inputs.enumerated() where program.facts[value].value == nil {
                if let value = inputs[index].value { inputs[index].value = try value.copied() }
            }
        }
        // Tables of kernels that are not kept live no longer than this step.
        var tableBytes = op.valueBytes(for: inputs)
        try account.reserve(tableBytes)
        defer { account.give(tableBytes) }
        let outputs = try op.outputs(for: inputs)
        for (value, fact) in zip(source.outputs, outputs) { try makeRoom(for: value, fact) }
        let known = outputs.compactMap(\.value)
        if known.count == outputs.count {
            for (value, tensor) in zip(source.outputs, known) {
                tensor.withUnsafeBytes { copy($0, to: value) }
            }
            return
        }
        guard !inputs.contains(where: { $0.dtype.isHandle && !$0.hasElements }) else {
            throw OpError(.unsupported, "is not supported for handles")
        }
        let spec = KernelSpec(inputs: inputs, outputs: outputs)
        let more = op.tableBytes(for: spec)
        try account.reserve(more)
        tableBytes += more
        let kernel = try op.makeKernel(for: spec)
        if let kept, let key, tableBytes <= StepKernels.maxTableBytes {
            // Values of outputs are not kept: they may be those of the run's own memory.
            let facts = outputs.map { TensorFact($0.dtype, $0.shape) }
            let bytes = kept.add(StepKernels.Made(kernel: kernel, outputs: facts), for: key)
            program.growth.add(bytes)
        }
        try run(kernel, source, step)
    }

    private mutating func run(_ kernel: Kernel, _ source: Program.Dynamic, _ step: Program.Step) throws(OpError) {
        switch kernel.work {
        case .alias(let input):
            let input = try tensor(source.inputs[input])
            input.withUnsafeBytes { copy($0, to: source.outputs[0]) }
        case .compute(let body):
            let scratch = try RunMemory(byteCount: kernel.scratchBytes, account)
            call(step, scratch.storage.baseAddress) { $0.run(body) }
            withExtendedLifetime(scratch) {}
        case .cut(let cut):
            let scratch = try RunMemory(byteCount: kernel.scratchBytes, account)
            call(step, scratch.storage.baseAddress) { $0.run(cut, workspace.workers, helpers) }
            withExtendedLifetime(scratch) {}
        }
    }

    private func copy(_ bytes: UnsafeRawBufferPointer, to value: Int) {
        guard let source = bytes.baseAddress else { return }
        workspace.values[value].copyMemory(from: source, byteCount: bytes.count)
    }

    private mutating func makeRoom(for value: Int, _ fact: TensorFact) throws(OpError) {
        guard let shape = fact.shape.known, let bytes = shape.byteCount(of: fact.dtype) else {
            throw OpError(.resourceExhausted, "its output has a shape, \(fact.shape), that no tensor can have")
        }
        let expected = program.facts[value]
        guard expected.shape.admits(shape), expected.dtype == fact.dtype else {
            throw OpError(
                .malformed, "gives \(fact.dtype) \(shape), its rule says \(expected.dtype) \(expected.shape)")
        }
        guard !expected.shape.isFullyDefined else { return }
        let memory = try RunMemory(byteCount: bytes, account)
        memories[value] = memory
        shapes[value] = shape
        workspace.values[value] = memory.storage.baseAddress
    }

    private mutating func define(_ outputs: [Int], _ results: [RunValue]) throws(OpError) {
        for (value, result) in zip(outputs, results) {
            switch result {
            case .object(let object): objects[value] = object
            case .tensor(let tensor):
                objects[value] = nil
                let fact = program.facts[value]
                guard tensor.dtype == fact.dtype, fact.shape.admits(tensor.shape) else {
                    throw OpError(
                        .malformed, "gives \(tensor.dtype) \(tensor.shape), its rule says \(fact.dtype) \(fact.shape)")
                }
                let tensor = try tensor.kept()
                let memory = try RunMemory(
                    tensor.storage, tensor.dtype == .string ? tensor.storage.byteCount : tensor.byteCount, account)
                memories[value] = memory
                if tensor.dtype == .string, stringStorages.insert(ObjectIdentifier(tensor.storage)).inserted {
                    strings.append(memory)
                }
                if !fact.shape.isFullyDefined { shapes[value] = tensor.shape }
                workspace.values[value] = tensor.storage.baseAddress + tensor.byteOffset
            }
        }
    }

    private func runValue(_ value: Int) throws(OpError) -> RunValue {
        if let object = objects[value] { return .object(object) }
        return .tensor(try tensor(value))
    }

    /// A value as a tensor: over its own memory where it has that, else over the run's, for the time of a call.
    private func tensor(_ value: Int) throws(OpError) -> Tensor {
        let dtype = program.facts[value].dtype
        guard let shape = shape(of: value), let bytes = shape.byteCount(of: dtype) else {
            throw OpError(.malformed, "an input has no shape")
        }
        if let constant = program.facts[value].value ?? binding.tensor(value) { return constant }
        guard !dtype.isHandle else { throw OpError(.unsupported, "is not supported for handles") }
        let address = workspace.values[value]
        let storage: TensorStorage
        var offset = 0
        if let memory = memories[value], memory.contains(address, bytes) {
            storage = memory.storage
            offset = address - storage.baseAddress
        } else {
            storage = TensorStorage(lending: UnsafeRawBufferPointer(start: address, count: bytes))
        }
        guard let tensor = Tensor(dtype: dtype, shape: shape, storage: storage, byteOffset: offset) else {
            throw OpError(.malformed, "an input is not where it should be")
        }
        return tensor
    }
}

/// Memory that a run took, counted until it is given back.
final class RunMemory {
    let storage: TensorStorage
    private let byteCount: Int
    private let account: RunAccount

    init(_ storage: TensorStorage, _ byteCount: Int, _ account: RunAccount) throws(OpError) {
        try account.reserve(byteCount)
        self.storage = storage
        self.byteCount = byteCount
        self.account = account
    }

    convenience init(byteCount: Int, _ account: RunAccount) throws(OpError) {
        try account.reserve(byteCount)
        defer { account.give(byteCount) }
        guard let storage = TensorStorage(byteCount: byteCount) else {
            throw OpError(.resourceExhausted, "not enough memory for \(byteCount) bytes")
        }
        try self.init(storage, byteCount, account)
    }

    deinit { account.give(byteCount) }

    func contains(_ address: UnsafeMutableRawPointer, _ byteCount: Int) -> Bool {
        address >= storage.baseAddress && byteCount <= storage.byteCount
            && address - storage.baseAddress <= storage.byteCount - byteCount
    }
}
