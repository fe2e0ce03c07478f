internal import Kernels
internal import Tensors

/// A convolution of each channel with one filter of its own, which finishes its sums. The filter lies as it is.
///
/// - Inputs: `input`, float32 images [batch, height, width, depth]; `filter`, [height, width, depth, 1]; then what the finish takes.
/// - Outputs: images of as many channels.
/// - Numerics: each sum is added up in the order of the filter, in float32, by fused multiplications and additions.
struct FinishedDepthwise: FinishingOp {
    private let convolution: DepthwiseConv2D
    private(set) var finish = LinearFinish()

    init(_ convolution: DepthwiseConv2D) { self.convolution = convolution }

    func with(_ finish: LinearFinish) -> any FinishingOp {
        var op = self
        op.finish = finish
        return op
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let outputs = try convolution.outputs(for: Array(inputs.prefix(2)))
        try checkFinish(inputs, outputs[0])
        return outputs
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { finishedBatching(node) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        guard let window = try convolution.window(spec.inputs) else {
            throw OpError(.malformed, "the shapes are not known")
        }
        return DepthwiseConvolution(
            window: window, batch: output.dimensions[0], depth: output.dimensions[3], multiplier: 1
        ).finished(finish)
    }
}

extension DepthwiseConv2D: PackableOp {
    func packed(_ inputs: [TensorFact], _ precision: Precision) -> PackedForm? {
        // The filter is small, and stays as it is.
        guard inputs.allSatisfy({ $0.dtype == .float32 }), !isChannelsFirst, inputs[0].shape.rank == 4,
            let filter = inputs[1].shape.known?.dimensions, filter.count == 4, filter.allSatisfy({ $0 > 0 }),
            filter[3] == 1
        else { return nil }
        return PackedForm(packing: nil, FinishedDepthwise(self))
    }
}
