internal import Kernels
internal import Tensors

// Where each channel of images goes its own way.

/// A convolution of each channel of images with filters of its own.
///
/// - Inputs: `input`, images of rank 4; `filter`, [height, width, depth, multiplier]. Any float.
/// - Outputs: images of depth * multiplier channels.
/// - Attributes: `strides`, `dilations`, `padding` (SAME, VALID, EXPLICIT), `explicit_paddings`, `data_format` (NHWC, NCHW).
struct DepthwiseConv2D: KernelChoosing, LinearOp, PaddedOp, ImageOp {
    private var attributes: WindowAttributes
    private var dilations: [Int]

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        attributes = try WindowAttributes(node)
        dilations = try node.windowSizes("dilations", default: [1, 1, 1, 1])
        try attributes.requireSpatial(dilations, node, channelsLast: false)
        try attributes.requireEqualStrides(node)
    }

    var isChannelsFirst: Bool { attributes.format.isChannelsFirst }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        let (images, filter) = (inputs[0].shape, inputs[1].shape)
        try inputs[0].requireRank(4, "input")
        try inputs[1].requireRank(4, "filter")
        let depth = images.dimension(attributes.format.depthAxis)
        let filterDepth = filter.dimension(2)
        guard depth < 0 || filterDepth < 0 || depth == filterDepth else {
            throw .invalid("input and filter must have the same depth: \(depth) vs \(filterDepth)")
        }
        let channels = try PartialShape.product([max(depth, filterDepth), filter.dimension(3)])
        let shape = attributes.shape(try windows(images, filter), batch: images.dimension(0), depth: channels)
        return [TensorFact(inputs[0].dtype, shape)]
    }

    private func windows(_ images: PartialShape, _ filter: PartialShape) throws(OpError) -> [WindowAxis?] {
        try attributes.windows(images, filter: [filter.dimension(0), filter.dimension(1)], dilations: dilations)
    }

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
        [LinearRole(weight: 1, weightAxes: [2, 3], outputAxis: attributes.format.depthAxis)]
    }

    func kernels(for spec: KernelSpec) throws(OpError) -> [KernelChoice] {
        let (images, filter) = (try spec.inputShape(0), try spec.inputShape(1))
        let axes = try windows(PartialShape(images), PartialShape(filter)).compactMap { $0 }
        guard let window = SpatialWindow(axes) else { throw OpError(.malformed, "the shapes are not known") }
        let dtype = spec.inputs[0].dtype
        guard dtype == .float32 || dtype == .float64 else { throw .unsupported(dtype) }
        guard try spec.outputShape().elementCount > 0 else {
            return [KernelChoice("nothing", picoseconds: 0) { .nothing }]
        }
        // Each channel is a group.
        let depth = images.dimensions[attributes.format.depthAxis]
        let convolution = Convolution(
            window: window, batch: images.dimensions[0], inputDepth: depth,
            outputDepth: depth * filter.dimensions[3], groups: depth)
        return convolution.methods(dtype, channelsFirst: isChannelsFirst).map { method, picoseconds in
            KernelChoice(method.name, picoseconds: picoseconds) { () throws(OpError) in
                guard let kernel = convolution.kernel(dtype, method, channelsFirst: isChannelsFirst) else {
                    throw .unsupported(dtype)
                }
                return kernel
            }
        }
    }
}

/// The largest sum of a pixel and an element of the filter, channel by channel: a grayscale dilation.
///
/// - Inputs: `input`, images of rank 4; `filter`, [height, width, depth]. Any real numbers.
/// - Attributes: `strides`, `rates` (how far apart the filter's elements stand), `padding` (SAME, VALID).
/// - Numerics: whole numbers wrap around; NaN never is the largest; of nothing, the lowest finite number.
struct Dilation2D: KernelOp {
    private let attributes: WindowAttributes
    private let rates: [Int]

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        attributes = try WindowAttributes(node)
        rates = try node.windowSizes("rates")
        try attributes.requireSpatial(rates, node)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        try inputs[0].requireRank(4, "input")
        try inputs[1].requireRank(3, "filter")
        let (images, filter) = (inputs[0].shape, inputs[1].shape)
        guard let depth = PartialShape([images.dimension(3)]).merged(with: PartialShape([filter.dimension(2)])) else {
            throw .invalid(
                "input and filter must have the same depth: \(images.dimension(3)) vs \(filter.dimension(2))")
        }
        let shape = attributes.shape(
            try windows(images, filter), batch: images.dimension(0), depth: depth.dimension(0))
        return [TensorFact(inputs[0].dtype, shape)]
    }

    private func windows(_ images: PartialShape, _ filter: PartialShape) throws(OpError) -> [WindowAxis?] {
        try attributes.windows(images, filter: [filter.dimension(0), filter.dimension(1)], dilations: rates)
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (images, filter) = (try spec.inputShape(0), try spec.inputShape(1))
        let axes = try windows(PartialShape(images), PartialShape(filter)).compactMap { $0 }
        guard let window = SpatialWindow(axes) else { throw OpError(.malformed, "the shapes are not known") }
        let dilation = Morphology(window: window, batch: images.dimensions[0], depth: images.dimensions[3])
        guard let kernel = dilation.kernel(spec.inputs[0].dtype) else { throw .unsupported(spec.inputs[0].dtype) }
        return try spec.outputShape().elementCount == 0 ? .nothing : kernel
    }
}

extension WindowAttributes {
    /// Checks that neither strides nor dilations touch batch or depth, and that channels come last, if they have to.
    func requireSpatial(_ dilations: [Int], _ node: NodeReader, channelsLast: Bool = true) throws(OpError) {
        guard !channelsLast || !format.isChannelsFirst else {
            throw OpError(
                .unsupported, "data_format \(format.rawValue) is not supported", node: node.name, op: node.op)
        }
        guard strides[format.depthAxis] == 1, dilations[0] == 1, dilations[format.depthAxis] == 1 else {
            throw OpError(
                .unsupported, "strides and dilations in the batch and depth dimensions are not supported",
                node: node.name, op: node.op)
        }
    }

    /// Checks that rows and columns have one stride.
    func requireEqualStrides(_ node: NodeReader) throws(OpError) {
        guard strides[format.rowAxis] == strides[format.columnAxis] else {
            throw OpError(
                .unsupported, "only equal length strides in the row and column dimensions are supported",
                node: node.name, op: node.op)
        }
    }
}
