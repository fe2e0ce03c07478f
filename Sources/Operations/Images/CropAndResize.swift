internal import Kernels
internal import Tensors

extension OpTable {
    /// Parts of images.
    static let cropping: [OpEntry] = [
        OpEntry("CropAndResize", make: CropAndResize.init),
        OpEntry("CropAndResizeGradImage", make: CropAndResizeGradImage.init),
        OpEntry("CropAndResizeGradBoxes", make: CropAndResizeGradBoxes.init),
    ]
}

/// What a crop does between pixels.
enum CropMethod: String, Hashable, Sendable {
    case bilinear
    case nearest
}

/// The shapes of boxes and of the numbers of their images.
struct BoxShapes {
    /// How many there are.
    let count: Int

    /// Checks two inputs, float32 [n, 4] and int32 [n].
    init(_ boxes: TensorFact, _ indices: TensorFact) throws(OpError) {
        try boxes.require(.float32, "boxes")
        try indices.require(.int32, "box_ind")
        guard boxes.shape.rank ?? 2 == 2 else { throw .invalid("boxes must be 2-D, got: \(boxes.shape)") }
        guard indices.shape.rank ?? 1 == 1 else {
            throw .invalid("box_indices must be rank 1 but is shape \(indices.shape)")
        }
        let (boxCount, indexCount) = (boxes.shape.dimension(0), indices.shape.dimension(0))
        let isEmpty = boxCount == 0 && indexCount == 0
        guard isEmpty || [4, -1].contains(boxes.shape.dimension(1)) else { throw .invalid("boxes must have 4 columns") }
        guard boxCount < 0 || indexCount < 0 || boxCount == indexCount else {
            throw .invalid("box_index has incompatible shape")
        }
        count = max(boxCount, indexCount)
    }
}

extension [Int] {
    /// Checks the sides of images of these dimensions: float32 must tell their places apart.
    func requireSides() throws(OpError) {
        for side in self[1...2] where side > ResizeAxis.maximumSize {
            throw OpError(
                .resourceExhausted,
                "an image side of \(side) pixels: at most \(ResizeAxis.maximumSize) are supported")
        }
    }
}

/// Boxes cut out of images and resized to one size.
///
/// - Inputs: `image`, [batch, height, width, depth], numbers of any type; `boxes`, float32 [n, 4]: y1, x1, y2, x2 in fractions
///   of the image; `box_ind`, int32 [n], the number of each box's image; `crop_size`, two of int32.
/// - Outputs: float32 [n, crop height, crop width, depth].
/// - Attributes: `method`, bilinear or nearest; `extrapolation_value`, what is outside of the image.
struct CropAndResize: KernelOp {
    private let method: CropMethod
    private let outside: Float

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        method = try node.choice("method", default: .bilinear)
        outside = try node.float("extrapolation_value", default: 0)
    }

    var valueInputs: [Int] { [3] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let images = inputs[0].shape
        let boxes = try BoxShapes(inputs[1], inputs[2])
        guard images.rank ?? 4 == 4 else { throw .invalid("input image must be 4-D\(images)") }
        guard images.dimension(1) != 0, images.dimension(2) != 0 else {
            throw .invalid("image dimensions must be positive")
        }
        let size = try inputs[3].imageSize("crop_size", "crop")
        return [
            TensorFact(
                .float32, PartialShape([boxes.count, size.height, size.width, images.dimension(3)]))
        ]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        try spec.inputs[0].requireCountable()
        let images = try spec.inputShape(0).dimensions
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        try images.requireSides()
        let crops = CropResize(
            images: images, crops: output.dimensions, isNearest: method == .nearest, outside: outside)
        guard let kernel = crops.kernel(dtype) else { throw .unsupported(dtype) }
        return kernel
    }
}
