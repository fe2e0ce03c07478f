internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops on quantised numbers, each tensor with two scalars that tell its range.
    static let quantizedGraphs: [OpEntry] = [
        OpEntry("QuantizedMatMul", make: QuantizedMatMul.init),
        OpEntry("QuantizedConv2D", make: QuantizedConv2D.init),
        OpEntry("QuantizedBiasAdd", make: QuantizedBiasAdd.init),
        OpEntry("QuantizedRelu", make: QuantizedClamp.init(_:most:), nil),
        OpEntry("QuantizedRelu6", make: QuantizedClamp.init(_:most:), 6),
        OpEntry("QuantizedMaxPool", make: QuantizedPool.init, .maximum),
        OpEntry("QuantizedAvgPool", make: QuantizedPool.init, .mean),
        OpEntry("QuantizedReshape", make: QuantizedReshape.init),
        OpEntry("RequantizationRange", make: RequantizationRange.init),
        OpEntry("Requantize", make: Requantize.init(_:isRequested:), true),
        OpEntry("QuantizeDownAndShrinkRange", make: Requantize.init(_:isRequested:), false),
    ]
}

extension Collection where Element == TensorFact {
    /// Checks that all are float32 scalars: the ends of ranges.
    fileprivate func requireRanges() throws(OpError) {
        for fact in self {
            try fact.require(.float32, "a range")
            try fact.requireRank(0, "a range")
        }
    }
}

/// A result with the two scalars that tell its range.
private func ranged(_ dtype: DataType, _ shape: PartialShape) -> [TensorFact] {
    let end = TensorFact(.float32, Shape.scalar)
    return [TensorFact(dtype, shape), end, end]
}

/// The product of two matrices of quantised numbers.
///
/// - Inputs: `a` and `b`, quint8, matrices; `min_a`, `max_a`, `min_b` and `max_b`, float32 scalars.
/// - Outputs: qint32, and its range. Attributes: `transpose_a`, `transpose_b`.
struct QuantizedMatMul: KernelOp {
    private let product: MatMul

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(6)
        product = MatMul(
            transposesLeft: try node.bool("transpose_a", default: false),
            transposesRight: try node.bool("transpose_b", default: false))
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[2...].requireRanges()
        return ranged(.qint32, try product.outputs(for: inputs[..<2].asInt32)[0].shape)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try spec.quantized(product) }
}

/// A convolution of images of quantised numbers.
///
/// - Inputs: `input` and `filter`, quint8 or qint8; `min_input`, `max_input`, `min_filter` and `max_filter`, float32 scalars.
/// - Outputs: qint32, and its range. Attributes: `strides`, `padding`, `dilations`.
struct QuantizedConv2D: KernelOp {
    private let convolution: Conv2D

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(6)
        convolution = try Conv2D(attributesOf: node)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[2...].requireRanges()
        return ranged(.qint32, try convolution.outputs(for: inputs[..<2].asInt32)[0].shape)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try spec.quantized(convolution) }
}

extension Collection where Element == TensorFact {
    fileprivate var asInt32: [TensorFact] { map { TensorFact(.int32, $0.shape) } }
}

extension KernelSpec {
    /// The kernel of an op of two int32 inputs, done on quantised ones.
    fileprivate func quantized(_ op: some KernelOp) throws(OpError) -> Kernel {
        let operands = inputs[..<2].asInt32
        let kernel = try op.kernel(for: KernelSpec(inputs: operands, outputs: [TensorFact(.int32, outputs[0].shape)]))
        let counts = (try inputShape(0).elementCount, try inputShape(1).elementCount)
        guard counts.0 < Int.max / 64, counts.1 < Int.max / 64,
            let result = Kernel.quantized(kernel, [(inputs[0].dtype, counts.0), (inputs[1].dtype, counts.1)])
        else { throw .unsupported("\(inputs[0].dtype) with \(inputs[1].dtype) is not supported") }
        return result
    }
}

/// The sum of quantised numbers and a vector along their last dimension.
///
/// - Inputs: `input` and `bias`, quint8 or qint8; `min_input`, `max_input`, `min_bias` and `max_bias`, float32 scalars.
/// - Outputs: qint32, and its range.
struct QuantizedBiasAdd: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(6) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[2...].requireRanges()
        try inputs[..<2].requireOneDType()
        try inputs[0].requireRank(atLeast: 2, "input")
        try inputs[1].requireRank(1, "bias")
        guard let sizes = inputs[0].shape.dimensions else { return ranged(.qint32, .unknown) }
        let last = PartialShape([sizes[sizes.count - 1]])
        guard let merged = last.merged(with: inputs[1].shape) else {
            throw .invalid(
                "Must provide as many biases as the last dimension of the input tensor: \(inputs[1].shape) vs. "
                    + "\(inputs[0].shape)")
        }
        return ranged(.qint32, PartialShape(sizes.dropLast() + [merged.dimension(0)]))
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (shape, dtype) = (try spec.inputShape(0), spec.inputs[0].dtype)
        let count = shape.dimensions[shape.rank - 1]
        let rows = count == 0 ? 0 : shape.elementCount / count
        guard let kernel = Kernel.quantizedBiasAdd(dtype, rows: rows, count: count) else { throw .unsupported(dtype) }
        return kernel
    }
}

/// Quantised numbers held at or above zero, perhaps also at or below a number.
///
/// - Inputs: `features`, quantised; `min_features` and `max_features`, float32 scalars.
/// - Outputs: numbers of the same dtype, and the same range.
struct QuantizedClamp: KernelOp {
    private let most: Float?

    init(_ node: NodeReader, most: Float?) throws(OpError) {
        try node.expectInputs(3)
        self.most = most
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[1...].requireRanges()
        return ranged(inputs[0].dtype, inputs[0].shape)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (count, dtype) = (try spec.inputShape(0).elementCount, spec.inputs[0].dtype)
        guard let kernel = Kernel.quantizedClamp(dtype, most: most, count: count) else { throw .unsupported(dtype) }
        return kernel
    }
}

/// The largest, or the mean, of what a window sees of images of quantised numbers.
///
/// - Inputs: `input`, quint8 or qint8; `min_input` and `max_input`, float32 scalars.
/// - Outputs: numbers of the same dtype, and the same range. Attributes: `ksize`, `strides`, `padding`.
/// - Numerics: a mean goes towards zero.
struct QuantizedPool: KernelOp {
    private let reduction: Pooling.Reduction
    private let window: PoolWindow

    init(_ node: NodeReader, _ reduction: Pooling.Reduction) throws(OpError) {
        try node.expectInputs(3)
        self.reduction = reduction
        window = try PoolWindow(try WindowAttributes(node), try node.windowSizes("ksize"))
        try window.requireSpatial()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[1...].requireRanges()
        try inputs[0].requireRank(4, "tensor_in")
        return ranged(inputs[0].dtype, try window.shape(inputs[0].shape))
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (images, dtype) = (try spec.inputShape(0), spec.inputs[0].dtype)
        let pooling = try window.pooling(images)
        let plain: DataType? = dtype == .quint8 ? .uint8 : dtype == .qint8 ? .int8 : nil
        let kernel = reduction == .mean ? pooling.quantizedMean(dtype) : plain.flatMap { pooling.maximum($0) }
        let isEmpty = try spec.outputShape().elementCount == 0
        guard let kernel, let result = (isEmpty ? .nothing : kernel).keepingRange(RangeInputs(1, 2)) else {
            throw .unsupported(dtype)
        }
        return result
    }
}

/// Quantised numbers in another shape.
///
/// - Inputs: `tensor`, of fixed width; `shape`, int32 or int64, in which one size may be -1; `input_min` and `input_max`,
///   float32 scalars.
struct QuantizedReshape: KernelOp {
    private let reshape: Reshape

    var valueInputs: [Int] { [1] }

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        reshape = Reshape()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[2...].requireRanges()
        return ranged(inputs[0].dtype, try reshape.outputs(for: Array(inputs[..<2]))[0].shape)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let bytes = try spec.outputShape().byteCount(of: spec.outputs[0].dtype), spec.outputs[0].dtype != .string,
            let kernel = Kernel.bytes(bytes).keepingRange(RangeInputs(2, 3))
        else { throw .unsupported(spec.inputs[0].dtype) }
        return kernel
    }
}

/// The range that quantised numbers really take: it holds zero.
///
/// - Inputs: `input`, qint32; `input_min` and `input_max`, float32 scalars. Outputs: two float32 scalars.
struct RequantizationRange: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.qint32, "input")
        try inputs[1...].requireRanges()
        return Array(ranged(.qint32, .scalar)[1...])
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        .rangeInUse(count: try spec.inputShape(0).elementCount)
    }
}

/// Quantised numbers of 32 bits as such of 8, in the range that is asked for or in the one they take.
///
/// - Inputs: `input`, qint32; `input_min` and `input_max`, and for Requantize `requested_output_min` (at most 0) and
///   `requested_output_max`, float32 scalars.
/// - Outputs: numbers of `out_type`, quint8 or qint8, and their range.
struct Requantize: KernelOp {
    private let target: DataType
    private let isRequested: Bool

    init(_ node: NodeReader, isRequested: Bool) throws(OpError) {
        try node.expectInputs(isRequested ? 5 : 3)
        self.isRequested = isRequested
        target = try node.type("out_type")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.qint32, "input")
        try inputs[1...].requireRanges()
        return ranged(target, inputs[0].shape)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let count = try spec.inputShape(0).elementCount
        let kernel = Kernel.requantize(to: target, count: count, requested: isRequested ? RangeInputs(3, 4) : nil)
        guard let kernel else { throw .unsupported(target) }
        return kernel
    }
}
