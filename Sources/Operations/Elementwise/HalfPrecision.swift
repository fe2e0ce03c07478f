package import Kernels
package import Tensors

extension KernelOp {
    /// The op's kernel; where it has none for half precision or bfloat16, the one for float32 between conversions.
    ///
    /// - Throws: ``OpError`` as ``kernel(for:)`` does.
    package func makeKernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard spec.inputs.contains(where: { $0.dtype.isHalfPrecision }) else { return try kernel(for: spec) }
        let refusal: OpError
        do throws(OpError) { return try kernel(for: spec) } catch { refusal = error }
        guard refusal.kind == .unsupported else { throw refusal }
        let wide = try spec.inFloat32(valueInputs)
        let inner: Kernel
        // The refusal of the dtype as the graph has it says more.
        do throws(OpError) { inner = try kernel(for: wide) } catch { throw refusal }
        let (inputs, outputs) = (try spec.inputs.operands("input"), try spec.outputs.operands("output"))
        guard let kernel = Kernel.inFloat32(inner, inputs: inputs, outputs: outputs) else {
            throw OpError(.resourceExhausted, "the operands are too large to be computed in float32")
        }
        return kernel
    }
}

extension TensorOp {
    /// ``compute(_:_:)``; where the op does not take half precision or bfloat16, of the same elements in float32.
    ///
    /// - Throws: ``OpError`` as ``compute(_:_:)`` does.
    package func results(of inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        if !valueInputs.isEmpty { try account.reserve(valueBytes(for: inputs.map { TensorFact($0) })) }
        guard inputs.contains(where: { $0.dtype.isHalfPrecision }) else { return try compute(inputs, account) }
        let refusal: OpError
        do throws(OpError) { return try compute(inputs, account) } catch { refusal = error }
        guard refusal.kind == .unsupported else { throw refusal }
        let facts = try outputs(for: inputs.map { TensorFact($0) })
        var wide: [Tensor] = []
        for input in inputs {
            wide.append(input.dtype.isHalfPrecision ? try input.converted(to: .float32, account) : input)
        }
        var results: [Tensor] = []
        for (result, fact) in zip(try compute(wide, account), facts) {
            let isWide = fact.dtype.isHalfPrecision && result.dtype == .float32
            results.append(isWide ? try result.converted(to: fact.dtype, account) : result)
        }
        return results
    }
}

extension KernelSpec {
    /// The same operands with float32 for narrow floats; values are converted where the op asks for them.
    fileprivate func inFloat32(_ valueInputs: [Int]) throws(OpError) -> KernelSpec {
        var wideInputs: [TensorFact] = []
        for (index, input) in inputs.enumerated() {
            var wide = input.inFloat32
            if wide.dtype != input.dtype, let value = input.value, valueInputs.contains(index) {
                wide.value = try value.converted(to: .float32)
            }
            wideInputs.append(wide)
        }
        return KernelSpec(inputs: wideInputs, outputs: outputs.map(\.inFloat32))
    }
}

extension TensorFact {
    fileprivate var inFloat32: TensorFact { dtype.isHalfPrecision ? TensorFact(.float32, shape) : self }
}

extension [TensorFact] {
    fileprivate func operands(_ what: String) throws(OpError) -> [Kernel.Operand] {
        var result: [Kernel.Operand] = []
        for (index, fact) in enumerated() {
            guard let shape = fact.shape.known else {
                throw OpError(.resourceExhausted, "\(what) \(index) has a shape that no tensor can have")
            }
            result.append((fact.dtype, shape.elementCount))
        }
        return result
    }
}

extension Tensor {
    /// The elements in another dtype, as the op Cast converts them. The account counts them until its caller gives them back.
    package func converted(
        to dtype: DataType, _ account: RunAccount = RunAccount()
    ) throws(OpError) -> Tensor {
        // The caller keeps it.
        try account.reserve(shape.elementCount, bytesEach: dtype.stride)
        do { return try Cast(to: dtype).evaluate([TensorFact(self)])[0] } catch let error as OpError {
            throw error
        } catch { throw OpError(.resourceExhausted, "\(error)") }
    }
}
