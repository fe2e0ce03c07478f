internal import Kernels
internal import Tensors

extension OpTable {
    /// Pools of images.
    static let pools: [OpEntry] = [
        OpEntry("MaxPool") { node throws(CompileError) in try Pool(node, .maximum) },
        OpEntry("AvgPool") { node throws(CompileError) in try Pool(node, .mean) },
    ]
}

/// The largest, or the mean, of what a window sees of each channel; a maximum may also be taken across channels.
///
/// - Inputs: images of rank 4: numbers of any fixed width up to 64 bits for the maximum, float32 and float64 for the mean.
/// - Attributes: `ksize`, `strides`, `padding` (SAME, VALID; the maximum also EXPLICIT), `explicit_paddings`, `data_format`.
/// - Numerics: padding does not count. NaN never is the maximum; where there is nothing else it is the lowest finite number.
struct Pool: Op {
    private let reduction: Pooling.Reduction
    private let attributes: WindowAttributes
    private let sizes: [Int]
    /// How many channels become one.
    private let depthWindow: Int

    init(_ node: NodeReader, _ reduction: Pooling.Reduction) throws(CompileError) {
        try node.expectInputs(1)
        self.reduction = reduction
        attributes = try WindowAttributes(node)
        sizes = try node.windowSizes("ksize")
        let format = attributes.format
        depthWindow = sizes[format.depthAxis]
        guard sizes[0] == 1 else { throw .unsupported("Pooling is not yet supported on the batch dimension.") }
        try attributes.requirePadding(smallerThan: sizes, node)
        guard depthWindow > 1 || attributes.strides[format.depthAxis] > 1 else { return }
        guard reduction == .maximum else { throw .unsupported("Non-spatial pooling is not yet supported.") }
        guard sizes[format.rowAxis] == 1, sizes[format.columnAxis] == 1 else {
            throw .unsupported(
                "MaxPooling supports exactly one of pooling across depth or pooling across width/height.")
        }
        guard !attributes.isExplicit else {
            throw .unsupported("Depthwise max pooling does not support explicit padding.")
        }
        guard format == .channelsLast else { throw .unsupported("Depthwise max pooling does not support NCHW.") }
        guard attributes.strides[format.depthAxis] == depthWindow else {
            throw .unsupported("Depthwise max pooling requires the depth window to equal the depth stride.")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        let images = inputs[0].shape
        try inputs[0].requireRank(4, "images")
        let format = attributes.format
        var result = (0..<4).map { images.dimension($0) }
        if depthWindow > 1 {
            // The strides of rows and columns do not count here, as in TensorFlow.
            guard result[3] % depthWindow == 0 || result[3] < 0 else {
                throw .unsupported("Depthwise max pooling requires the depth window to evenly divide the input depth")
            }
            result[3] = result[3] < 0 ? result[3] : result[3] / depthWindow
            return [TensorFact(inputs[0].dtype, PartialShape(result))]
        }
        for axis in [format.rowAxis, format.columnAxis] {
            let window = try attributes.window(axis, size: images.dimension(axis), filter: sizes[axis])
            result[axis] = window?.outputSize ?? PartialShape.unknownDimension
        }
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        let images = try spec.inputShape(0)
        let output = try spec.outputShape()
        let dtype = spec.inputs[0].dtype
        guard let kernel = try kernel(dtype, images.dimensions, output) else { throw .unsupported(dtype) }
        return output.elementCount == 0 ? .nothing : kernel
    }

    private func kernel(_ dtype: DataType, _ images: [Int], _ output: Shape) throws(CompileError) -> Kernel? {
        if depthWindow > 1 { return .maximum(outputCount: output.elementCount, window: depthWindow, dtype) }
        let format = attributes.format
        guard
            let rows = try attributes.window(
                format.rowAxis, size: images[format.rowAxis], filter: sizes[format.rowAxis]),
            let columns = try attributes.window(
                format.columnAxis, size: images[format.columnAxis], filter: sizes[format.columnAxis])
        else { return nil }
        // Channels that come first are so many images of one channel.
        let channelsFirst = format == .channelsFirst
        let pooling = Pooling(
            reduction, window: SpatialWindow(rows: rows, columns: columns),
            batch: channelsFirst ? images[0] &* images[1] : images[0], depth: channelsFirst ? 1 : images[3])
        return pooling.kernel(dtype)
    }
}
