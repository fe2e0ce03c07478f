internal import Kernels
internal import Tensors

extension OpTable {
    /// The colors of pixels.
    static let colors: [OpEntry] = [
        OpEntry("RGBToHSV", make: ColorOp.init, .rgbToHSV),
        OpEntry("HSVToRGB", make: ColorOp.init, .hsvToRGB),
        OpEntry("AdjustHue", make: ColorOp.init, .turnHue),
        OpEntry("AdjustSaturation", make: ColorOp.init, .scaleSaturation),
        OpEntry("AdjustContrastv2", make: AdjustContrast.init),
        OpEntry("DrawBoundingBoxes", make: DrawBoundingBoxes.init(_:hasColors:), false),
        OpEntry("DrawBoundingBoxesV2", make: DrawBoundingBoxes.init(_:hasColors:), true),
    ]
}

/// Three channels of pixels that become three others.
///
/// - Inputs: `images`, float32 (the conversions also float16 and float64), of which the last dimension is 3; for AdjustHue `delta`, for
///   AdjustSaturation `scale`: a float32 scalar.
struct ColorOp: KernelOp {
    private let formula: ColorFormula

    init(_ node: NodeReader, _ formula: ColorFormula) throws(OpError) {
        try node.expectInputs(formula.hasParameter ? 2 : 1)
        self.formula = formula
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let shape = inputs[0].shape
        let minimum = formula.hasParameter ? 3 : 1
        guard shape.rank ?? minimum >= minimum else { throw .invalid("input must be at least \(minimum)-D\(shape)") }
        if let rank = shape.rank {
            guard [3, -1].contains(shape.dimension(rank - 1)) else {
                throw .invalid("input must have 3 channels but instead has \(shape.dimension(rank - 1)) channels.")
            }
        }
        if formula.hasParameter {
            try inputs[1].require(.float32, "the parameter")
            guard inputs[1].shape.rank ?? 0 == 0 else { throw .invalid("parameter must be scalar: \(inputs[1].shape)") }
        }
        return [TensorFact(inputs[0].dtype, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, minimumRank: 2) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        let count = try spec.inputShape(0).elementCount / 3
        guard let kernel = Kernel.color(formula, dtype, pixelCount: count) else { throw .unsupported(dtype) }
        return kernel
    }
}

/// Pixels further away from, or nearer to, their channel's mean in their image.
///
/// - Inputs: `images`, float32 [..., height, width, depth]; `contrast_factor`, a float32 scalar.
struct AdjustContrast: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[1].require(.float32, "contrast_factor")
        guard inputs[0].shape.rank ?? 3 >= 3 else {
            throw .invalid("input must be at least 3-D, got shape\(inputs[0].shape)")
        }
        guard inputs[1].shape.rank ?? 0 == 0 else {
            throw .invalid("contrast_factor must be scalar: \(inputs[1].shape)")
        }
        return [inputs[0].withoutValue]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, minimumRank: 4) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard spec.inputs[0].dtype == .float32 else { throw .unsupported(spec.inputs[0].dtype) }
        let shape = try spec.inputShape(0)
        guard shape.elementCount > 0 else { return .nothing }
        let dimensions = shape.dimensions
        let pixels = dimensions[shape.rank - 3] * dimensions[shape.rank - 2]
        let depth = dimensions[shape.rank - 1]
        return .contrast(images: shape.elementCount / (pixels * depth), pixels: pixels, depth: depth)
    }
}

extension TensorFact {
    /// Another tensor of that dtype and shape.
    fileprivate var withoutValue: TensorFact { TensorFact(dtype, shape) }
}

/// Images with the edges of boxes drawn on them.
///
/// - Inputs: `images`, float32 or float16 [batch, height, width, depth], of depth 1, 3 or 4; `boxes`, float32 [batch, n, 4]: y1, x1, y2, x2 in
///   fractions of the image; for V2 `colors`, float32 [m, at least depth], taken in turn. Without colors there are ten of TensorFlow's.
struct DrawBoundingBoxes: KernelOp {
    private let hasColors: Bool

    init(_ node: NodeReader, hasColors: Bool) throws(OpError) {
        try node.expectInputs(hasColors ? 3 : 2)
        self.hasColors = hasColors
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (images, boxes) = (inputs[0].shape, inputs[1].shape)
        for fact in inputs[1...] { try fact.require(.float32, "boxes and colors") }
        guard images.rank ?? 4 == 4 else { throw .invalid("The rank of the images should be 4") }
        guard boxes.rank ?? 3 == 3 else { throw .invalid("The rank of the boxes tensor should be 3") }
        guard images.dimension(0) < 0 || boxes.dimension(0) < 0 || images.dimension(0) == boxes.dimension(0) else {
            throw .invalid("The batch sizes should be the same")
        }
        let depth = images.dimension(3)
        guard [1, 3, 4, -1].contains(depth) else {
            throw .invalid("Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA)")
        }
        guard [4, -1].contains(boxes.dimension(2)) else {
            throw .invalid("The size of the third dimension of the box must be 4. Received: \(boxes.dimension(2))")
        }
        if hasColors {
            let colors = inputs[2].shape
            guard colors.rank ?? 2 == 2 else { throw .invalid("colors must be a 2-D matrix\(colors)") }
            guard colors.dimension(1) < 0 || colors.dimension(1) >= depth else {
                throw .invalid("colors must have equal or more channels than the image provided: \(colors)")
            }
        }
        return [inputs[0].withoutValue]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, 1) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        let images = try spec.inputShape(0)
        let boxes = try spec.inputShape(1).dimensions
        guard images.elementCount > 0 else { return .nothing }
        let colors = hasColors ? try spec.inputShape(2).dimensions : [0, 0]
        guard
            let kernel = Kernel.boxes(
                dtype, images.dimensions, boxCount: boxes[1], colorCount: colors[0], colorDepth: colors[1])
        else { throw .unsupported(dtype) }
        return kernel
    }
}
