internal import Kernels
internal import Tensors

extension OpTable {
    /// Real to quantised numbers and back.
    static let quantization: [OpEntry] = [
        OpEntry("QuantizeV2", make: Quantize.init),
        OpEntry("Dequantize", make: Dequantize.init),
        OpEntry("QuantizeAndDequantize", make: QuantizeAndDequantize.init, .first),
        OpEntry("QuantizeAndDequantizeV2", make: QuantizeAndDequantize.init, .second),
        OpEntry("QuantizeAndDequantizeV3", make: QuantizeAndDequantize.init, .third),
        OpEntry("QuantizeAndDequantizeV4", make: QuantizeAndDequantize.init, .second),
        OpEntry("FakeQuantWithMinMaxArgs", make: FakeQuantize.init, .attributes),
        OpEntry("FakeQuantWithMinMaxVars", make: FakeQuantize.init, .scalars),
        OpEntry("FakeQuantWithMinMaxVarsPerChannel", make: FakeQuantize.init, .channels),
    ]
}

/// The slices of a tensor that have a scale each.
struct QuantizationAxis: Hashable {
    /// nil: all of the tensor has one scale.
    let axis: Int?

    init(_ node: NodeReader) throws(OpError) {
        let axis = try node.int("axis", default: -1)
        guard axis >= -1, axis < Shape.maximumRank else {
            throw node.malformed("Axis must be at least -1, got \(axis)")
        }
        self.axis = axis < 0 ? nil : axis
    }

    /// Checks ranges against the tensor that they are for.
    ///
    /// - Returns: How many slices there are; unknown if the shape is.
    func sliceCount(_ inputs: [TensorFact]) throws(OpError) -> Int {
        var count = 1
        if let axis {
            if let rank = inputs[0].shape.rank, axis >= rank {
                throw .invalid("Axis must be less than input dimension(\(rank)), got \(axis)")
            }
            count = inputs[0].shape.dimension(axis)
        }
        for (input, what) in zip(inputs[1...2], ["min", "max"]) {
            guard count >= 0, let given = input.shape.known?.elementCount else { continue }
            guard given == count else {
                throw .invalid("the input \(what) must have \(count) elements, its shape is \(input.shape)")
            }
        }
        return count
    }

    func layout(_ shape: Shape) throws(OpError) -> ChannelLayout {
        // All of the tensor as one slice: an axis of one element before it.
        guard let whole = Shape([1] + shape.dimensions) else { throw .invalid("too many dimensions: \(shape)") }
        return axis.map { ChannelLayout(shape, axis: $0) } ?? ChannelLayout(whole, axis: 0)
    }
}

/// Real to quantised numbers.
///
/// - Inputs: `input`, float32; `min_range` and `max_range`, float32, one element, or one for each slice along `axis`.
/// - Outputs: quantised numbers; the ranges as they were made: they hold zero, and are not too small.
/// - Attributes: `T` (qint8, quint8, qint16, quint16, qint32), `mode`, `round_mode`, `narrow_range`, `axis`,
///   `ensure_minimum_range`.
struct Quantize: KernelOp {
    private let target: DataType
    private let mode: Quantization.Mode
    private let rounding: Quantization.Rounding
    private let isNarrow: Bool
    private let minimumRange: Float
    private let slices: QuantizationAxis

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        target = try node.type("T")
        mode = try node.choice("mode", default: .minCombined)
        rounding = try node.choice("round_mode", default: .awayFromZero)
        isNarrow = try node.bool("narrow_range", default: false)
        minimumRange = try node.float("ensure_minimum_range", default: 0.01)
        slices = try QuantizationAxis(node)
        guard rounding == .awayFromZero || mode == .scaled else {
            throw node.malformed("Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED'.")
        }
        guard slices.axis == nil || mode != .minFirst else {
            throw OpError(
                .unsupported, "MIN_FIRST mode is not implemented for Quantize with axis != -1.", node: node.name,
                op: node.op)
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        for (input, what) in zip(inputs, ["input", "min_range", "max_range"]) { try input.require(.float32, what) }
        let count = try slices.sliceCount(inputs)
        let range = TensorFact(.float32, slices.axis == nil ? .scalar : PartialShape([count]))
        return [TensorFact(target, inputs[0].shape), range, range]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let quantization = Quantization(
            mode: mode, rounding: rounding, isNarrow: isNarrow, minimumRange: minimumRange,
            layout: try slices.layout(try spec.inputShape(0)))
        guard let kernel = quantization.quantizing(to: target) else { throw .unsupported(target) }
        return kernel
    }
}

/// Quantised to real numbers.
///
/// - Inputs: quantised numbers; `min_range` and `max_range`, float32, one element, or one for each slice along `axis`.
/// - Attributes: `mode`, `narrow_range`, `axis`, `dtype` (float32; bfloat16 with MIN_COMBINED).
struct Dequantize: KernelOp {
    private let mode: Quantization.Mode
    private let isNarrow: Bool
    private let slices: QuantizationAxis
    private let target: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        mode = try node.choice("mode", default: .minCombined)
        isNarrow = try node.bool("narrow_range", default: false)
        target = try node.type("dtype", default: .float32)
        slices = try QuantizationAxis(node)
        guard target == .float32 || mode == .minCombined else {
            throw node.malformed("When output type is bfloat16, mode must be MIN_COMBINED, it is \(mode.rawValue)")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        for (input, what) in zip(inputs[1...], ["min_range", "max_range"]) { try input.require(.float32, what) }
        let count = try slices.sliceCount(inputs)
        guard mode != .minFirst || slices.axis == nil || count == 1 || count < 0 else {
            throw .unsupported("MIN_FIRST mode is not implemented for Dequantize with axis != -1.")
        }
        return [TensorFact(target, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let shape = try spec.inputShape(0)
        let layout = try slices.layout(shape)
        let quantization = Quantization(mode: mode, isNarrow: isNarrow, layout: layout)
        guard let kernel = quantization.dequantizing(from: spec.inputs[0].dtype) else {
            throw .unsupported(spec.inputs[0].dtype)
        }
        guard target != .float32 else { return kernel }
        let ranges = (DataType.float32, layout.channels)
        let inputs = [(spec.inputs[0].dtype, shape.elementCount), ranges, ranges]
        let narrowed = Kernel.inFloat32(kernel, inputs: inputs, outputs: [(target, shape.elementCount)])
        guard target.isHalfPrecision, let narrowed else { throw .unsupported(target) }
        return narrowed
    }
}
