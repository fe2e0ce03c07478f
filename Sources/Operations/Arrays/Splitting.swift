internal import Kernels
internal import Tensors

extension OpTable {
    /// One tensor into several.
    static let splitting: [OpEntry] = [
        OpEntry("Split", make: Split.init),
        OpEntry("SplitV", make: SplitV.init),
        OpEntry("Unpack", make: Unpack.init),
    ]
}

/// More outputs than this are an error, not a list to fill.
private let maximumOutputs = 1 << 16

extension NodeReader {
    /// How many outputs an attribute says that the node has.
    func outputCount(_ name: String, minimum: Int) throws(OpError) -> Int {
        let count = try int(name)
        guard count >= minimum else { throw malformed("attribute \(name) is \(count); at least \(minimum) is needed") }
        guard count <= maximumOutputs else {
            throw OpError(
                .unsupported, "attribute \(name) is \(count); at most \(maximumOutputs) is supported", node: self.name,
                op: op)
        }
        return count
    }
}

/// Equal parts along an axis.
///
/// - Inputs: `split_dim`, an int32 scalar; `value`. Attributes: `num_split`.
struct Split: PartingOp {
    private let count: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        count = try node.outputCount("num_split", minimum: 1)
    }

    var valueInputs: [Int] { [0] }

    func parting(_ inputs: [TensorFact]) -> Parting? {
        guard let rank = inputs[1].shape.rank, let axis = inputs[0].integers?.first, axis >= -rank, axis < rank else {
            return nil
        }
        return Parting(input: 1, axis: axis < 0 ? axis + rank : axis, count: count)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var part = inputs[1].shape
        if let (axis, sizes) = try inputs[0].splitAxis(of: inputs[1].shape) {
            let size = sizes[axis]
            guard size < 0 || size % count == 0 else {
                throw .invalid(
                    "Number of ways to split should evenly divide the split dimension, but got split_dim \(axis) (size = "
                        + "\(size)) and num_split \(count)")
            }
            var dimensions = sizes
            dimensions[axis] = size < 0 ? size : size / count
            part = PartialShape(dimensions)
        } else {
            part = try .ofRank(checking: part.rank ?? PartialShape.unknownDimension)
        }
        return Array(repeating: TensorFact(inputs[1].dtype, part), count: count)
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let place = node.axis(0, rank: node.rank(1)) else { return node.mixed }
        if let sizes = node.batchSizes(1), sizes.count % count == 0 {
            let part = sizes.count / count
            return (0..<count).map { .sizes(Array(sizes[$0 * part..<($0 + 1) * part])) }
        }
        return place > 0 ? node.rowwise(1) : node.mixed
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let (axis, _) = try spec.inputs[0].splitAxis(of: spec.inputs[1].shape) else { throw .unknownAxis }
        return try Kernel.splitting(spec, value: 1, axis: axis)
    }
}

/// Parts of given sizes along an axis, one of them perhaps -1 for what is left.
///
/// - Inputs: `value`; `size_splits`, int32 or int64; `split_dim`, an int32 scalar. Attributes: `num_split`.
struct SplitV: KernelOp {
    private let count: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        count = try node.outputCount("num_split", minimum: 1)
    }

    var valueInputs: [Int] { [1, 2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let sizes = inputs[1]
        if let shape = sizes.shape.known, shape.rank != 1 || shape.elementCount != count {
            throw .invalid(
                "size of the split_tensor must be 1-D and have the same elements as outputs got \(shape.rank) -D and "
                    + "\(shape.elementCount) elements")
        }
        let input = inputs[0]
        guard let (axis, dimensions) = try inputs[2].splitAxis(of: input.shape) else {
            let part = try PartialShape.ofRank(checking: input.shape.rank ?? PartialShape.unknownDimension)
            return Array(repeating: TensorFact(input.dtype, part), count: count)
        }
        let parts =
            try sizes.indices("size_splits").map { sizes throws(OpError) in
                try Self.resolve(sizes, total: dimensions[axis])
            }
            ?? Array(repeating: PartialShape.unknownDimension, count: count)
        return parts.map { size in
            var part = dimensions
            part[axis] = size
            return TensorFact(input.dtype, PartialShape(part))
        }
    }

    private static func resolve(_ sizes: [Int], total: Int) throws(OpError) -> [Int] {
        var open: Int?
        var sum = 0
        for (index, size) in sizes.enumerated() {
            guard size != -1 else {
                guard open == nil else { throw .invalid("There can only be one -1 in the input.") }
                open = index
                continue
            }
            guard size >= 0 else { throw .invalid("Split size at index \(index) must be >= 0. Got: \(size)") }
            sum = try sum.plus(size)
        }
        guard total >= 0 else { return sizes }
        guard open == nil ? sum == total : sum <= total else {
            throw .invalid(
                "Determined shape must either match input shape along split_dim exactly if fully specified, or be less "
                    + "than the size of the input along split_dim if not fully specified.  Got: \(sum)")
        }
        var result = sizes
        if let open { result[open] = total - sum }
        return result
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let place = node.axis(2, rank: node.rank(0)), place > 0 else { return node.mixed }
        return node.rowwise(0)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let (axis, _) = try spec.inputs[2].splitAxis(of: spec.inputs[0].shape) else { throw .unknownAxis }
        return try Kernel.splitting(spec, value: 0, axis: axis)
    }
}

/// The slices along an axis, without that axis. Attributes: `num`, `axis`.
struct Unpack: KernelOp {
    private let count: Int
    private let axis: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        count = try node.outputCount("num", minimum: 0)
        axis = try node.int("axis", default: 0)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var part = PartialShape.unknown
        if var dimensions = inputs[0].shape.dimensions {
            let place = try place(rank: dimensions.count)
            let size = dimensions.remove(at: place)
            guard size < 0 || size == count else {
                throw .invalid("Input shape axis \(place) must equal \(count), got shape \(inputs[0].shape)")
            }
            part = PartialShape(dimensions)
        }
        return Array(repeating: TensorFact(inputs[0].dtype, part), count: count)
    }

    private func place(rank: Int) throws(OpError) -> Int {
        try axis.axis(rank: rank, outOfRange: "axis = \(axis) not in [\(-rank), \(rank))")
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        if let sizes = node.batchSizes(0), node.rank(0) == 1, sizes.count == count {
            return sizes.map { .sizes([$0]) }
        }
        guard let place = BatchedNode.place(axis, rank: node.rank(0)), place > 0 else { return node.mixed }
        return node.rowwise(0)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        try Kernel.splitting(spec, value: 0, axis: try place(rank: try spec.inputShape(0).rank))
    }
}

extension OpError {
    fileprivate static var unknownAxis: OpError { OpError(.malformed, "the axis is not known") }
}

extension TensorFact {
    /// The axis that this input of a split tells, and the dimensions of what is split; nil where either is not known.
    fileprivate func splitAxis(of shape: PartialShape) throws(OpError) -> (axis: Int, dimensions: [Int])? {
        guard self.shape.rank ?? 0 == 0 else {
            throw .invalid("split_dim must be a scalar but has rank \(self.shape.rank ?? 0)")
        }
        guard let axis = try indices("split_dim")?.first, let dimensions = shape.dimensions else { return nil }
        let rank = dimensions.count
        let place = try axis.axis(
            rank: rank,
            outOfRange: "-input rank(-\(rank)) <= split_dim < input rank (\(rank)), but got \(axis)")
        return (place, dimensions)
    }
}

extension Kernel {
    /// Copies each output from its part of every row of an input.
    fileprivate static func splitting(
        _ spec: KernelSpec, value: Int, axis: Int
    ) throws(OpError) -> Kernel {
        let width = try spec.inputs[value].elementWidth
        let input = try spec.inputShape(value)
        if spec.outputs.count == 1 { return .alias(input: value) }
        guard input.elementCount > 0 else { return .nothing }
        let outer = input.dimensions[..<axis].wrappingProduct
        let rowBytes = input.elementCount / outer * width
        var pieces: [Piece] = []
        var offset = 0
        for index in spec.outputs.indices {
            let columns = try spec.outputShape(index).elementCount / outer
            let copy = StridedCopy(
                width: width,
                [
                    StridedCopy.Axis(count: outer, source: rowBytes, destination: columns * width),
                    StridedCopy.Axis(count: columns, source: width, destination: width),
                ])
            pieces.append(Piece(operand: index, offset: offset, copy))
            offset += columns * width
        }
        return .splitting(pieces, input: value)
    }
}
