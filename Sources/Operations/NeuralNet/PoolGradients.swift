internal import Kernels
internal import Tensors

extension OpTable {
    /// Gradients of pools.
    static let poolGradients: [OpEntry] = [
        maximum("MaxPoolGrad"),
        OpEntry("MaxPoolGradV2", make: MaxPoolGradientOfGivenSize.init),
        maximum("MaxPool3DGrad", .volumesChannelsLast),
        mean("AvgPoolGrad"),
        mean("AvgPool3DGrad", .volumesChannelsLast),
    ]

    private static func maximum(_ name: String, _ format: ImageFormat = .channelsLast) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> MaxPoolGradient in
            try node.expectInputs(3)
            return try MaxPoolGradient(window(node, format))
        }
    }

    private static func mean(_ name: String, _ format: ImageFormat = .channelsLast) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> MeanPoolGradient in
            try node.expectInputs(2)
            return try MeanPoolGradient(window(node, format))
        }
    }

    private static func window(_ node: NodeReader, _ format: ImageFormat) throws(OpError) -> PoolWindow {
        let attributes = try WindowAttributes(node, default: format)
        return try PoolWindow(attributes, try node.windowSizes("ksize", count: attributes.format.rank))
    }
}

/// The gradient of a pool that takes the largest.
///
/// - Inputs: `orig_input`; `orig_output`, what the pool made of it; `grad`, the gradient by that. Any real numbers.
/// - Attributes: those of the pool.
/// - Numerics: what comes in goes to the first of equal elements; among volumes to each of them.
struct MaxPoolGradient: KernelOp {
    private let window: PoolWindow

    init(_ window: PoolWindow) throws(OpError) {
        self.window = window
        try window.requireSpatial()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[..<3].requireOneDType()
        try inputs[0].requireRank(window.format.rank, "orig_input")
        let expected = try window.shape(inputs[0].shape)
        for (input, what) in zip(inputs[1...], ["orig_output", "grad"]) where input.shape.merged(with: expected) == nil
        {
            throw .invalid("Expected \(what) shape to be \(expected), but got \(input.shape)")
        }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (images, dtype) = (try spec.inputShape(0), spec.inputs[0].dtype)
        guard images.elementCount > 0 else { return .nothing }
        let pooling = try window.pooling(images)
        let kernel =
            window.format.rank == 5 ? pooling.maximumGradientToAll(dtype) : pooling.maximumGradient(dtype)
        guard let kernel else { throw .unsupported(dtype) }
        return kernel
    }
}

/// The gradient of a pool that takes the largest, whose window is told by the inputs `ksize` and `strides`.
struct MaxPoolGradientOfGivenSize: KernelOp {
    private let attributes: WindowAttributes

    var valueInputs: [Int] { [3, 4] }

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(5)
        attributes = try WindowAttributes(node, strides: [1, 1, 1, 1])
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let window = try attributes.window(ksize: inputs[3], strides: inputs[4]) else {
            return [TensorFact(inputs[0].dtype, inputs[0].shape)]
        }
        return try MaxPoolGradient(window).outputs(for: Array(inputs[..<3]))
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let window = try attributes.window(ksize: spec.inputs[3], strides: spec.inputs[4]) else {
            throw OpError(.malformed, "the window is not known")
        }
        return try MaxPoolGradient(window).kernel(for: spec)
    }
}

/// The gradient of a pool that takes the mean.
///
/// - Inputs: `orig_input_shape`, int32; `grad`, the gradient by the pool's result, any float.
/// - Attributes: those of the pool.
struct MeanPoolGradient: KernelOp {
    private let window: PoolWindow

    var valueInputs: [Int] { [0] }

    init(_ window: PoolWindow) throws(OpError) {
        self.window = window
        try window.requireSpatial()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let rank = window.format.rank
        try inputs[1].requireRank(rank, "grad")
        let images = try inputs[0].sizes("orig_input_shape", rank: rank) ?? .ofRank(rank)
        let expected = try window.shape(images)
        guard inputs[1].shape.merged(with: expected) != nil else {
            throw .invalid("Expected grad shape to be \(expected), but got \(inputs[1].shape)")
        }
        return [TensorFact(inputs[1].dtype, images)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (images, dtype) = (try spec.outputShape(), spec.outputs[0].dtype)
        guard let kernel = try window.pooling(images).meanGradient(dtype, input: 1) else { throw .unsupported(dtype) }
        return images.elementCount == 0 ? .nothing : kernel
    }
}
