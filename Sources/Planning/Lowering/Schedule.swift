internal import Kernels
internal import Operations
internal import Tensors

/// The instructions of a specialised plan in order, while they are lowered.
struct Schedule {
    enum Work {
        /// A node that is no loop; its kernel is in ``kernels``.
        case node(Plan.NodeID)
        /// A node whose output is another value's memory.
        case alias(output: Plan.Value, input: Plan.Value)
        /// The first values of a loop's variables.
        case loopBegin(Plan.NodeID)
        case loopTest(Plan.NodeID)
        /// The next values of a loop's variables, and back to the beginning.
        case loopNext(Plan.NodeID)
        case loopEnd(Plan.NodeID)
        case failure(OpError)
    }

    struct Instruction {
        let work: Work
        /// The flag that must be up; nil where it always is.
        let flag: Int?
        /// The loops around it, outermost first.
        let loops: [Plan.NodeID]
    }

    let plan: Plan
    private(set) var instructions: [Instruction] = []
    /// Kernels that were made for the known shapes.
    private(set) var kernels: [Plan.NodeID: Kernel] = [:]
    /// The values whose memory each value may have: itself, or what it is an alias of. The first is the one that has a place.
    private(set) var roots: [[Plan.Value]]
    /// Values whose memory is known in the run only.
    private(set) var dynamic: Set<Plan.Value> = []
    private var loops: [Plan.NodeID] = []
    private let limitBytes: Int

    /// Makes kernels, and finds out which values share memory.
    ///
    /// - Throws: ``OpError`` where a kernel is missing that every run needs, or its tables would exceed the limit.
    init(_ plan: Plan, limitBytes: Int) throws(OpError) {
        self.plan = plan
        self.limitBytes = limitBytes
        roots = plan.facts.indices.map { [$0] }
        try add(Plan.outermost)
    }

    /// The flag to look at in the run.
    func flag(of guarded: Guard) -> Int? {
        if case .flag(let flag) = guarded, plan.flagStates[flag] == nil { flag } else { nil }
    }

    private mutating func append(_ work: Work, _ guarded: Guard = .always) {
        instructions.append(Instruction(work: work, flag: flag(of: guarded), loops: loops))
    }

    private mutating func add(_ region: Plan.RegionID) throws(OpError) {
        for id in plan.regions[region].nodes {
            let node = plan.nodes[id]
            if plan.state(of: node.guarded) == false { continue }
            switch node.work {
            case .op(let op): try add(id, op)
            case .flag(let flag): if plan.flagStates[flag] == nil { append(.node(id)) }
            case .merge:
                roots[node.outputs[0]] = [node.outputs[0]] + node.inputs.flatMap { roots[$0] }
                dynamic.insert(node.outputs[0])
                append(.node(id), node.guarded)
            case .loop(let loop): try add(id, loop)
            case .failure(let error): append(.failure(error), node.guarded)
            }
        }
    }

    private mutating func add(_ id: Plan.NodeID, _ loop: Plan.Loop) throws(OpError) {
        let node = plan.nodes[id]
        for value in node.outputs {
            let fact = plan.facts[value]
            if !fact.shape.isFullyDefined || fact.dtype.isHandle { dynamic.insert(value) }
        }
        append(.loopBegin(id), node.guarded)
        loops.append(id)
        try add(loop.head)
        append(.loopTest(id))
        try add(loop.body)
        append(.loopNext(id))
        try add(loop.tail)
        append(.loopEnd(id))
        loops.removeLast()
    }

    private mutating func add(_ id: Plan.NodeID, _ op: any Op) throws(OpError) {
        let node = plan.nodes[id]
        if node.state == nil, !node.hasEffect, node.outputs.allSatisfy(plan.isKnown) { return }
        do throws(OpError) {
            if let sources = plan.sources(of: node, op) {
                for (output, source) in zip(node.outputs, sources) { alias(output, source, node.guarded) }
            } else {
                try select(id, op)
            }
        } catch {
            let error = node.origin.locate(error)
            // In a branch or a loop that may never run, the run will tell.
            let isCertain = loops.isEmpty && plan.state(of: node.guarded) == true
            if isCertain || error.kind == .resourceExhausted { throw error }
            append(.failure(error), node.guarded)
        }
    }

    private mutating func select(_ id: Plan.NodeID, _ op: any Op) throws(OpError) {
        let node = plan.nodes[id]
        guard node.state == nil else {
            dynamic.formUnion(node.outputs)
            return append(.node(id), node.guarded)
        }
        let inputs = node.inputs.map { plan.facts[$0] }
        let outputs = node.outputs.map { plan.facts[$0] }
        let kernelOp: any KernelOp
        switch op.implementation {
        case .kernel(let op): kernelOp = op
        case .tensors, .objects:
            dynamic.formUnion(node.outputs)
            return append(.node(id), node.guarded)
        default: throw .nothingToCompute
        }
        guard inputs.allSatisfy(\.shape.isFullyDefined), outputs.allSatisfy(\.shape.isFullyDefined),
            op.valueInputs.allSatisfy({ !inputs.indices.contains($0) || inputs[$0].value != nil })
        else {
            dynamic.formUnion(node.outputs.filter { !plan.facts[$0].shape.isFullyDefined })
            return append(.node(id), node.guarded)
        }
        let spec = KernelSpec(inputs: inputs, outputs: outputs)
        try checkTables(kernelOp, spec)
        let kernel = try kernelOp.makeKernel(for: spec)
        guard !inputs.contains(where: { $0.dtype.isHandle && !$0.hasElements }) else {
            throw .unsupported("is not supported for handles")
        }
        if case .alias(let input) = kernel.work {
            alias(node.outputs[0], node.inputs[input], node.guarded)
        } else {
            kernels[id] = kernel
            append(.node(id), node.guarded)
        }
    }

    /// Refuses a kernel whose tables, or whose outputs, would be larger than a run may be, before they are made.
    private func checkTables(_ op: any KernelOp, _ spec: KernelSpec) throws(OpError) {
        let tables = op.tableBytes(for: spec)
        guard tables > 0 else { return }
        let account = RunAccount(limitBytes: limitBytes)
        try account.reserve(tables)
        for fact in spec.outputs { try account.reserve(fact.shape.known?.byteCount(of: fact.dtype) ?? .max) }
    }

    private mutating func alias(_ output: Plan.Value, _ input: Plan.Value, _ guarded: Guard) {
        roots[output] = roots[input]
        if dynamic.contains(input) { dynamic.insert(output) }
        append(.alias(output: output, input: input), guarded)
    }
}
