internal import Kernels
internal import Tensors

extension OpTable {
    /// Images of another size.
    static let resizing: [OpEntry] = [
        OpEntry("ResizeBilinear", make: Resize.init, .bilinear),
        OpEntry("ResizeBicubic", make: Resize.init, .cubic),
        OpEntry("ResizeArea", make: Resize.init, .area),
        OpEntry("ResizeNearestNeighbor", make: Resize.init, nil),
        OpEntry("ScaleAndTranslate", make: ScaleAndTranslate.init),
        OpEntry("ScaleAndTranslateGrad", make: ScaleAndTranslateGrad.init),
        OpEntry("ResizeBilinearGrad", make: ResizeGrad.init(_:isCubic:), false),
        OpEntry("ResizeBicubicGrad", make: ResizeGrad.init(_:isCubic:), true),
        OpEntry("ResizeNearestNeighborGrad", make: ResizeNearestNeighborGrad.init),
    ]
}

/// Where pixels are when images are resized.
struct ResizeAttributes: Hashable, Sendable {
    /// What the tables take at most for a place of an axis: places and weights, in lists that grow.
    static let tableBytes = 128

    private let alignCorners: Bool
    private let halfPixelCenters: Bool

    init(_ node: NodeReader, hasCenters: Bool = true) throws(OpError) {
        alignCorners = try node.bool("align_corners", default: false)
        halfPixelCenters = hasCenters ? try node.bool("half_pixel_centers", default: false) : false
    }

    /// Where pixels are if nothing tells.
    init() {
        alignCorners = false
        halfPixelCenters = false
    }

    /// Checks that the attributes agree.
    func check() throws(OpError) {
        guard !alignCorners || !halfPixelCenters else {
            throw .invalid("If half_pixel_centers is True, align_corners must be False.")
        }
    }

    /// A resize between images of four dimensions each; the sides are checked.
    func resizing(from images: [Int], to output: [Int]) throws(OpError) -> Resizing {
        Resizing(
            batch: images[0], depth: images[3], rows: try axis(from: images[1], to: output[1]),
            columns: try axis(from: images[2], to: output[2]))
    }

    private func axis(from input: Int, to output: Int) throws(OpError) -> ResizeAxis {
        guard input <= ResizeAxis.maximumSize, output <= ResizeAxis.maximumSize else {
            throw OpError(
                .resourceExhausted,
                "an image side of \(max(input, output)) pixels: at most \(ResizeAxis.maximumSize) are supported")
        }
        return ResizeAxis(
            inputSize: input, outputSize: output, alignCorners: alignCorners, halfPixelCenters: halfPixelCenters)
    }
}

extension TensorFact {
    /// Checks that it is images whose height, width and depth are not zero, as far as they are known.
    func requireImages() throws(OpError) {
        guard shape.rank ?? 4 == 4 else { throw .invalid("input must be 4-dimensional\(shape)") }
        guard shape.dimension(3) != 0 else { throw .invalid("image must have at least one channel") }
        guard shape.dimension(1) != 0, shape.dimension(2) != 0 else {
            throw .invalid("input image must be of non-zero size")
        }
    }

    /// Height and width that an input gives; unknown ones where it is not known.
    ///
    /// - `name`, `sizes`: What TensorFlow's messages call it, and its elements.
    func imageSize(_ name: String, _ sizes: String) throws(OpError) -> (height: Int, width: Int) {
        guard shape.rank ?? 1 == 1 else { throw .invalid("\(name) must be 1-dimensional\(shape)") }
        guard [2, -1].contains(shape.dimension(0)) else { throw .invalid("\(name) must have two elements\(shape)") }
        guard let numbers = try indices(name), numbers.count == 2 else {
            return (PartialShape.unknownDimension, PartialShape.unknownDimension)
        }
        guard numbers[0] > 0, numbers[1] > 0 else { throw .invalid("\(sizes) dimensions must be positive") }
        return (numbers[0], numbers[1])
    }

    /// Checks that the elements, read as float32, can be counted in bytes.
    func requireCountable() throws(OpError) {
        guard let count = shape.known?.elementCount, count <= Int.max / 64 else {
            throw OpError(.resourceExhausted, "images of the shape \(shape) are too large")
        }
    }
}

/// Images of the height and width that input 1 gives.
///
/// - Inputs: `images`, [batch, height, width, depth]; numbers of any type; `size`, two of int32.
/// - Outputs: float32; the images' dtype where each pixel is the nearest one.
/// - Attributes: `align_corners`, `half_pixel_centers`. Sides of more than 2^24 pixels are `resourceExhausted`.
struct Resize: KernelOp {
    /// nil takes the nearest pixel.
    private let method: Resizing.Method?
    private let attributes: ResizeAttributes

    init(_ node: NodeReader, _ method: Resizing.Method?) throws(OpError) {
        try node.expectInputs(2)
        self.method = method
        attributes = try ResizeAttributes(node, hasCenters: method != .area)
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try attributes.check()
        try inputs[0].requireImages()
        let size = try inputs[1].imageSize("shape_t", "output")
        let images = inputs[0].shape
        return [
            TensorFact(
                method == nil ? inputs[0].dtype : .float32,
                PartialShape([images.dimension(0), size.height, size.width, images.dimension(3)]))
        ]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func tableBytes(for spec: KernelSpec) -> Int { spec.imageTableBytes(each: ResizeAttributes.tableBytes) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let images = try spec.inputShape(0).dimensions
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        let dtype = spec.inputs[0].dtype
        let resizing = try attributes.resizing(from: images, to: output.dimensions)
        guard let method else { return try nearest(spec, resizing) }
        try spec.inputs[0].requireCountable()
        guard let kernel = resizing.kernel(method, dtype) else { throw .unsupported(dtype) }
        return kernel
    }

    private func nearest(_ spec: KernelSpec, _ resizing: Resizing) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        guard dtype.isInteger || dtype.isFloating else { throw .unsupported(dtype) }
        let images = try spec.inputShape(0)
        let strides = images.byteStrides(width: dtype.stride)
        return MappedCopy(
            blockBytes: strides[2],
            [
                (0..<images.dimensions[0]).map { $0 * strides[0] }, resizing.rows.nearest.map { $0 * strides[1] },
                resizing.columns.nearest.map { $0 * strides[2] },
            ]
        ).kernel
    }
}
