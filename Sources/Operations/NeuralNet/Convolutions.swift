internal import Kernels
internal import Tensors

extension OpTable {
    /// Convolutions of images.
    static let convolutions: [OpEntry] = [
        OpEntry("Conv2D", make: Conv2D.init(_:)),
        OpEntry("DepthwiseConv2dNative", make: DepthwiseConv2D.init),
        OpEntry("Conv3D", make: Conv3D.init),
        OpEntry("Dilation2D", make: Dilation2D.init),
    ]
}

/// A convolution (rather, a correlation) of images with a filter.
///
/// - Inputs: `input`, images of rank 4; `filter`, [height, width, depth / groups, outputs]. any float, or int32.
/// - Outputs: images with as many channels as the filter has outputs.
/// - Attributes: `strides`, `dilations`, `padding` (SAME, VALID, EXPLICIT), `explicit_paddings`, `data_format` (NHWC, NCHW).
/// - Numerics: the filter's products are added up by BLAS, in an order of its own.
struct Conv2D: KernelChoosing, LinearOp, PaddedOp, FusibleProduct, ImageOp {
    private var attributes: WindowAttributes
    private var dilations: [Int]

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        try self.init(attributesOf: node)
    }

    /// Reads the attributes; how many inputs the node has is the caller's.
    init(attributesOf node: NodeReader) throws(OpError) {
        attributes = try WindowAttributes(node)
        dilations = try node.windowSizes("dilations", default: [1, 1, 1, 1])
        let depth = attributes.format.depthAxis
        guard attributes.strides[depth] == 1, dilations[0] == 1, dilations[depth] == 1 else {
            throw OpError(
                .unsupported, "strides and dilations in the batch and depth dimensions are not supported",
                node: node.name, op: node.op)
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        let (images, filter) = (inputs[0].shape, inputs[1].shape)
        guard images.rank ?? 4 == 4 else { throw .invalid("convolution input must be 4-dimensional: \(images)") }
        guard filter.rank ?? 4 == 4 else { throw .invalid("convolution filter must be 4-dimensional: \(filter)") }
        _ = try groups(images, filter)
        let windows = try windows(images, filter)
        let shape = attributes.shape(windows, batch: images.dimension(0), depth: filter.dimension(3))
        return [TensorFact(inputs[0].dtype, shape)]
    }

    private func windows(_ images: PartialShape, _ filter: PartialShape) throws(OpError) -> [WindowAxis?] {
        try attributes.windows(images, filter: [filter.dimension(0), filter.dimension(1)], dilations: dilations)
    }

    /// Into how many groups the channels fall; nil where the depth is not known.
    private func groups(_ images: PartialShape, _ filter: PartialShape) throws(OpError) -> Int? {
        let depth = images.dimension(attributes.format.depthAxis)
        let filterDepth = filter.dimension(2)
        guard filterDepth != 0 else { throw .invalid("filter depth must be stricly positive, got 0") }
        guard filter.dimension(0) != 0, filter.dimension(1) != 0 else {
            throw .invalid("filter must not have zero elements (i.e. all dimensions must be non-zero)")
        }
        guard depth >= 0, filterDepth >= 0 else { return nil }
        guard depth % filterDepth == 0 else {
            throw .invalid("input depth must be evenly divisible by filter depth: \(depth) vs \(filterDepth)")
        }
        let groups = depth / filterDepth
        let outputs = filter.dimension(3)
        guard groups == 0 || outputs < 0 || outputs % groups == 0 else {
            throw .invalid("output depth must be evenly divisible by number of groups: \(outputs) vs \(groups)")
        }
        return groups
    }

    var isChannelsFirst: Bool { attributes.format.isChannelsFirst }

    /// How the filter moves; nil where that is not known.
    func window(_ inputs: [TensorFact]) throws(OpError) -> SpatialWindow? {
        SpatialWindow(try windows(inputs[0].shape, inputs[1].shape).compactMap { $0 })
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func padded(with zeros: [Int]) -> (any Op)? {
        guard let attributes = attributes.padded(with: zeros) else { return nil }
        var op = self
        op.attributes = attributes
        return op
    }

    func channelsLast(_ inputs: [TensorFact]) -> (any Op)? {
        guard let attributes = attributes.channelsLast else { return nil }
        var op = self
        op.attributes = attributes
        op.dilations = WindowAttributes.channelsLast(dilations)
        return op
    }

    func linearRoles(_ inputs: [TensorFact]) -> [LinearRole] {
        [LinearRole(weight: 1, weightAxes: [3], outputAxis: attributes.format.depthAxis)]
    }

    var fusibleProduct: FusibleProductKind? { .convolution }

    func kernels(for spec: KernelSpec) throws(OpError) -> [KernelChoice] {
        let images = PartialShape(try spec.inputShape(0))
        let filter = PartialShape(try spec.inputShape(1))
        let output = try spec.outputShape()
        guard let groups = try groups(images, filter),
            let window = SpatialWindow(try windows(images, filter).compactMap { $0 })
        else { throw OpError(.malformed, "the shapes are not known") }
        guard output.elementCount > 0 else { return [KernelChoice("nothing", picoseconds: 0) { .nothing }] }
        // Images without channels give zeros: a filter of no depth.
        let convolution = Convolution(
            window: window, batch: images.dimension(0),
            inputDepth: images.dimension(attributes.format.depthAxis), outputDepth: filter.dimension(3),
            groups: max(1, groups))
        let (dtype, channelsFirst) = (spec.inputs[0].dtype, attributes.format.isChannelsFirst)
        let refusal = OpError.unsupported("\(dtype) \(images) with a filter \(filter) is not supported")
        let methods = convolution.methods(dtype, channelsFirst: channelsFirst)
        guard !methods.isEmpty else {
            // Where there is none for one channel either, sizes are not the reason.
            let small = Convolution(window: window, batch: 1, inputDepth: 1, outputDepth: 1, groups: 1)
            guard !small.methods(dtype, channelsFirst: false).isEmpty else { throw .unsupported(dtype) }
            throw refusal
        }
        return methods.map { method, picoseconds in
            KernelChoice(method.name, picoseconds: picoseconds) { () throws(OpError) in
                guard let kernel = convolution.kernel(dtype, method, channelsFirst: channelsFirst) else {
                    throw refusal
                }
                return kernel
            }
        }
    }
}
