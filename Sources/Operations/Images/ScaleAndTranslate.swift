internal import Kernels
internal import Tensors

/// Images that a filter samples anew, scaled and moved.
///
/// - Inputs: `images`, [batch, height, width, depth], numbers of any type; `size`, two of int32; `scale` and `translation`, two
///   of float32 each: of rows and of columns. Where a pixel's center is outside of the image it is zero.
/// - Outputs: float32.
/// - Attributes: `kernel_type`, the filter; `antialias`, whether it grows when images shrink.
struct ScaleAndTranslate: KernelOp {
    private let filter: SamplingFilter
    private let antialias: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        filter = try node.choice("kernel_type", default: .lanczos3)
        antialias = try node.bool("antialias", default: true)
    }

    var valueInputs: [Int] { [1, 2, 3] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireImages()
        let size = try inputs[1].imageSize("output_shape_t", "output")
        if let scale = try Self.pair(inputs[2]) {
            guard scale.0 > 0, scale.1 > 0 else { throw .invalid("Scale must be greater than zero.") }
        }
        _ = try Self.pair(inputs[3])
        let images = inputs[0].shape
        return [
            TensorFact(
                .float32, PartialShape([images.dimension(0), size.height, size.width, images.dimension(3)]))
        ]
    }

    fileprivate static func pair(_ fact: TensorFact) throws(OpError) -> (Float, Float)? {
        guard fact.shape.rank ?? 1 == 1 else { throw .invalid("t must be 1-dimensional\(fact.shape)") }
        guard [2, -1].contains(fact.shape.dimension(0)) else { throw .invalid("t must have two elements\(fact.shape)") }
        guard let numbers = fact.value?.scalars(as: Float.self), numbers.count == 2 else { return nil }
        return (numbers[0], numbers[1])
    }

    func tableBytes(for spec: KernelSpec) -> Int { spec.imageTableBytes(each: 3 * ResizeAttributes.tableBytes) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let images = try spec.inputShape(0).dimensions
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        guard let scale = try Self.pair(spec.inputs[2]), let translation = try Self.pair(spec.inputs[3]) else {
            throw OpError(.malformed, "scale or translation is not known, or not float32")
        }
        try spec.inputs[0].requireCountable()
        let resizing = try ResizeAttributes().resizing(from: images, to: output.dimensions)
        let dtype = spec.inputs[0].dtype
        guard
            let kernel = resizing.kernel(
                filter, scale: scale, translation: translation, antialias: antialias, dtype)
        else { throw .unsupported(dtype) }
        return kernel
    }
}

/// The gradient of ScaleAndTranslate by its images.
///
/// - Inputs: `grads`, float32, by the resized images; `original_image`, float32, of which only the shape counts; `scale` and
///   `translation`, two of float32 each.
/// - Attributes: `kernel_type`, `antialias`.
struct ScaleAndTranslateGrad: KernelOp {
    private let filter: SamplingFilter
    private let antialias: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        filter = try node.choice("kernel_type", default: .lanczos3)
        antialias = try node.bool("antialias", default: true)
    }

    var valueInputs: [Int] { [2, 3] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.float32, "grads")
        try inputs[1].require(.float32, "original_image")
        try inputs[0].requireRank(4, "grads")
        try inputs[1].requireImages()
        if let scale = try ScaleAndTranslate.pair(inputs[2]) {
            guard scale.0 > 0, scale.1 > 0 else { throw .invalid("Scale must be greater than zero.") }
        }
        _ = try ScaleAndTranslate.pair(inputs[3])
        let (gradients, original) = (inputs[0].shape, inputs[1].shape)
        return [
            TensorFact(
                .float32,
                PartialShape([
                    gradients.dimension(0), original.dimension(1), original.dimension(2), gradients.dimension(3),
                ]))
        ]
    }

    func tableBytes(for spec: KernelSpec) -> Int { spec.imageTableBytes(each: 3 * ResizeAttributes.tableBytes) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let gradients = try spec.inputShape(0).dimensions
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        guard gradients[1] > 0, gradients[2] > 0 else { return .zeros(byteCount: output.elementCount * 4) }
        guard let scale = try ScaleAndTranslate.pair(spec.inputs[2]),
            let translation = try ScaleAndTranslate.pair(spec.inputs[3])
        else { throw OpError(.malformed, "scale or translation is not known, or not float32") }
        let resizing = try ResizeAttributes().resizing(from: output.dimensions, to: gradients)
        guard
            let kernel = resizing.gradient(
                filter, scale: scale, translation: translation, antialias: antialias, .float32)
        else { throw .unsupported(.float32) }
        return kernel
    }
}
