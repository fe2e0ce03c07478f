internal import Kernels
internal import Tensors

/// A convolution whose filter lies in panels, as it is or transformed for Winograd's way.
///
/// - Inputs: `input`, float32 images [batch, height, width, depth]; panels; then what the finish takes.
/// - Outputs: images with as many channels as the filter has outputs.
/// - Numerics: each sum is added up in the order of the filter, in float32, by fused multiplications and additions; by Winograd's way in
///   that of the channels, from sums and differences of pixels. Its error is no larger than that of the other way.
struct PackedConvolution: FinishingOp {
    private let convolution: Conv2D
    /// Height, width, depth and outputs.
    private let filter: [Int]
    /// How the filter is transformed; nil where it lies as it is.
    private let winograd: WinogradFilter?
    /// The numbers in the panels.
    private let precision: Precision
    private(set) var finish = LinearFinish()

    init(_ convolution: Conv2D, filter: [Int], _ precision: Precision) {
        self.convolution = convolution
        self.filter = filter
        self.precision = precision
        winograd = nil
    }

    init(_ convolution: Conv2D, filter: [Int], _ winograd: WinogradFilter) {
        self.convolution = convolution
        self.filter = filter
        self.winograd = winograd
        precision = winograd.precision
    }

    func with(_ finish: LinearFinish) -> any FinishingOp {
        var op = self
        op.finish = finish
        return op
    }

    private func operands(_ inputs: [TensorFact]) -> [TensorFact] {
        inputs.prefix(1) + [TensorFact(.float32, PartialShape(filter))]
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let outputs = try convolution.outputs(for: operands(inputs))
        try checkFinish(inputs, outputs[0], precision)
        return outputs
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { finishedBatching(node) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        guard let window = try convolution.window(operands(spec.inputs)) else {
            throw OpError(.malformed, "the shapes are not known")
        }
        if let winograd {
            return WinogradConvolution(window: window, batch: output.dimensions[0], winograd, finish).kernel
        }
        return PanelConvolution(
            window: window, batch: output.dimensions[0], channels: filter[2], outputs: filter[3], finish, precision
        ).kernel
    }
}

/// A filter transformed for Winograd's way: see ``WinogradFilter``.
///
/// - Inputs: float32 [taps, taps, channels, outputs].
/// - Outputs: the panels of all positions, of rank 1, float32 or bfloat16.
/// - Numerics: transformed in float32, then rounded.
struct PackWinograd: MovementOp {
    let filter: WinogradFilter

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs.count == 1, inputs[0].dtype == .float32, let elements = filter.elementCount,
            inputs[0].shape.known.map({ $0.dimensions == [filter.taps, filter.taps, filter.channels, filter.outputs] })
                ?? true
        else { throw OpError(.malformed, "cannot transform a filter \(inputs.first?.shape ?? .unknown)") }
        return [TensorFact(filter.precision.dataType, PartialShape([elements]))]
    }

    func movement(_ inputs: [TensorFact]) -> Movement? { nil }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { filter.packing }
}

extension Conv2D: PackableOp {
    func packed(_ inputs: [TensorFact], _ precision: Precision) -> PackedForm? {
        guard inputs.allSatisfy({ $0.dtype == .float32 }), !isChannelsFirst,
            let filter = inputs[1].shape.known?.dimensions,
            filter.count == 4, filter.allSatisfy({ $0 > 0 }), inputs[0].shape.rank == 4,
            // One group.
            inputs[0].shape.dimension(3) == filter[2]
        else { return nil }
        let depth = filter[0].multipliedReportingOverflow(by: filter[1] * filter[2])
        guard !depth.overflow else { return nil }
        if let window = (try? window(inputs)) ?? nil,
            let winograd = WinogradFilter(for: window, channels: filter[2], outputs: filter[3], precision)
        {
            return PackedForm(
                packing: PackWinograd(filter: winograd), PackedConvolution(self, filter: filter, winograd))
        }
        let possible = PanelConvolution.takes(precision, channels: filter[2]) ? precision : .fp32
        let format = PanelFormat(depth: depth.partialValue, columns: filter[3], possible)
        return PackedForm(format, PackedConvolution(self, filter: filter, possible))
    }
}
