internal import Kernels
internal import Operations

/// Where values lie in the arena, while the instructions are walked in order.
struct Placement {
    /// The last instruction that reads each value's memory.
    let lastUses: [Int]
    let roots: [[Int]]
    let limitBytes: Int
    var memory = MemoryPlan()
    var offsets: [Int: Int] = [:]
    private var sizes: [Int: Int] = [:]

    init(lastUses: [Int], roots: [[Int]], limitBytes: Int) {
        self.lastUses = lastUses
        self.roots = roots
        self.limitBytes = limitBytes
    }

    /// Places a step's outputs and scratch, then frees what is read here for the last time.
    ///
    /// - Parameters:
    ///   - step: The node.
    ///   - outputSizes: The outputs' sizes in bytes; nil for one that has no place in the arena.
    ///   - kernel: The kernel.
    ///   - number: The number of the instruction.
    /// - Returns: The offset of the scratch memory.
    /// - Throws: `resourceExhausted` if the arena would be too large.
    mutating func place(
        _ step: Plan.Node, _ outputSizes: [Int?], _ kernel: Kernel?, at number: Int
    ) throws(OpError) -> Int {
        for (index, (value, size)) in zip(step.outputs, outputSizes).enumerated() {
            guard let size else { continue }
            if index == 0, let kernel, takeOver(kernel, step, size, at: number) { continue }
            try place(value, size)
        }
        let scratchBytes = kernel?.scratchBytes ?? 0
        let scratch = try allocate(scratchBytes)
        memory.release(scratch, scratchBytes)
        release(step.inputs + step.outputs, at: number)
        return scratch
    }

    /// Places one value.
    mutating func place(_ value: Int, _ size: Int) throws(OpError) {
        offsets[value] = try allocate(size)
        sizes[value] = size
    }

    /// Frees the memory of those of the values that are read for the last time.
    mutating func release(_ values: [Int], at number: Int) {
        for root in Set(values.flatMap { roots[$0] }) where lastUses[root] <= number {
            guard let offset = offsets[root], let size = sizes.removeValue(forKey: root) else { continue }
            memory.release(offset, size)
        }
    }

    private mutating func allocate(_ size: Int) throws(OpError) -> Int {
        guard let offset = memory.allocate(size, limitBytes: limitBytes) else {
            throw OpError(
                .resourceExhausted, "the run would need more than \(limitBytes) bytes of memory, \(size) of them here")
        }
        return offset
    }

    /// Lets the first output have the memory of an input that dies here.
    private mutating func takeOver(_ kernel: Kernel, _ step: Plan.Node, _ size: Int, at number: Int) -> Bool {
        for index in kernel.overwritableInputs where step.inputs.indices.contains(index) {
            guard let root = roots[step.inputs[index]].first else { continue }
            let isShared = step.inputs.indices.contains {
                $0 != index && roots[step.inputs[$0]].contains(root)
                    && !(kernel.overwritableInputs.contains($0) && roots[step.inputs[$0]].count == 1)
            }
            guard lastUses[root] == number, !isShared, let offset = offsets[root], sizes[root] == size else { continue }
            sizes[root] = nil
            offsets[step.outputs[0]] = offset
            sizes[step.outputs[0]] = size
            return true
        }
        return false
    }
}
