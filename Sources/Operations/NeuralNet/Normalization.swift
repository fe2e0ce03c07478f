internal import Kernels
internal import Tensors

extension OpTable {
    /// Images normalised channel by channel, or by their neighbours.
    static let normalizations: [OpEntry] = [
        OpEntry("FusedBatchNorm", make: FusedBatchNorm.init(_:outputCount:), 5),
        OpEntry("FusedBatchNormV2", make: FusedBatchNorm.init(_:outputCount:), 5),
        OpEntry("FusedBatchNormV3", make: FusedBatchNorm.init(_:outputCount:), 6),
        OpEntry("FusedBatchNormGrad", make: FusedBatchNormGradient.init(_:inputCount:), 5),
        OpEntry("FusedBatchNormGradV2", make: FusedBatchNormGradient.init(_:inputCount:), 5),
        OpEntry("FusedBatchNormGradV3", make: FusedBatchNormGradient.init(_:inputCount:), 6),
        OpEntry("BatchNormWithGlobalNormalization", make: GlobalBatchNorm.init),
        OpEntry("LRN", make: LocalResponseNormalization.init),
        OpEntry("LRNGrad", make: LocalResponseGradient.init),
    ]
}

/// What the batch norms have in common.
struct BatchNormAttributes: Hashable {
    var format: ImageFormat
    let epsilon: Float
    let isTraining: Bool

    init(_ node: NodeReader) throws(OpError) {
        format = try node.choice("data_format", default: .channelsLast)
        epsilon = try node.float("epsilon", default: 0.0001)
        isTraining = try node.bool("is_training", default: true)
    }

    /// The axis of the channels; the format's rank does not matter.
    func channelAxis(rank: Int) -> Int { format.isChannelsFirst ? 1 : rank - 1 }

    /// How many channels images have.
    func channels(_ images: TensorFact) throws(OpError) -> Int {
        guard let rank = images.shape.rank else { return PartialShape.unknownDimension }
        guard rank == 4 || rank == 5 else { throw .invalid("input must be 4 or 5-dimensional\(images.shape)") }
        return images.shape.dimension(channelAxis(rank: rank))
    }

    func layout(_ images: Shape) -> ChannelLayout { ChannelLayout(images, axis: channelAxis(rank: images.rank)) }
}

extension TensorFact {
    /// Checks that this is a float32 vector with an element for each channel.
    ///
    /// - Returns: How many channels there are, if either tells.
    fileprivate func requireChannels(_ channels: Int, _ what: String) throws(OpError) -> Int {
        guard shape.rank ?? 1 == 1 else { throw .invalid("\(what) must be 1-dimensional\(shape)") }
        try require(.float32, what)
        let count = shape.dimension(0)
        guard count < 0 || channels < 0 || count == channels else {
            throw .invalid(
                "\(what) must have the same number of elements as the channels of x, got \(count) and \(channels)")
        }
        return max(count, channels)
    }
}

/// Normalises images channel by channel: by moments that are given, or by those of the batch (training).
///
/// - Inputs: `x`, rank 4 or 5, float32, float16 or bfloat16; `scale`, `offset`, `mean` and `variance`, float32, an element a
///   channel; when training without an average, mean and variance may be empty.
/// - Outputs: `y`; mean and variance (when training, the new running ones); the batch's moments when training, else zero
///   (TensorFlow leaves them as they are in memory); V3 also a scalar, zero.
/// - Attributes: `is_training`, `epsilon`, `exponential_avg_factor`, `data_format`.
/// - Numerics: moments are added up in float64. No images have moments of NaN.
struct FusedBatchNorm: ChannelAffineOp, FusibleLink, ImageOp {
    private var attributes: BatchNormAttributes
    private let factor: Float
    private let outputCount: Int

    init(_ node: NodeReader, outputCount: Int) throws(OpError) {
        try node.expectInputs(5)
        attributes = try BatchNormAttributes(node)
        factor = try node.float("exponential_avg_factor", default: 1)
        self.outputCount = outputCount
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var channels = try attributes.channels(inputs[0])
        channels = try inputs[1].requireChannels(channels, "scale")
        channels = try inputs[2].requireChannels(channels, "offset")
        for (index, what) in [(3, "mean"), (4, "variance")] {
            let wanted = attributes.isTraining && factor == 1 ? PartialShape.unknownDimension : channels
            let count = try inputs[index].requireChannels(wanted, what)
            if !attributes.isTraining { channels = max(channels, count) }
        }
        let moments = TensorFact(.float32, PartialShape([channels]))
        let results = [TensorFact(inputs[0].dtype, inputs[0].shape), moments, moments, moments, moments]
        return outputCount == 6 ? results + [TensorFact(.float32, Shape.scalar)] : results
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard !attributes.isTraining, let images = node.rowwise(0, minimumRank: 2).first else { return node.mixed }
        return [images] + node.mixed.dropFirst()
    }

    /// Of output 0.
    func channelAffine(of data: Int, _ inputs: [TensorFact]) -> ChannelAffine? {
        guard data == 0, !attributes.isTraining, let rank = inputs[0].shape.rank else { return nil }
        return ChannelAffine(
            axis: attributes.channelAxis(rank: rank),
            formula: .normalization(scale: 1, offset: 2, mean: 3, variance: 4, epsilon: attributes.epsilon))
    }

    func channelsLast(_ inputs: [TensorFact]) -> (any Op)? {
        // Moments of the batch would be added up in another order.
        guard attributes.format == .channelsFirst, !attributes.isTraining, inputs[0].shape.rank == 4 else { return nil }
        var op = self
        op.attributes.format = .channelsLast
        return op
    }

    var fusibleProducts: Set<FusibleProductKind> { attributes.isTraining ? [] : [.convolution] }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let images = try spec.inputShape(0)
        let channels = try spec.inputShape(1).elementCount
        let layout = attributes.layout(images)
        try spec.requireRoom(layout.channels)
        guard images.elementCount > 0 else { return .momentsOfNothing(channels: channels, outputCount: outputCount) }
        guard spec.inputs[0].dtype == .float32 else { throw .unsupported(spec.inputs[0].dtype) }
        let normalization = BatchNormalization(layout, epsilon: attributes.epsilon)
        let reserved = outputCount == 6 ? [1] : []
        if attributes.isTraining { return normalization.training(factor: factor, unused: reserved) }
        let kernel = normalization.given(
            .float32, scale: 1, offset: 2, mean: 3, variance: 4, copiesMoments: true,
            unused: [channels, channels] + reserved)
        guard let kernel else { throw .unsupported(spec.inputs[0].dtype) }
        return kernel
    }
}

extension Kernel {
    /// Moments of no images: NaN, and zero where it is the batch's.
    fileprivate static func momentsOfNothing(channels: Int, outputCount: Int) -> Kernel {
        Kernel { frame in
            for index in 1..<outputCount {
                frame.output(index, as: Float.self).update(
                    repeating: index < 3 ? .nan : 0, count: index == 5 ? 1 : channels)
            }
        }
    }
}

/// The gradient of ``FusedBatchNorm``.
///
/// - Inputs: `y_backprop` and `x`, of one shape and dtype; `scale`; mean and variance, as the forward op reserved them; V3 also
///   a tensor that is not read.
/// - Outputs: the gradients by x, scale and offset; two empty vectors.
struct FusedBatchNormGradient: KernelOp {
    private let attributes: BatchNormAttributes

    init(_ node: NodeReader, inputCount: Int) throws(OpError) {
        try node.expectInputs(inputCount)
        attributes = try BatchNormAttributes(node)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[..<2].requireOneDType()
        guard let shape = inputs[0].shape.merged(with: inputs[1].shape) else {
            throw .invalid(
                "x and y_backprop must have same shape, but x has shape \(inputs[1].shape) and y_backprop has shape "
                    + "\(inputs[0].shape)")
        }
        var channels = try attributes.channels(TensorFact(inputs[1].dtype, shape))
        for (index, what) in [(2, "scale"), (3, "reserve_space_1"), (4, "reserve_space_2")] {
            channels = try inputs[index].requireChannels(channels, what)
        }
        let vector = TensorFact(.float32, PartialShape([channels]))
        let empty = TensorFact(.float32, Shape.vector(0))
        return [TensorFact(inputs[1].dtype, shape), vector, vector, empty, empty]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let images = try spec.outputShape(0)
        let channels = try spec.outputShape(1).elementCount
        try spec.requireRoom(channels)
        guard images.elementCount > 0 else {
            return Kernel { frame in
                for index in 1...2 { frame.output(index, as: Float.self).update(repeating: 0, count: channels) }
            }
        }
        guard spec.inputs[0].dtype == .float32 else { throw .unsupported(spec.inputs[0].dtype) }
        return BatchNormalization(attributes.layout(images), epsilon: attributes.epsilon)
            .gradient(training: attributes.isTraining)
    }
}

/// Normalises images, channels last, by moments that are given: what came before ``FusedBatchNorm``.
///
/// - Inputs: `t`, rank 4, any float; `m`, `v`, `beta` and `gamma`, an element a channel.
/// - Attributes: `variance_epsilon`; `scale_after_normalization`: whether gamma counts.
struct GlobalBatchNorm: ChannelAffineOp {
    private let epsilon: Float
    private let scales: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(5)
        epsilon = try node.float("variance_epsilon")
        scales = try node.bool("scale_after_normalization")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        try inputs[0].requireRank(4, "input")
        var sizes = (0..<4).map(inputs[0].shape.dimension)
        for (input, what) in zip(inputs[1...], ["mean", "var", "beta", "gamma"]) {
            try input.requireRank(1, what)
            guard let channels = PartialShape([sizes[3]]).merged(with: input.shape) else {
                throw .invalid("\(what) must have an element for each of \(sizes[3]) channels: \(input.shape)")
            }
            sizes[3] = channels.dimension(0)
        }
        return [TensorFact(inputs[0].dtype, PartialShape(sizes))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func channelAffine(of data: Int, _ inputs: [TensorFact]) -> ChannelAffine? {
        guard data == 0 else { return nil }
        return ChannelAffine(
            axis: 3,
            formula: .normalization(scale: scales ? 4 : nil, offset: 3, mean: 1, variance: 2, epsilon: epsilon))
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (images, dtype) = (try spec.outputShape(), spec.inputs[0].dtype)
        guard images.elementCount > 0 else { return .nothing }
        let layout = ChannelLayout(images, axis: 3)
        try spec.requireRoom(layout.channels)
        let normalization = BatchNormalization(layout, epsilon: epsilon)
        let kernel = normalization.given(dtype, scale: scales ? 4 : nil, offset: 3, mean: 1, variance: 2)
        guard let kernel else { throw .unsupported(dtype) }
        return kernel
    }
}
