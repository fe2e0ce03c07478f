internal import Kernels
internal import Tensors

/// The gradient of CropAndResize by its images.
///
/// - Inputs: `grads`, float32 by the crops; `boxes`; `box_ind`; `image_size`, four of int32: the images' shape.
/// - Outputs: the dtype `T`, float32 or float64. Attributes: `T`; `method`, bilinear or nearest.
struct CropAndResizeGradImage: KernelOp {
    private let method: CropMethod
    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        method = try node.choice("method", default: .bilinear)
        dtype = try node.type("T")
    }

    var valueInputs: [Int] { [3] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let gradients = inputs[0]
        let boxes = try BoxShapes(inputs[1], inputs[2])
        try gradients.requireCropGradients(of: boxes)
        let size = inputs[3].shape
        guard size.rank ?? 1 == 1, [4, -1].contains(size.dimension(0)) else {
            throw .invalid("image_size must have 4 elements\(size)")
        }
        guard let images = try inputs[3].indices("image_size") else { return [TensorFact(dtype, .ofRank(4))] }
        guard images[1] > 0, images[2] > 0, images[0] >= 0, images[3] >= 0 else {
            throw .invalid("image dimensions must be positive")
        }
        guard gradients.shape.dimension(3) < 0 || gradients.shape.dimension(3) == images[3] else {
            throw .invalid("image_size and grads are incompatible")
        }
        return [TensorFact(dtype, PartialShape(images))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let images = try spec.outputShape()
        try images.dimensions.requireSides()
        let crops = CropResize(
            images: images.dimensions, crops: try spec.inputShape(0).dimensions, isNearest: method == .nearest,
            outside: 0)
        guard let kernel = crops.imageGradient(dtype) else { throw .unsupported(dtype) }
        return kernel
    }
}

/// The gradient of a bilinear CropAndResize by its boxes.
///
/// - Inputs: `grads`, float32 by the crops; `image`, float32; `boxes`; `box_ind`. Outputs: float32, the boxes' shape.
struct CropAndResizeGradBoxes: KernelOp {
    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        let method: CropMethod = try node.choice("method", default: .bilinear)
        guard method == .bilinear else { throw node.malformed("method must be 'bilinear'") }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (gradients, images) = (inputs[0].shape, inputs[1].shape)
        let boxes = try BoxShapes(inputs[2], inputs[3])
        try inputs[0].requireCropGradients(of: boxes)
        guard images.rank ?? 4 == 4 else { throw .invalid("input image must be 4-D\(images)") }
        guard images.dimension(1) != 0, images.dimension(2) != 0 else {
            throw .invalid("image dimensions must be positive")
        }
        guard images.dimension(3) < 0 || gradients.dimension(3) < 0 || images.dimension(3) == gradients.dimension(3)
        else { throw .invalid("image, grads depth differ") }
        return [TensorFact(.float32, PartialShape([boxes.count, 4]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard spec.inputs[1].dtype == .float32 else { throw .unsupported(spec.inputs[1].dtype) }
        let images = try spec.inputShape(1).dimensions
        try images.requireSides()
        return CropResize(
            images: images, crops: try spec.inputShape(0).dimensions, isNearest: false, outside: 0
        ).boxGradient
    }
}

extension TensorFact {
    /// Checks that it is a gradient by crops of so many boxes.
    fileprivate func requireCropGradients(of boxes: BoxShapes) throws(OpError) {
        try require(.float32, "grads")
        guard shape.rank ?? 4 == 4 else { throw .invalid("grads image must be 4-D\(shape)") }
        guard shape.dimension(1) != 0, shape.dimension(2) != 0 else {
            throw .invalid("grads dimensions must be positive")
        }
        guard shape.dimension(0) < 0 || boxes.count < 0 || shape.dimension(0) == boxes.count else {
            throw .invalid("boxes and grads have incompatible shape")
        }
    }
}
