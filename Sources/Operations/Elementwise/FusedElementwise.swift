package import Kernels
package import Tensors

/// Several elementwise ops as one, perhaps with an op on the rows of their result. No op of a graph: a pass makes it, for one shape.
///
/// - Inputs: the operands of the steps, then those of the tail. They broadcast to the shape.
package struct FusedElementwise: KernelOp {
    /// The formulas, of which the last one gives the output.
    private let steps: [FusedStep]
    private let tail: FusedTail?
    private let shape: Shape

    /// - Parameters:
    ///   - steps: The formulas, of which the last one gives the output; at least one.
    ///   - tail: What is made of the rows of its result; nil for the result itself.
    ///   - shape: The shape of the output: as many elements as each step has.
    package init(_ steps: [FusedStep], tail: FusedTail?, shape: Shape) {
        self.steps = steps
        self.tail = tail
        self.shape = shape
    }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let last = steps.last else { throw OpError(.malformed, "has no formulas") }
        return [TensorFact(last.result, shape)]
    }

    package func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        var inputs: [(dtype: DataType, shape: Shape)] = []
        for index in spec.inputs.indices { inputs.append((spec.inputs[index].dtype, try spec.inputShape(index))) }
        guard let kernel = Kernel.fused(steps, inputs: inputs, tail: tail) else {
            throw .unsupported(spec.outputs[0].dtype)
        }
        return kernel
    }
}
