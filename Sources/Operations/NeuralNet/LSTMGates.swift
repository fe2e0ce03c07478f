package import Kernels
internal import Tensors

/// The elementwise part of a cell with a long and a short memory, after the products of its gates. No graph has this op: a pass makes it of
/// the ops that graphs have.
///
/// - Inputs: the gates, [batch, 4 * cells], as one term or a sum of two; perhaps a bias, [4 * cells], that is added to them; the memory,
///   [batch, cells]; perhaps what the forget gate, the input gate and the output gate multiply the memory by before they add it, [cells] each
///   (peepholes; the output gate sees the next memory). All float32. A batch of one row is the same for all rows.
/// - Outputs: the next memory and the result, both [batch, cells].
package struct LSTMGates: KernelOp {
    private let places: LSTMGateKernel.Places
    private let forgetBias: Float
    private let hasSecond: Bool
    private let hasBias: Bool
    private let hasPeepholes: Bool

    /// - Parameters:
    ///   - places: In which quarter of a row each gate lies.
    ///   - forgetBias: Is added to the forget gate.
    ///   - hasSecond: Whether the gates are a sum of two.
    ///   - hasBias: Whether there is a bias.
    ///   - hasPeepholes: Whether there are peepholes.
    package init(
        _ places: LSTMGateKernel.Places, forgetBias: Float, hasSecond: Bool, hasBias: Bool, hasPeepholes: Bool
    ) {
        self.places = places
        self.forgetBias = forgetBias
        self.hasSecond = hasSecond
        self.hasBias = hasBias
        self.hasPeepholes = hasPeepholes
    }

    private var memoryIndex: Int { 1 + (hasSecond ? 1 : 0) + (hasBias ? 1 : 0) }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        var gates = inputs[0].shape
        if hasSecond { gates = try gates.broadcast(with: inputs[1].shape) }
        let cells = gates.dimension(1) < 0 ? PartialShape.unknownDimension : gates.dimension(1) / 4
        let shape = try PartialShape([gates.dimension(0), cells]).broadcast(with: inputs[memoryIndex].shape)
        return Array(repeating: TensorFact(inputs[0].dtype, shape), count: 2)
    }

    package func batching(_ node: BatchedNode) -> [BatchRole]? {
        node.rowwise(hasSecond ? [0, 1, memoryIndex] : [0, memoryIndex])
    }

    package func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let output = try spec.outputShape().dimensions
        let (rows, cells) = (output[0], output[1])
        guard rows > 0, cells > 0 else { return .nothing }
        let sizes = hasSecond ? [0, 1, memoryIndex] : [0, memoryIndex]
        var repeats: [Bool] = []
        for index in sizes {
            let shape = try spec.inputShape(index).dimensions
            guard shape.count == 2, shape[1] == (index == memoryIndex ? cells : try cells.times(4)) else {
                throw .unsupported("gates and memory of \(spec.inputs.map(\.shape)) are not supported")
            }
            repeats.append(shape[0] != rows)
        }
        for index in (memoryIndex + 1)..<spec.inputs.count {
            guard try spec.inputShape(index).elementCount == cells else {
                throw .unsupported("peepholes of \(spec.inputs[index].shape)")
            }
        }
        let kernel = LSTMGateKernel(
            rows: rows, cells: cells, places, forgetBias: forgetBias,
            repeats: (repeats[0], hasSecond && repeats[1], repeats[repeats.count - 1]))
        return kernel.kernel(hasSecond: hasSecond, hasBias: hasBias, hasPeepholes: hasPeepholes)
    }
}
