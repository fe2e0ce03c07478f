internal import Kernels
internal import Tensors

extension OpTable {
    /// Images turned, moved, tilted.
    static let projectiveTransforms: [OpEntry] = [
        OpEntry("ImageProjectiveTransformV2", make: ImageProjectiveTransform.init(_:hasFill:), false),
        OpEntry("ImageProjectiveTransformV3", make: ImageProjectiveTransform.init(_:hasFill:), true),
    ]
}

/// Images through a projective transform: pixel (x, y) of the output is the input's at
/// ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1.
///
/// - Inputs: `images`, [batch, height, width, depth], uint8, int32, int64 or a float type; `transforms`, float32 [1 or batch, 8];
///   `output_shape`, two of int32; for V3 `fill_value`, a float32 scalar.
/// - Attributes: `interpolation`, NEAREST or BILINEAR; `fill_mode`, REFLECT, WRAP, CONSTANT or NEAREST.
struct ImageProjectiveTransform: KernelOp {
    private enum Interpolation: String, Hashable, Sendable {
        case nearest = "NEAREST"
        case bilinear = "BILINEAR"
    }

    private let hasFill: Bool
    private let interpolation: Interpolation
    private let outside: ProjectiveTransform.Outside

    init(_ node: NodeReader, hasFill: Bool) throws(OpError) {
        try node.expectInputs(hasFill ? 4 : 3)
        self.hasFill = hasFill
        interpolation = try node.choice("interpolation")
        outside = try node.choice("fill_mode", default: .constant)
    }

    var valueInputs: [Int] { [2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (images, transforms) = (inputs[0].shape, inputs[1].shape)
        try inputs[1].require(.float32, "transforms")
        guard images.rank ?? 4 == 4 else { throw .invalid("Input images must have rank 4") }
        let (count, batch) = (transforms.dimension(0), images.dimension(0))
        guard transforms.rank ?? 2 == 2, [8, -1].contains(transforms.dimension(1)),
            count == 1 || count < 0 || batch < 0 || count == batch
        else { throw .invalid("Input transform should be num_images x 8 or 1 x 8") }
        if hasFill {
            try inputs[3].require(.float32, "fill_value")
            guard inputs[3].shape.rank ?? 0 == 0 else { throw .invalid("fill_value must be a scalar") }
        }
        let size = try inputs[2].imageSize("output shape", "output")
        return [TensorFact(inputs[0].dtype, PartialShape([batch, size.height, size.width, images.dimension(3)]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        let images = try spec.inputShape(0).dimensions
        let transforms = try spec.inputShape(1).dimensions
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        let transform = ProjectiveTransform(
            images: images, height: output.dimensions[1], width: output.dimensions[2], transformCount: transforms[0],
            isNearest: interpolation == .nearest, outside: outside)
        guard let kernel = transform.kernel(dtype, fillInput: hasFill ? 3 : nil) else { throw .unsupported(dtype) }
        return kernel
    }
}
