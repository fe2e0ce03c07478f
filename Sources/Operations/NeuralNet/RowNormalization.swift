package import Kernels
internal import Tensors

/// Layer normalisation: (x - mean) / sqrt(variance + epsilon) * scale + offset, of the mean and the variance of each row. No op of a graph:
/// a pass makes it of several.
///
/// - Inputs: `x`, float32; `scale` and `offset`, if it has them, in the shape of the last axes of `x`.
package struct RowNormalization: RowwiseOp {
    /// How many axes, the last ones, make a row.
    package let axisCount: Int
    /// Is added to variances.
    package let epsilon: Float
    /// Whether input 1 scales.
    package var hasScale = false
    /// Whether the last input is added.
    package var hasOffset = false

    package init(axisCount: Int, epsilon: Float) {
        self.axisCount = axisCount
        self.epsilon = epsilon
    }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs.count == 1 + (hasScale ? 1 : 0) + (hasOffset ? 1 : 0) else {
            throw OpError(.malformed, "has \(inputs.count) inputs")
        }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    package func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, minimumRank: axisCount + 1) }

    package func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let shape = try spec.inputShape(0)
        guard spec.inputs[0].dtype == .float32 else { throw .unsupported(spec.inputs[0].dtype) }
        guard shape.elementCount > 0 else { return .nothing }
        guard let normalization = rows(spec.inputs) else {
            throw OpError(.malformed, "scales or shifts by other shapes")
        }
        return normalization.kernel(rows: shape.elementCount / normalization.count)
    }

    package func rowFormula(_ inputs: [TensorFact]) -> FusedTail? { rows(inputs).map { .layerNormalization($0) } }

    /// What the op does to each row, where the shapes are known.
    private func rows(_ inputs: [TensorFact]) -> LayerNormalization? {
        guard let shape = inputs.first?.shape.known, shape.rank >= axisCount else { return nil }
        let count = shape.dimensions.suffix(axisCount).reduce(1, &*)
        var period = count
        for (number, input) in inputs.dropFirst().enumerated() {
            guard let own = input.shape.known?.elementCount, own > 0, count % own == 0, number == 0 || own == period
            else {
                return nil
            }
            period = own
        }
        return LayerNormalization(
            count: count, period: period, epsilon: epsilon, scale: hasScale ? 1 : nil,
            offset: hasOffset ? (hasScale ? 2 : 1) : nil)
    }
}
