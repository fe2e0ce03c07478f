internal import Kernels
internal import Tensors

/// What ``LocalResponseNormalization`` and its gradient have in common.
struct LocalResponseAttributes: Hashable {
    private let radius: Int
    private let bias: Float
    private let alpha: Float
    private let beta: Float

    init(_ node: NodeReader) throws(OpError) {
        radius = try node.int("depth_radius", default: 5)
        bias = try node.float("bias", default: 1)
        alpha = try node.float("alpha", default: 1)
        beta = try node.float("beta", default: 0.5)
        guard (0...Int(Int32.max)).contains(radius) else {
            throw node.malformed("depth_radius = \(radius) is not in [0, \(Int32.max)]")
        }
    }

    func normalization(_ images: Shape) -> LocalResponse {
        let depth = images.dimensions[3]
        return LocalResponse(
            radius: radius, bias: bias, alpha: alpha, beta: beta,
            pixels: depth == 0 ? 0 : images.elementCount / depth, depth: depth)
    }
}

/// Divides each element by a power of its neighbours along the channels.
///
/// - Inputs: `input`, images of rank 4, float32, float16 or bfloat16.
/// - Attributes: `depth_radius`, `bias`, `alpha`, `beta`.
struct LocalResponseNormalization: KernelOp {
    private let attributes: LocalResponseAttributes

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        attributes = try LocalResponseAttributes(node)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(4, "in")
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let images = try spec.inputShape(0)
        guard images.elementCount > 0 else { return .nothing }
        try spec.requireRoom(images.dimensions[3])
        let normalization = attributes.normalization(images)
        guard spec.inputs[0].dtype == .float32, let kernel = normalization.forward() else {
            throw .unsupported(spec.inputs[0].dtype)
        }
        return kernel
    }
}

/// The gradient of ``LocalResponseNormalization``.
///
/// - Inputs: `input_grads`, `input_image` and `output_image`, of one shape and dtype.
struct LocalResponseGradient: KernelOp {
    private let attributes: LocalResponseAttributes

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        attributes = try LocalResponseAttributes(node)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        var shape = PartialShape.ofRank(4)
        for input in inputs {
            try input.requireRank(4, "inputs")
            shape = try shape.merged(with: input.shape, "input_grads, input_image, and out_image")
        }
        return [TensorFact(inputs[0].dtype, shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let images = try spec.outputShape()
        guard images.elementCount > 0 else { return .nothing }
        try spec.requireRoom(images.dimensions[3])
        let normalization = attributes.normalization(images)
        guard spec.inputs[0].dtype == .float32, let kernel = normalization.gradient() else {
            throw .unsupported(spec.inputs[0].dtype)
        }
        return kernel
    }
}
