internal import Kernels
internal import Tensors

extension OpTable {
    /// Gradients of convolutions; that by the images is also known as a transposed convolution.
    static let convolutionGradients: [OpEntry] = [
        gradient("Conv2DBackpropInput", by: .images, .images),
        gradient("Conv2DBackpropFilter", by: .filter, .images),
        gradient("Conv3DBackpropInputV2", by: .images, .volumes),
        gradient("Conv3DBackpropFilterV2", by: .filter, .volumes),
        gradient("DepthwiseConv2dNativeBackpropInput", by: .images, .depthwise),
        gradient("DepthwiseConv2dNativeBackpropFilter", by: .filter, .depthwise),
    ]

    private static func gradient(
        _ name: String, by target: ConvolutionGradient.Target, _ kind: ConvolutionGradient.Kind
    ) -> OpEntry {
        OpEntry(name, make: ConvolutionGradient.init(_:by:_:), target, kind)
    }
}

/// The gradient of a convolution, by its images (or volumes) or by its filter.
///
/// - Inputs: `input`, or `input_sizes` for the gradient by it; `filter`, or `filter_sizes`; `out_backprop`, the gradient by the
///   convolution's result. Any float; the gradient of Conv2D by the images also int32. Sizes are int32 or int64; those of
///   images may be height and width only.
/// - Attributes: those of the convolution. Channels of images may come first for the gradient by the images alone.
/// - Numerics: sums are added up by BLAS, in an order of its own.
struct ConvolutionGradient: LinearOp, ImageOp {
    /// By what.
    enum Target: Hashable { case images, filter }
    /// Of which convolution.
    enum Kind: Hashable { case images, volumes, depthwise }

    private let target: Target
    private let kind: Kind
    /// Those of the same gradient over images whose channels come last.
    private let attributes: WindowAttributes
    private let dilations: [Int]
    /// Whether the channels of `input_sizes` come first.
    private let listsChannelsFirst: Bool
    /// Whether those of `out_backprop` and of the result do.
    private var isChannelsFirst: Bool

    private var rank: Int { attributes.format.rank }
    private var sizesIndex: Int { target == .images ? 0 : 1 }

    var valueInputs: [Int] { [sizesIndex] }

    init(_ node: NodeReader, by target: Target, _ kind: Kind) throws(OpError) {
        try node.expectInputs(3)
        self.target = target
        self.kind = kind
        let given = try WindowAttributes(node, default: kind == .volumes ? .volumesChannelsLast : .channelsLast)
        let rank = given.format.rank
        let all = try node.windowSizes("dilations", count: rank, default: Array(repeating: 1, count: rank))
        try given.requireSpatial(all, node, channelsLast: target == .filter || kind == .volumes)
        if kind == .depthwise { try given.requireEqualStrides(node) }
        listsChannelsFirst = given.format.isChannelsFirst
        isChannelsFirst = given.format.isChannelsFirst
        attributes = given.channelsLast ?? given
        dilations = listsChannelsFirst ? WindowAttributes.channelsLast(all) : all
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[1 - sizesIndex].dtype == inputs[2].dtype else {
            throw .invalid("the inputs' dtypes differ: \(inputs[1 - sizesIndex].dtype) and \(inputs[2].dtype)")
        }
        let (images, filter) = try shapes(inputs)
        try check(images, filter, gradient: inputs[2])
        let result = target == .images ? images : filter
        return [TensorFact(inputs[2].dtype, isChannelsFirst ? result.channelsFirst : result)]
    }

    /// The shapes of images, channels last, and filter, whether they are given or told.
    private func shapes(_ inputs: [TensorFact]) throws(OpError) -> (images: PartialShape, filter: PartialShape) {
        let gradient = inputs[2].shape
        if target == .filter {
            return (inputs[0].shape, try inputs[1].sizes("filter_sizes", rank: rank) ?? .ofRank(rank))
        }
        let filter = inputs[1].shape
        guard kind == .images, inputs[0].shape.dimension(0) == 2 else {
            let sizes = try inputs[0].sizes("input_sizes", rank: rank) ?? .ofRank(rank)
            return (listsChannelsFirst ? sizes.channelsLast : sizes, filter)
        }
        guard let sizes = try inputs[0].indices("input_sizes") else { return (.ofRank(rank), filter) }
        guard sizes.allSatisfy({ $0 >= 0 }) else { throw .invalid("input_sizes must not be negative: \(sizes)") }
        return (PartialShape([gradient.dimension(0)] + sizes + [filter.dimension(2)]), filter)
    }

    private func check(
        _ images: PartialShape, _ filter: PartialShape, gradient: TensorFact
    ) throws(OpError) {
        for (shape, what) in [(images, "input"), (filter, "filter"), (gradient.shape, "out_backprop")]
        where shape.rank ?? rank != rank {
            throw .invalid("\(what) must be \(rank)-dimensional: \(shape)")
        }
        let filterDepth = filter.dimension(rank - 2)
        guard filterDepth != 0 || kind == .depthwise else {
            throw .invalid("filter depth must be strictly greater than zero")
        }
        let depth = images.dimension(rank - 1)
        guard depth < 0 || filterDepth < 0 || depth == filterDepth else {
            throw .invalid("input and filter must have the same depth: \(depth) vs \(filterDepth)")
        }
        var channels = filter.dimension(rank - 1)
        if kind == .depthwise { channels = try PartialShape.product([filterDepth, channels]) }
        var expected = attributes.shape(try windows(images, filter), batch: images.dimension(0), depth: channels)
        if isChannelsFirst { expected = expected.channelsFirst }
        guard gradient.shape.merged(with: expected) != nil else {
            throw .invalid("out_backprop must have the shape of the result, \(expected): \(gradient.shape)")
        }
    }

    private func windows(_ images: PartialShape, _ filter: PartialShape) throws(OpError) -> [WindowAxis?] {
        try attributes.windows(images, filter: (0..<rank - 2).map(filter.dimension), dilations: dilations)
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard target == .images, node.isShared(1), let rows = node.rows(2) else { return node.mixed }
        // The sizes are those of a batch, or leave the batch out.
        let sizes = node.sizes(0)
        let leavesBatchOut = sizes?.count == 2 && sizes?.allSatisfy(\.isFixed) == true
        return leavesBatchOut || node.rowsOfShape(0) == rows ? [.rows(rows)] : node.mixed
    }

    var imageInput: Int { 2 }

    func channelsLast(_ inputs: [TensorFact]) -> (any Op)? {
        guard isChannelsFirst else { return nil }
        var op = self
        op.isChannelsFirst = false
        return op
    }

    func linearRoles(_ inputs: [TensorFact]) -> [LinearRole] {
        guard target == .images else { return [] }
        return [LinearRole(data: 2, weight: 1, weightAxes: [rank - 2], outputAxis: isChannelsFirst ? 1 : rank - 1)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (images, filter) = try shapes(spec.inputs)
        guard let windows = try windows(images, filter) as? [WindowAxis], let filterSizes = filter.known?.dimensions,
            let imageSizes = images.known?.dimensions
        else { throw OpError(.malformed, "the shapes are not known") }
        let (output, dtype) = (try spec.outputShape(), spec.outputs[0].dtype)
        guard output.elementCount > 0 else { return .nothing }
        guard try spec.inputShape(2).elementCount > 0, !filterSizes.contains(0) else {
            return .zeros(byteCount: output.elementCount &* dtype.stride)
        }
        guard let kernel = kernel(dtype, windows, imageSizes, filterSizes) else { throw .unsupported(dtype) }
        guard isChannelsFirst else { return kernel }
        return kernel.turningImages(
            input: 2, of: 3, try spec.inputShape(2).dimensions, output: output.dimensions, width: dtype.stride)
    }

    private func kernel(_ dtype: DataType, _ axes: [WindowAxis], _ images: [Int], _ filter: [Int]) -> Kernel? {
        let (batch, depth, outputs) = (images[0], images[rank - 1], filter[rank - 1])
        if kind == .depthwise {
            guard let window = SpatialWindow(axes) else { return nil }
            let convolution = DepthwiseConvolution(window: window, batch: batch, depth: depth, multiplier: outputs)
            return target == .images ? convolution.gradientByImages(dtype) : convolution.gradientByFilter(dtype)
        }
        guard let window = VolumeWindow(axes) else { return nil }
        let convolution = VolumeConvolution(window: window, batch: batch, inputDepth: depth, outputDepth: outputs)
        return target == .images ? convolution.gradientByVolumes(dtype) : convolution.gradientByFilter(dtype)
    }
}

extension PartialShape {
    /// The shape of the same images with their channels last.
    fileprivate var channelsLast: PartialShape { permuted([0, 2, 3, 1]) }
    /// The shape of the same images with their channels first.
    fileprivate var channelsFirst: PartialShape { permuted([0, 3, 1, 2]) }

    private func permuted(_ axes: [Int]) -> PartialShape {
        guard let dimensions, dimensions.count == axes.count else { return self }
        return PartialShape(axes.map { dimensions[$0] })
    }
}

extension TensorFact {
    /// A shape that an input tells, where it is known.
    ///
    /// - Throws: `invalidArgument` where it is not a list of `rank` sizes.
    func sizes(_ what: String, rank: Int) throws(OpError) -> PartialShape? {
        try requireRank(1, what)
        let listed = try indices(what)
        guard shape.dimension(0) < 0 || shape.dimension(0) == rank, listed?.count ?? rank == rank else {
            throw .invalid("\(what) must have \(rank) elements, its shape is \(shape)")
        }
        guard let listed else { return nil }
        for size in listed where size < 0 { throw .invalid("Dimension \(size) must be >= 0") }
        return PartialShape(listed)
    }
}
