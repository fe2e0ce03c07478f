internal import Kernels
internal import Tensors

extension OpTable {
    /// Parts of images.
    static let cropping: [OpEntry] = [
        OpEntry("CropAndResize", make: CropAndResize.init)
    ]
}

/// Boxes cut out of images and resized to one size.
///
/// - Inputs: `image`, [batch, height, width, depth], numbers of any type; `boxes`, float32 [n, 4]: y1, x1, y2, x2 in fractions
///   of the image; `box_ind`, int32 [n], the number of each box's image; `crop_size`, two of int32.
/// - Outputs: float32 [n, crop height, crop width, depth].
/// - Attributes: `method`, bilinear or nearest; `extrapolation_value`, what is outside of the image.
struct CropAndResize: Op {
    private enum Method: String, Hashable, Sendable {
        case bilinear
        case nearest
    }

    private let method: Method
    private let outside: Float

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(4)
        method = try node.choice("method", default: .bilinear)
        outside = try node.float("extrapolation_value", default: 0)
    }

    var valueInputs: [Int] { [3] }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        let (images, boxes, indices) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
        try inputs[1].require(.float32, "boxes")
        try inputs[2].require(.int32, "box_ind")
        guard images.rank ?? 4 == 4 else { throw .invalid("input image must be 4-D\(images)") }
        guard images.dimension(1) != 0, images.dimension(2) != 0 else {
            throw .invalid("image dimensions must be positive")
        }
        guard boxes.rank ?? 2 == 2 else { throw .invalid("boxes must be 2-D, got: \(boxes)") }
        guard indices.rank ?? 1 == 1 else { throw .invalid("box_indices must be rank 1 but is shape \(indices)") }
        let (count, indexCount) = (boxes.dimension(0), indices.dimension(0))
        let isEmpty = count == 0 && indexCount == 0
        guard isEmpty || [4, -1].contains(boxes.dimension(1)) else { throw .invalid("boxes must have 4 columns") }
        guard count < 0 || indexCount < 0 || count == indexCount else {
            throw .invalid("box_index has incompatible shape")
        }
        let size = try inputs[3].imageSize("crop_size", "crop")
        return [
            TensorFact(
                .float32, PartialShape([max(count, indexCount), size.height, size.width, images.dimension(3)]))
        ]
    }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        try spec.inputs[0].requireCountable()
        let images = try spec.inputShape(0).dimensions
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        for side in images[1...2] where side > ResizeAxis.maximumSize {
            throw CompileError(
                .resourceExhausted, "an image side of \(side) pixels: at most \(ResizeAxis.maximumSize) are supported")
        }
        let crops = CropResize(
            images: images, crops: output.dimensions, isNearest: method == .nearest, outside: outside)
        guard let kernel = crops.kernel(dtype) else { throw .unsupported(dtype) }
        return kernel
    }
}
