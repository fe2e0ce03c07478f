internal import Kernels
internal import Tensors

/// The gradient of ResizeBilinear, or of ResizeBicubic, by its images.
///
/// - Inputs: `grads`, float32, by the resized images; `original_image`, float32 or float64, of which only shape and dtype count.
/// - Outputs: one tensor of the original images' dtype, height and width.
/// - Attributes: `align_corners`, `half_pixel_centers`.
struct ResizeGrad: KernelOp {
    private let isCubic: Bool
    private let attributes: ResizeAttributes

    init(_ node: NodeReader, isCubic: Bool) throws(OpError) {
        try node.expectInputs(2)
        self.isCubic = isCubic
        attributes = try ResizeAttributes(node)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try attributes.check()
        try inputs[0].require(.float32, "grads")
        let (gradients, original) = (inputs[0].shape, inputs[1].shape)
        guard gradients.rank ?? 4 == 4 else { throw .invalid("input_grad must be 4-dimensional\(gradients)") }
        guard original.rank ?? 4 == 4 else { throw .invalid("original_image must be 4-dimensional\(original)") }
        guard gradients.dimension(1) != 0, gradients.dimension(2) != 0 else {
            throw .invalid("resized dimensions must be positive")
        }
        guard original.dimension(1) != 0, original.dimension(2) != 0 else {
            throw .invalid("original dimensions must be positive")
        }
        return [
            TensorFact(
                inputs[1].dtype,
                PartialShape([
                    gradients.dimension(0), original.dimension(1), original.dimension(2), gradients.dimension(3),
                ]))
        ]
    }

    func tableBytes(for spec: KernelSpec) -> Int { spec.imageTableBytes(each: ResizeAttributes.tableBytes) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let gradients = try spec.inputShape(0).dimensions
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        let resizing = try attributes.resizing(from: output.dimensions, to: gradients)
        let dtype = spec.inputs[1].dtype
        guard let kernel = isCubic ? resizing.cubicGradient(dtype) : resizing.bilinearGradient(dtype) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}

/// The gradient of ResizeNearestNeighbor by its images.
///
/// - Inputs: `grads`, numbers; `size`, two of int32: height and width of the images.
/// - Attributes: `align_corners`, `half_pixel_centers`.
struct ResizeNearestNeighborGrad: KernelOp {
    private let attributes: ResizeAttributes

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        attributes = try ResizeAttributes(node)
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireImages()
        let size = try inputs[1].imageSize("shape_t", "Expected output")
        let gradients = inputs[0].shape
        return [
            TensorFact(
                inputs[0].dtype,
                PartialShape([gradients.dimension(0), size.height, size.width, gradients.dimension(3)]))
        ]
    }

    func tableBytes(for spec: KernelSpec) -> Int { spec.imageTableBytes(each: ResizeAttributes.tableBytes) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let gradients = try spec.inputShape(0).dimensions
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        let resizing = try attributes.resizing(from: output.dimensions, to: gradients)
        let dtype = spec.inputs[0].dtype
        guard dtype != .bool, let kernel = resizing.nearestGradient(dtype) else { throw .unsupported(dtype) }
        return kernel
    }
}
