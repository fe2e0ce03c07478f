internal import Kernels
internal import Tensors

extension OpTable {
    /// Pools of images and volumes.
    static let pools: [OpEntry] = [
        pool("MaxPool", .maximum),
        pool("AvgPool", .mean),
        OpEntry("MaxPoolV2", make: PoolOfGivenSize.init),
        OpEntry("MaxPoolWithArgmax", make: PoolWithIndices.init),
        pool("MaxPool3D", .maximum, .volumesChannelsLast),
        pool("AvgPool3D", .mean, .volumesChannelsLast),
    ]

    private static func pool(
        _ name: String, _ reduction: Pooling.Reduction, _ format: ImageFormat = .channelsLast
    ) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> Pool in
            try node.expectInputs(1)
            let attributes = try WindowAttributes(node, default: format)
            let sizes = try node.windowSizes("ksize", count: attributes.format.rank)
            return try Pool(reduction, PoolWindow(attributes, sizes))
        }
    }
}

/// How the window of a pool moves, and how large it is.
struct PoolWindow: Hashable {
    let attributes: WindowAttributes
    /// One for each dimension of the images.
    let sizes: [Int]

    var format: ImageFormat { attributes.format }
    /// How many channels become one.
    var depth: Int { sizes[format.depthAxis] }
    /// Whether channels are pooled.
    var isAcrossDepth: Bool { depth > 1 || attributes.strides[format.depthAxis] > 1 }

    init(_ attributes: WindowAttributes, _ sizes: [Int]) throws(OpError) {
        self.attributes = attributes
        self.sizes = sizes
        guard sizes[0] == 1 else { throw .unsupported("Pooling is not yet supported on the batch dimension.") }
        try attributes.requirePadding(smallerThan: sizes)
    }

    /// Checks that channels are not pooled, and come last.
    func requireSpatial() throws(OpError) {
        guard !isAcrossDepth else { throw .unsupported("Pooling is not yet supported on the depth dimension.") }
        guard !format.isChannelsFirst else {
            throw .unsupported("data_format \(format.rawValue) is not supported")
        }
    }

    /// The same over images whose channels come last.
    ///
    /// - Returns: nil where they do already, and for volumes.
    var channelsLast: PoolWindow? {
        guard let attributes = attributes.channelsLast else { return nil }
        return try? PoolWindow(attributes, WindowAttributes.channelsLast(sizes))
    }

    /// How the window moves over images of that shape.
    ///
    /// - `centers`: See ``WindowAttributes``.
    func windows(_ images: PartialShape, centers: Bool = false) throws(OpError) -> [WindowAxis?] {
        try attributes.windows(images, filter: format.spatialAxes.map { sizes[$0] }, centers: centers)
    }

    /// The shape of what becomes of images of that shape.
    func shape(_ images: PartialShape) throws(OpError) -> PartialShape {
        attributes.shape(
            try windows(images), batch: images.dimension(0), depth: images.dimension(format.depthAxis))
    }

    /// The pool over images of that shape, channels last.
    func pooling(_ images: Shape, centers: Bool = false) throws(OpError) -> VolumePooling {
        guard let axes = try windows(PartialShape(images), centers: centers) as? [WindowAxis],
            let window = VolumeWindow(axes)
        else {
            throw OpError(.malformed, "the shapes are not known")
        }
        return VolumePooling(
            window: window, batch: images.dimensions[0], depth: images.dimensions[images.rank - 1])
    }
}

/// The largest, or the mean, of what a window sees of each channel; a maximum of images may also be taken across channels.
///
/// - Inputs: images of rank 4, or volumes of rank 5: any real numbers for the maximum, any float for the mean.
/// - Attributes: `ksize`, `strides`, `padding` (SAME, VALID; the maximum of images also EXPLICIT), `explicit_paddings`,
///   `data_format`.
/// - Numerics: padding does not count. NaN never is the maximum of images; where there is nothing else it is the lowest finite
///   number. Among volumes a NaN may be the maximum.
struct Pool: ImageOp {
    private let reduction: Pooling.Reduction
    private var window: PoolWindow

    private var format: ImageFormat { window.format }

    init(_ reduction: Pooling.Reduction, _ window: PoolWindow) throws(OpError) {
        self.reduction = reduction
        self.window = window
        if window.format.rank == 5 { try window.requireSpatial() }
        guard window.isAcrossDepth else { return }
        guard reduction == .maximum else { throw .unsupported("Non-spatial pooling is not yet supported.") }
        guard window.sizes[format.rowAxis] == 1, window.sizes[format.columnAxis] == 1 else {
            throw .unsupported(
                "MaxPooling supports exactly one of pooling across depth or pooling across width/height.")
        }
        guard !window.attributes.isExplicit else {
            throw .unsupported("Depthwise max pooling does not support explicit padding.")
        }
        guard format == .channelsLast else { throw .unsupported("Depthwise max pooling does not support NCHW.") }
        guard window.attributes.strides[format.depthAxis] == window.depth else {
            throw .unsupported("Depthwise max pooling requires the depth window to equal the depth stride.")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let images = inputs[0].shape
        try inputs[0].requireRank(format.rank, "images")
        guard window.depth > 1 else { return [TensorFact(inputs[0].dtype, try window.shape(images))] }
        // The strides of rows and columns do not count here, as in TensorFlow.
        var result = (0..<4).map { images.dimension($0) }
        guard result[3] % window.depth == 0 || result[3] < 0 else {
            throw .unsupported("Depthwise max pooling requires the depth window to evenly divide the input depth")
        }
        result[3] = result[3] < 0 ? result[3] : result[3] / window.depth
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func channelsLast(_ inputs: [TensorFact]) -> (any Op)? {
        guard let window = window.channelsLast else { return nil }
        var op = self
        op.window = window
        return op
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let images = try spec.inputShape(0)
        let output = try spec.outputShape()
        let dtype = spec.inputs[0].dtype
        guard let kernel = try kernel(dtype, images, output) else { throw .unsupported(dtype) }
        return output.elementCount == 0 ? .nothing : kernel
    }

    private func kernel(_ dtype: DataType, _ images: Shape, _ output: Shape) throws(OpError) -> Kernel? {
        if window.depth > 1 { return .maximum(outputCount: output.elementCount, window: window.depth, dtype) }
        guard format.rank == 4 else {
            let pooling = try window.pooling(images, centers: true)
            return reduction == .maximum ? pooling.maximum(dtype) : pooling.mean(dtype)
        }
        let axes = try window.windows(PartialShape(images)).compactMap { $0 }
        guard let spatial = SpatialWindow(axes) else { return nil }
        // Channels that come first are so many images of one channel.
        let sizes = images.dimensions
        let pooling = Pooling(
            reduction, window: spatial, batch: format.isChannelsFirst ? sizes[0] &* sizes[1] : sizes[0],
            depth: format.isChannelsFirst ? 1 : sizes[3])
        return pooling.kernel(dtype)
    }
}

/// The largest of what a window sees, whose size and strides are inputs.
///
/// - Inputs: images; `ksize` and `strides`, int32, four numbers each.
/// - Attributes: `padding` (SAME, VALID), `data_format`.
struct PoolOfGivenSize: KernelOp {
    private let attributes: WindowAttributes

    var valueInputs: [Int] { [1, 2] }

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        attributes = try WindowAttributes(node, strides: [1, 1, 1, 1])
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(4, "images")
        let window = try attributes.window(ksize: inputs[1], strides: inputs[2])
        guard let window else { return [TensorFact(inputs[0].dtype, .ofRank(4))] }
        return try Pool(.maximum, window).outputs(for: [inputs[0]])
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let window = try attributes.window(ksize: spec.inputs[1], strides: spec.inputs[2]) else {
            throw OpError(.malformed, "the window is not known")
        }
        return try Pool(.maximum, window).kernel(for: spec)
    }
}

extension WindowAttributes {
    /// The window that two inputs tell; nil where one is not known.
    func window(ksize: TensorFact, strides: TensorFact) throws(OpError) -> PoolWindow? {
        guard let sizes = try ksize.windowSizes("ksize", rank: format.rank),
            let steps = try strides.windowSizes("stride", rank: format.rank)
        else { return nil }
        guard steps[0] == 1 else { throw .unsupported("strides in the batch dimension are not supported") }
        return try PoolWindow(with(strides: steps), sizes)
    }
}

extension TensorFact {
    fileprivate func windowSizes(_ what: String, rank: Int) throws(OpError) -> [Int]? {
        let listed = try sizes("Sliding window \(what)", rank: rank)?.dimensions
        guard listed?.allSatisfy({ (1...Int(Int32.max)).contains($0) }) ?? true else {
            throw .invalid("Sliding window \(what) must be positive")
        }
        return listed
    }
}

/// The largest of what a window sees of each channel, and where it is.
///
/// - Inputs: images of rank 4, any real numbers, not empty.
/// - Outputs: the largest elements; the index of each among the elements of its image, or of the batch.
/// - Attributes: `ksize`, `strides`, `padding` (SAME, VALID), `include_batch_in_index`, `Targmax` (int32, int64).
/// - Numerics: the first of equal elements; a NaN that comes first stays.
struct PoolWithIndices: KernelOp {
    private let window: PoolWindow
    private let includesBatch: Bool
    private let indices: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        window = try PoolWindow(try WindowAttributes(node), try node.windowSizes("ksize"))
        includesBatch = try node.bool("include_batch_in_index", default: false)
        indices = try node.type("Targmax", default: .int64)
        try window.requireSpatial()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(4, "images")
        guard inputs[0].shape.known?.elementCount != 0 else { throw .invalid("tensor_in must not be empty") }
        let shape = try window.shape(inputs[0].shape)
        return [TensorFact(inputs[0].dtype, shape), TensorFact(indices, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { includesBatch ? node.mixed : node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (images, dtype) = (try spec.inputShape(0), spec.inputs[0].dtype)
        let kernel = try window.pooling(images).maximum(dtype, indices: indices, includesBatch: includesBatch)
        guard let kernel else { throw .unsupportedDTypes("dtype \(dtype) with indices \(indices) is not supported") }
        return try spec.outputShape().elementCount == 0 ? .nothing : kernel
    }
}
