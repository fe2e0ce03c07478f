internal import Kernels
internal import Tensors

extension OpTable {
    /// Windows on images.
    static let glimpses: [OpEntry] = [
        OpEntry("ExtractGlimpse", make: ExtractGlimpse.init(_:isFirstVersion:), true),
        OpEntry("ExtractGlimpseV2", make: ExtractGlimpse.init(_:isFirstVersion:), false),
    ]
}

/// A window on each image, where its offset tells.
///
/// - Inputs: `input`, float32 [batch, height, width, depth]; `size`, two of int32; `offsets`, float32 [batch, 2]: y and x.
/// - Attributes: `centered`, `normalized`; `noise` (uniform, gaussian, zero), or `uniform_noise`: what is outside of the image.
struct ExtractGlimpse: KernelOp {
    private let isFirstVersion: Bool
    private let isCentered: Bool
    private let isNormalized: Bool
    private let noise: Glimpses.Noise

    init(_ node: NodeReader, isFirstVersion: Bool) throws(OpError) {
        try node.expectInputs(3)
        self.isFirstVersion = isFirstVersion
        isCentered = try node.bool("centered", default: true)
        isNormalized = try node.bool("normalized", default: true)
        let isUniform = try node.bool("uniform_noise", default: true)
        let name = try node.string("noise", default: "uniform")
        guard !name.isEmpty else {
            noise = isUniform ? .uniform : .gaussian
            return
        }
        guard !isUniform || name == "uniform" else {
            throw node.malformed("The uniform_noise and noise could not be specified at the same time")
        }
        noise = try node.choice("noise", default: .uniform)
    }

    static var traits: OpTraits { .random }
    var traits: OpTraits { noise == .zero ? [] : .random }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (images, offsets) = (inputs[0].shape, inputs[2].shape)
        try inputs[0].require(.float32, "input")
        try inputs[2].require(.float32, "offsets")
        guard images.rank ?? 4 == 4 else {
            throw .invalid("input must be 4-dimensional (batch_size, height, width, depth)\(images)")
        }
        guard inputs[1].shape.rank ?? 1 == 1, [2, -1].contains(inputs[1].shape.dimension(0)) else {
            throw .invalid("input must be a vector of size 2 (height, width)\(inputs[1].shape)")
        }
        guard offsets.rank ?? 2 == 2, [2, -1].contains(offsets.dimension(1)) else {
            throw .invalid("second dimension should be of size 2 (y,x)\(offsets)")
        }
        guard images.dimension(0) < 0 || offsets.dimension(0) < 0 || images.dimension(0) == offsets.dimension(0) else {
            throw .invalid("first dimension should be batch\(offsets)")
        }
        let size = try inputs[1].indices("size") ?? [PartialShape.unknownDimension, PartialShape.unknownDimension]
        if inputs[1].value != nil, size.contains(where: { $0 < 0 }) {
            throw .invalid("size must not be negative: \(size)")
        }
        return [
            TensorFact(
                .float32,
                PartialShape([max(images.dimension(0), offsets.dimension(0)), size[0], size[1], images.dimension(3)]))
        ]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        return Glimpses(
            images: try spec.inputShape(0).dimensions, height: output.dimensions[1], width: output.dimensions[2],
            isNormalized: isNormalized, isCentered: isCentered, isFirstVersion: isFirstVersion, noise: noise
        ).kernel
    }
}
