internal import Kernels
internal import Tensors

extension OpTable {
    /// Space that becomes batch or depth, and back.
    static let spaceToBatchAndDepth: [OpEntry] = [
        OpEntry("SpaceToBatch", make: SpaceToBatch.init(_:toBatch:hasShape:), true, false),
        OpEntry("SpaceToBatchND", make: SpaceToBatch.init(_:toBatch:hasShape:), true, true),
        OpEntry("BatchToSpace", make: SpaceToBatch.init(_:toBatch:hasShape:), false, false),
        OpEntry("BatchToSpaceND", make: SpaceToBatch.init(_:toBatch:hasShape:), false, true),
        OpEntry("SpaceToDepth", make: SpaceToDepth.init(_:toDepth:), true),
        OpEntry("DepthToSpace", make: SpaceToDepth.init(_:toDepth:), false),
    ]
}

/// Every n-th place of a tensor's space as a member of its batch of its own; or back.
///
/// - Inputs: `input`, [batch, space..., rest...]; `block_shape` (of the ND ops), int32 or int64, one number for each axis of the
///   space; `paddings` or `crops`, int32 or int64, two for each: zeros that are put around the space before, or places that are
///   left out of it afterwards.
/// - Attributes: `block_size` of the others, at least 2, for both of the two axes of the space.
struct SpaceToBatch: KernelOp {
    private let toBatch: Bool
    /// nil where input 1 tells.
    private let blockSize: Int?

    init(_ node: NodeReader, toBatch: Bool, hasShape: Bool) throws(OpError) {
        try node.expectInputs(hasShape ? 3 : 2)
        self.toBatch = toBatch
        blockSize = hasShape ? nil : try node.int("block_size")
        if let blockSize, blockSize < 2 { throw node.malformed("Block size should be > 1: \(blockSize)") }
    }

    var valueInputs: [Int] { blockSize == nil ? [1, 2] : [1] }

    private var edges: Int { blockSize == nil ? 2 : 1 }

    /// What is taken of, or put to, the axes of the space.
    private struct Blocks {
        let sizes: [Int]
        let amounts: [PaddingAmounts]
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        if blockSize != nil { try inputs[0].requireRank(4, "input") }
        guard let blocks = try blocks(inputs), var dimensions = inputs[0].shape.dimensions else {
            return [TensorFact(inputs[0].dtype, try .ofRank(checking: inputs[0].shape.rank ?? -1))]
        }
        guard dimensions.count > blocks.sizes.count else {
            throw .invalid("input rank should be >= \(blocks.sizes.count + 1) instead of \(dimensions.count)")
        }
        var product = 1
        for size in blocks.sizes { product = try product.times(size) }
        dimensions[0] = try batch(dimensions[0], product)
        for (index, (block, amount)) in zip(blocks.sizes, blocks.amounts).enumerated() where dimensions[index + 1] >= 0
        {
            dimensions[index + 1] = try space(dimensions[index + 1], index, block, amount)
        }
        return [TensorFact(inputs[0].dtype, PartialShape(dimensions))]
    }

    private func batch(_ size: Int, _ blocks: Int) throws(OpError) -> Int {
        if toBatch { return try size.times(blocks) }
        guard size >= 0 else { return size }
        guard size % blocks == 0 else {
            throw .invalid("Input batch dimension (\(size)) is not divisible by product of block sizes (\(blocks))")
        }
        return size / blocks
    }

    private func space(
        _ size: Int, _ index: Int, _ block: Int, _ amount: PaddingAmounts
    ) throws(OpError) -> Int {
        if toBatch {
            let padded = try size.plus(amount.before).plus(amount.after)
            guard padded % block == 0 else {
                throw .invalid(
                    "padded_shape[\(index)]=\(padded) is not divisible by block_shape[\(index)]=\(block)")
            }
            return padded / block
        }
        let whole = try size.times(block)
        let left = whole - (try amount.before.plus(amount.after))
        guard left >= 0 else {
            throw .invalid("cropped_shape[\(index)]=\(left) must be non-negative")
        }
        return left
    }

    /// The block sizes, and the paddings or crops; nil where one of them is not known.
    private func blocks(_ inputs: [TensorFact]) throws(OpError) -> Blocks? {
        let what = toBatch ? "paddings" : "crops"
        let pairs = inputs[edges].shape
        var sizes = blockSize.map { [$0, $0] }
        if blockSize == nil {
            guard inputs[1].shape.rank ?? 1 == 1 else {
                throw .invalid("block_shape rank should be 1 instead of \(inputs[1].shape.rank ?? 0)")
            }
            sizes = try inputs[1].indices("block_shape")
        }
        let count = sizes?.count ?? inputs[1].shape.dimension(0)
        guard pairs.rank ?? 2 == 2, pairs.rank == nil || [2, -1].contains(pairs.dimension(1)),
            count < 0 || pairs.dimension(0) < 0 || pairs.dimension(0) == count
        else { throw .invalid("\(what) should have shape [\(count), 2] instead of \(pairs)") }
        guard let sizes, let numbers = try inputs[edges].indices(what) else { return nil }
        for (index, size) in sizes.enumerated() where size < 1 {
            throw .invalid("block_shape[\(index)]=\(size) must be at least 1")
        }
        for number in numbers where number < 0 { throw .invalid("\(what) cannot be negative: \(number)") }
        let amounts = sizes.indices.map { PaddingAmounts(before: numbers[2 * $0], after: numbers[2 * $0 + 1]) }
        return Blocks(sizes: sizes, amounts: amounts)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let input = try spec.inputShape(0)
        let output = try spec.outputShape()
        guard let width = spec.inputs[0].dtype.fixedWidth else { throw .unsupported(spec.inputs[0].dtype) }
        guard let blocks = try blocks(spec.inputs) else { throw OpError(.malformed, "the blocks are not known") }
        guard output.elementCount > 0 else { return .nothing }
        let (whole, dealt) = toBatch ? (input, output) : (output, input)
        let axes = blocks.sizes.indices.map {
            BlockMove.Axis(
                wholeSize: whole.dimensions[$0 + 1], blocksSize: dealt.dimensions[$0 + 1], blockSize: blocks.sizes[$0],
                before: blocks.amounts[$0].before)
        }
        let move = BlockMove(
            axes, batch: whole.dimensions[0],
            pixelBytes: whole.dimensions[(axes.count + 1)...].wrappingProduct &* width)
        return toBatch ? move.toBlocks : move.fromBlocks
    }
}

/// Squares of pixels as the channels of one pixel; or back.
///
/// - Inputs: `input`, images, elements of any width. Attributes: `block_size`, the square's side, at least 2; `data_format`, NHWC
///   or NCHW.
struct SpaceToDepth: KernelOp {
    private let toDepth: Bool
    private let side: Int
    private let format: ImageFormat

    init(_ node: NodeReader, toDepth: Bool) throws(OpError) {
        try node.expectInputs(1)
        self.toDepth = toDepth
        side = try node.int("block_size")
        guard side > 1 else { throw node.malformed("Block size should be > 1, but was: \(side)") }
        // Its square must be a number.
        guard side <= Int(Int32.max) else { throw node.malformed("attribute block_size is too large: \(side)") }
        format = try node.imageFormat()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(4, "input")
        let shape = inputs[0].shape
        var result = (0..<4).map { shape.dimension($0) }
        for axis in [format.rowAxis, format.columnAxis] where result[axis] >= 0 {
            result[axis] =
                try toDepth ? divided(result[axis], side, "Image width and height") : result[axis].times(side)
        }
        let depth = result[format.depthAxis]
        if depth >= 0 {
            result[format.depthAxis] =
                try toDepth ? depth.times(side * side) : divided(depth, side * side, "Input depth dimension")
        }
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    private func divided(_ size: Int, _ divisor: Int, _ what: String) throws(OpError) -> Int {
        guard size % divisor == 0 else { throw .invalid("\(what), \(size), should be divisible by \(divisor)") }
        return size / divisor
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let input = try spec.inputShape(0)
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        let strides = input.byteStrides(width: width)
        let (rows, columns, depth) = (format.rowAxis, format.columnAxis, format.depthAxis)
        let small = toDepth ? output.dimensions : input.dimensions
        let channels = toDepth ? input.dimensions[depth] : output.dimensions[depth]
        let batch = (input.dimensions[0], strides[0])
        let y, squareY, x, squareX, channel: (Int, Int)
        channel = (channels, strides[depth])
        if toDepth {
            (y, squareY) = ((small[rows], side * strides[rows]), (side, strides[rows]))
            (x, squareX) = ((small[columns], side * strides[columns]), (side, strides[columns]))
        } else {
            (y, squareY) = ((small[rows], strides[rows]), (side, side * channels * strides[depth]))
            (x, squareX) = ((small[columns], strides[columns]), (side, channels * strides[depth]))
        }
        let order =
            switch (toDepth, format.isChannelsFirst) {
            case (true, false): [batch, y, x, squareY, squareX, channel]
            case (true, true): [batch, squareY, squareX, channel, y, x]
            case (false, false): [batch, y, squareY, x, squareX, channel]
            case (false, true): [batch, channel, y, squareY, x, squareX]
            }
        return .copy(StridedCopy(width: width, dense: order))
    }
}

extension StridedCopy {
    /// Axes with counts and the source's steps, in the order of a destination without gaps.
    fileprivate init(width: Int, dense axes: [(count: Int, source: Int)]) {
        var destination = width
        var result: [Axis] = []
        for axis in axes.reversed() {
            result.append(Axis(count: axis.count, source: axis.source, destination: destination))
            destination &*= axis.count
        }
        self.init(width: width, result.reversed())
    }
}
