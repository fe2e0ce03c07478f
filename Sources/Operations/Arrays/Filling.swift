internal import Kernels
internal import Tensors

extension OpTable {
    /// Tensors made of a few values.
    static let filling: [OpEntry] = [
        OpEntry("Fill", make: Fill.init),
        OpEntry("Tile", make: Tile.init),
        OpEntry("OneHot", make: OneHot.init),
    ]
}

/// One value, repeated.
///
/// - Inputs: `dims`, an int32 or int64 vector (a scalar is read as a vector of one); `value`, of one element.
struct Fill: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    var valueInputs: [Int] { [0] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let dims = inputs[0]
        guard dims.shape.rank ?? 1 <= 1 else {
            throw .invalid("dims must represent a vector, got shape \(dims.shape)")
        }
        if let shape = inputs[1].shape.known, shape.rank > 1 || shape.elementCount != 1 {
            throw .invalid("value must represent a scalar, got shape \(shape)")
        }
        let rank = dims.shape.rank == 0 ? 1 : dims.shape.dimension(0)
        let unknown = try PartialShape.ofRank(checking: rank)
        guard let sizes = try dims.indices("dims") else { return [TensorFact(inputs[1].dtype, unknown)] }
        for size in sizes where size < 0 { throw .invalid("Dimension \(size) must be >= 0") }
        return [TensorFact(inputs[1].dtype, PartialShape(sizes))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard node.isShared(1), let rows = node.rowsOfShape(0) else { return node.mixed }
        return [.rows(rows)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        .fill(count: try spec.outputShape().elementCount, width: try spec.inputs[1].elementWidth, input: 1)
    }
}

/// The tensor, repeated along each axis.
///
/// - Inputs: `input`; `multiples`, an int32 or int64 vector, a number for each axis.
struct Tile: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let shape = inputs[1].shape
        guard shape.rank ?? 1 == 1 else { throw .invalid("Expected multiples to be 1-D, but got shape \(shape)") }
        let length = shape.dimension(0)
        if let rank = inputs[0].shape.rank, length >= 0, length != rank {
            throw .invalid("Expected multiples argument to be a vector of length \(rank) but got length \(length)")
        }
        let unknown = try PartialShape.ofRank(checking: max(length, inputs[0].shape.rank ?? -1))
        guard let multiples = try inputs[1].indices("multiples"), let dimensions = inputs[0].shape.dimensions else {
            return [TensorFact(inputs[0].dtype, unknown)]
        }
        var result: [Int] = []
        for (axis, multiple) in multiples.enumerated() {
            guard multiple >= 0 else { throw .invalid("Expected multiples[\(axis)] >= 0, but got \(multiple)") }
            result.append(try dimensions[axis].times(multiple))
        }
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        if let rows = node.rows(0), node.integers(1)?.first == 1 { return [.rows(rows)] }
        guard node.isShared(0), let repeats = node.rowsOfShape(1),
            let size = node.inputs[0].shape.known?.dimensions.first,
            size > 0, case .rows(let rows)? = BatchSize.rows(repeats).times(.fixed(size))
        else { return node.mixed }
        return [.rows(rows)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let input = try spec.inputShape(0)
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        if input == output { return .alias() }
        let source = input.byteStrides(width: width)
        let destination = output.byteStrides(width: width)
        var axes: [StridedCopy.Axis] = []
        for (axis, size) in input.dimensions.enumerated() {
            axes.append(
                StridedCopy.Axis(
                    count: output.dimensions[axis] / size, source: 0, destination: destination[axis] * size))
            axes.append(StridedCopy.Axis(count: size, source: source[axis], destination: destination[axis]))
        }
        return .copy(StridedCopy(width: width, axes))
    }
}

/// A new axis that is `on` where an index tells, `off` elsewhere; an index out of range is `off` everywhere.
///
/// - Inputs: `indices`, int32, int64, int8 or uint8; `depth`, an int32 scalar; `on_value` and `off_value`, scalars of one
///   dtype, any. Attributes: `axis`, -1 for the last.
struct OneHot: KernelOp {
    private let axis: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        axis = try node.int("axis", default: -1)
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        for (input, name) in zip(inputs[1...], ["depth", "on_value", "off_value"]) where input.shape.rank ?? 0 != 0 {
            throw .invalid("\(name) must be a scalar, but got: \(input.shape)")
        }
        try inputs[2...3].requireOneDType()
        let depth = try inputs[1].indices("depth")?.first
        if let depth, depth < 0 { throw .invalid("depth must be non-negative, got: \(depth)") }
        guard var dimensions = inputs[0].shape.dimensions else { return [TensorFact(inputs[2].dtype, .unknown)] }
        _ = try PartialShape.ofRank(checking: dimensions.count + 1)
        dimensions.insert(depth ?? PartialShape.unknownDimension, at: try place(rank: dimensions.count))
        return [TensorFact(inputs[2].dtype, PartialShape(dimensions))]
    }

    private func place(rank: Int) throws(OpError) -> Int {
        if axis == -1 { return rank }
        guard axis >= 0, axis <= rank else {
            throw .invalid("Expected axis to be -1 or between [0, \(rank + 1)).  But received: \(axis)")
        }
        return axis
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { axis == 0 ? node.mixed : node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let input = try spec.inputShape(0)
        let output = try spec.outputShape()
        let place = try place(rank: input.rank)
        guard let indices = IndexReader(spec.inputs[0].dtype), spec.inputs[0].dtype != .int16 else {
            throw .unsupported(spec.inputs[0].dtype)
        }
        let width = try spec.outputs[0].elementWidth
        guard output.elementCount > 0 else { return .nothing }
        return .oneHot(
            prefixCount: input.dimensions[..<place].wrappingProduct, depth: output.dimensions[place],
            suffixCount: input.dimensions[place...].wrappingProduct, width: width, indices: indices)
    }
}
