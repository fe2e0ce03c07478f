package import Kernels
package import Tensors
package import Threads

extension Op {
    /// Computes the op on tensors, outside of any plan.
    ///
    /// Used to fold constants, and to try an op on its own. Strings that the kernel makes are copied into the results.
    ///
    /// - `inputs`: What is known of the inputs: all of them with a value.
    /// - `account`: Counts what is computed, until the call is over.
    /// - `helpers`: The source of helpers for a long kernel; nil for none.
    ///
    /// Throws ``OpError``, or the ``Fault`` that the kernel reports.
    package func evaluate(
        _ inputs: [TensorFact], _ account: RunAccount = RunAccount(), helpers: (any HelperSource)? = nil
    ) throws -> [Tensor] {
        let used = account.usedBytes
        defer { account.give(downTo: used) }
        try account.reserve(valueBytes(for: inputs))
        let facts = try outputs(for: inputs)
        let known = facts.compactMap(\.value)
        if known.count == facts.count { return known }
        let spec = KernelSpec(inputs: inputs, outputs: facts)
        let operands = inputs.compactMap(\.value)
        guard operands.count == inputs.count else { throw OpError(.malformed, "an input has no value") }
        switch implementation {
        case .tensors(let op): return try op.results(of: operands, account)
        case .kernel(let op): return try compute(op, operands, spec, account, helpers)
        default: throw OpError.nothingToCompute
        }
    }

    private func compute(
        _ op: any KernelOp, _ operands: [Tensor], _ spec: KernelSpec, _ account: RunAccount,
        _ helpers: (any HelperSource)?
    ) throws -> [Tensor] {
        try account.reserve(op.tableBytes(for: spec))
        let kernel = try op.makeKernel(for: spec)
        if case .alias(let input) = kernel.work { return [try alias(operands[input], spec)] }
        return try compute(kernel, operands, spec, account, helpers)
    }

    private func alias(_ tensor: Tensor, _ spec: KernelSpec) throws(OpError) -> Tensor {
        guard let result = tensor.reshaped(to: try spec.outputShape()) else {
            throw OpError(.malformed, "changes the number of elements")
        }
        return result
    }

    private func compute(
        _ kernel: Kernel, _ inputs: [Tensor], _ spec: KernelSpec, _ account: RunAccount,
        _ helpers: (any HelperSource)?
    ) throws -> [Tensor] {
        var results: [Tensor] = []
        for index in spec.outputs.indices {
            let shape = try spec.outputShape(index)
            let dtype = spec.outputs[index].dtype
            guard let bytes = shape.byteCount(of: dtype) else {
                throw OpError(.resourceExhausted, "output \(index), \(dtype) \(shape), is larger than any memory")
            }
            try account.reserve(bytes)
            guard let result = Tensor(dtype: dtype, shape: shape, initializing: { _ in }) else {
                throw Fault(.outOfMemory(byteCount: bytes))
            }
            results.append(result)
        }
        try account.reserve(kernel.scratchBytes)
        do {
            // Safety: the tensors outlive the call; nobody else sees the results before it ends.
            try kernel.run(inputs.map(\.address), results.map(\.address), account, helpers: helpers) {
                for result in results where result.dtype == .string {
                    try account.reserve(result.byteCount)
                    try account.reserve(try result.stringElements("an output").byteCount)
                }
                results = results.map(\.owningStrings)
            }
        } catch let fault as Fault {
            if fault.kind == .timeOver { try account.checkTime() }
            throw fault
        }
        withExtendedLifetime((inputs, results)) {}
        return results
    }
}

extension Tensor {
    fileprivate var address: UnsafeMutableRawPointer { storage.baseAddress + byteOffset }
}

extension Tensor {
    /// The tensor with its strings' bytes copied into its own memory; other tensors as they are.
    package var owningStrings: Tensor {
        guard dtype == .string else { return self }
        return withUnsafeBytes { memory in
            let strings = memory.bindMemory(to: TensorString.self)
            var total = memory.count
            for string in strings {
                let (sum, overflow) = total.addingReportingOverflow(string.count)
                guard !overflow else { return self }
                total = sum
            }
            guard let storage = TensorStorage(byteCount: total) else { return self }
            // Safety: the storage holds the descriptors, then the bytes that they point to.
            let descriptors = storage.baseAddress.bindMemory(to: TensorString.self, capacity: strings.count)
            var next = storage.baseAddress + memory.count
            for (index, string) in strings.enumerated() {
                if let source = string.start { next.copyMemory(from: source, byteCount: string.count) }
                descriptors[index] = TensorString(
                    start: UnsafePointer(next.assumingMemoryBound(to: UInt8.self)), count: string.count)
                next += string.count
            }
            return Tensor(dtype: .string, shape: shape, storage: storage) ?? self
        }
    }
}
