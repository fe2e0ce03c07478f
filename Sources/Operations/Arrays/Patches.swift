internal import Kernels
internal import Tensors

extension OpTable {
    /// What windows see of images.
    static let patches: [OpEntry] = [
        OpEntry("ExtractImagePatches", make: ExtractImagePatches.init),
        OpEntry("ExtractVolumePatches", make: ExtractVolumePatches.init),
    ]
}

/// What a window sees of images at each of its places, as channels: rows of the window first, then columns, then channels.
///
/// - Inputs: `images`, [batch, height, width, depth], of fixed width. Places outside of an image are zero.
/// - Attributes: `ksizes`, `strides`, `rates` (how far the window's places are apart), four each, of which the first and the
///   last are 1; `padding`, SAME or VALID.
struct ExtractImagePatches: KernelOp {
    private let attributes: WindowAttributes
    private let sizes: [Int]
    private let rates: [Int]

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        attributes = try WindowAttributes(node)
        sizes = try node.windowSizes("ksizes")
        rates = try node.windowSizes("rates")
        for numbers in [sizes, attributes.strides, rates] where numbers[0] != 1 || numbers[3] != 1 {
            throw OpError(
                .unsupported, "windows, strides and rates in the batch and depth dimensions must be 1",
                node: node.name, op: node.op)
        }
        guard !attributes.isExplicit else { throw node.malformed("attribute padding must be SAME or VALID") }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(4, "images")
        let images = inputs[0].shape
        var result = (0..<4).map { images.dimension($0) }
        for axis in 1...2 {
            result[axis] = try window(axis, result[axis])?.outputSize ?? PartialShape.unknownDimension
        }
        result[3] = try result[3].times(sizes[1] * sizes[2])
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    private func window(_ axis: Int, _ size: Int) throws(OpError) -> WindowAxis? {
        try attributes.window(axis, size: size, filter: sizes[axis], dilation: rates[axis])
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let width = spec.inputs[0].dtype.fixedWidth else { throw .unsupported(spec.inputs[0].dtype) }
        let images = try spec.inputShape(0).dimensions
        guard try spec.outputShape().elementCount > 0 else { return .nothing }
        guard let rows = try window(1, images[1]), let columns = try window(2, images[2]) else { return .nothing }
        return SpatialWindow(rows: rows, columns: columns).patches(batch: images[0], pixelBytes: images[3] &* width)
    }
}

/// What a window sees of volumes at each of its places, as channels.
///
/// - Inputs: `input`, [batch, planes, rows, columns, depth], of fixed width. Places outside of a volume are zero.
/// - Attributes: `ksizes`, `strides`, five each, of which the first and the last are 1; `padding`, SAME or VALID.
struct ExtractVolumePatches: KernelOp {
    private enum Padding: String, Hashable, Sendable {
        case same = "SAME"
        case valid = "VALID"
    }

    private let sizes: [Int]
    private let strides: [Int]
    private let padding: Padding

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        sizes = try Self.numbers(node, "ksizes")
        strides = try Self.numbers(node, "strides")
        padding = try node.choice("padding")
    }

    private static func numbers(_ node: NodeReader, _ name: String) throws(OpError) -> [Int] {
        let numbers = try node.ints(name)
        guard numbers.count == 5, numbers[0] == 1, numbers[4] == 1,
            numbers.allSatisfy({ (1...Int(Int32.max)).contains($0) })
        else {
            throw node.malformed(
                "attribute \(name) must be five positive numbers, the first and the last 1: \(numbers)")
        }
        return numbers
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(5, "input")
        let shape = inputs[0].shape
        var result = (0..<5).map { shape.dimension($0) }
        for axis in 1...3 {
            result[axis] = try window(axis, result[axis])?.outputSize ?? PartialShape.unknownDimension
            result[4] = try result[4].times(sizes[axis])
        }
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    private func window(_ axis: Int, _ size: Int) throws(OpError) -> WindowAxis? {
        guard size >= 0 else { return nil }
        let (filter, stride) = (sizes[axis], strides[axis])
        let reach = padding == .same ? 1 : filter
        guard try size.plus(stride) >= reach else {
            throw .invalid("Computed output size would be negative: input size \(size), window \(filter)")
        }
        let output = (size + stride - reach) / stride
        let needed = try max(0, output - 1).times(stride).plus(filter)
        return WindowAxis(
            size: size, outputSize: output, filter: filter, stride: stride,
            // What is negative here begins inside of the volume, as in TensorFlow.
            padding: padding == .same ? (needed - size) / 2 : 0)
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let width = spec.inputs[0].dtype.fixedWidth else { throw .unsupported(spec.inputs[0].dtype) }
        let input = try spec.inputShape(0).dimensions
        guard try spec.outputShape().elementCount > 0 else { return .nothing }
        var axes: [WindowAxis] = []
        for axis in 1...3 {
            if let window = try window(axis, input[axis]) { axes.append(window) }
        }
        guard let volumes = VolumeWindow(axes) else { return .nothing }
        return volumes.patches(batch: input[0], pixelBytes: input[4] &* width)
    }
}
