internal import Kernels
internal import Tensors

extension OpTable {
    /// Several tensors into one.
    static let concatenation: [OpEntry] = [
        OpEntry("Pack", make: Pack.init),
        OpEntry("ConcatV2", make: Concat.init(_:axisFirst:), false),
        OpEntry("Concat", make: Concat.init(_:axisFirst:), true),
    ]
}

/// Tensors of one shape side by side along a new axis. Attributes: `axis`.
struct Pack: KernelOp {
    private let axis: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(atLeast: 1)
        axis = try node.int("axis", default: 0)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        var shape = PartialShape.unknown
        for (index, input) in inputs.enumerated() {
            guard let merged = shape.merged(with: input.shape) else {
                throw .invalid(
                    "Shapes of all inputs must match: values[0].shape = \(inputs[0].shape) != values[\(index)].shape = "
                        + "\(input.shape)")
            }
            shape = merged
        }
        guard var dimensions = shape.dimensions else { return [TensorFact(inputs[0].dtype, .unknown)] }
        let rank = dimensions.count + 1
        _ = try PartialShape.ofRank(checking: rank)
        let place = try axis.axis(rank: rank, outOfRange: "axis = \(axis) not in [\(-rank), \(rank))")
        dimensions.insert(inputs.count, at: place)
        return [TensorFact(inputs[0].dtype, PartialShape(dimensions))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let rank = node.rank(0) else { return node.mixed }
        if rank == 0 {
            let sizes = node.inputs.indices.compactMap { node.sizes($0) }
            return sizes.count == node.inputs.count ? [.sizes(Array(sizes.joined()))] : node.mixed
        }
        guard let place = BatchedNode.place(axis, rank: rank + 1), place > 0 else { return node.mixed }
        return node.rowwise(Set(node.inputs.indices))
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let output = try spec.outputShape()
        let place = axis < 0 ? axis + output.rank : axis
        return try Kernel.concatenation(
            spec, inputs: Array(spec.inputs.indices), outer: output.dimensions[..<place].wrappingProduct)
    }
}

/// Tensors end to end along an axis that they have.
///
/// - Inputs: `axis`, int32 or int64, with one element, first (Concat) or last (ConcatV2); the other inputs, of one dtype and
///   alike in all other dimensions.
struct Concat: JoiningOp {
    private let axisIndex: Int
    private let valueIndices: Range<Int>

    init(_ node: NodeReader, axisFirst: Bool) throws(OpError) {
        try node.expectInputs(atLeast: 2)
        let last = node.inputCount - 1
        axisIndex = axisFirst ? 0 : last
        valueIndices = axisFirst ? 1..<last + 1 : 0..<last
    }

    var valueInputs: [Int] { [axisIndex] }

    func joining(_ inputs: [TensorFact]) -> Joining? {
        guard let rank = inputs[valueIndices].lazy.compactMap(\.shape.rank).first,
            let axis = inputs[axisIndex].integers?.first, axis >= -rank, axis < rank
        else { return nil }
        return Joining(inputs: valueIndices, axis: axis < 0 ? axis + rank : axis)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let shape = try Self.shape(of: Array(inputs[valueIndices]), inputs[axisIndex])
        return [TensorFact(inputs[valueIndices.lowerBound].dtype, shape)]
    }

    private static func shape(of values: [TensorFact], _ axisFact: TensorFact) throws(OpError) -> PartialShape {
        try values.requireOneDType()
        let axis = try axisFact.index(
            "axis", wrongCount: "axis tensor should be a scalar integer, but got shape \(axisFact.shape)")
        guard let first = values.first(where: { $0.shape.rank != nil }), let rank = first.shape.rank else {
            return .unknown
        }
        try requireRank(rank, values, first)
        guard let axis else { return .ofRank(rank) }
        let place = try axis.axis(
            rank: rank,
            outOfRange: "ConcatOp : Expected concatenating dimensions in the range [\(-rank), \(rank)), but got \(axis)"
        )
        var result = first.shape.dimensions ?? []
        var total = 0
        for (index, value) in values.enumerated() {
            total = try total.plus(value.shape.dimension(place))
            guard let dimensions = value.shape.dimensions else { continue }
            for other in 0..<rank where other != place {
                if result[other] < 0 { result[other] = dimensions[other] }
                guard dimensions[other] < 0 || dimensions[other] == result[other] else {
                    throw .invalid(
                        "ConcatOp : Dimension \(other) in both shapes must be equal: shape[0] = \(values[0].shape) vs. "
                            + "shape[\(index)] = \(value.shape)")
                }
            }
        }
        result[place] = total
        return PartialShape(result)
    }

    private static func requireRank(
        _ rank: Int, _ values: [TensorFact], _ first: TensorFact
    ) throws(OpError) {
        guard !values.contains(where: { $0.shape.rank == 0 }) else {
            throw .invalid("ConcatOp : Can't concatenate scalars (use tf.stack instead)")
        }
        for (index, value) in values.enumerated() where value.shape.rank ?? rank != rank {
            throw .invalid(
                "ConcatOp : Ranks of all input tensors should match: shape[0] = \(first.shape) vs. shape[\(index)] = "
                    + "\(value.shape)")
        }
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let rank = node.rank(valueIndices.lowerBound), let place = node.axis(axisIndex, rank: rank) else {
            return node.mixed
        }
        if rank == 1 {
            let sizes = valueIndices.compactMap { node.sizes($0) }
            return sizes.count == valueIndices.count ? [.sizes(Array(sizes.joined()))] : node.mixed
        }
        return place > 0 ? node.rowwise(Set(valueIndices)) : node.mixed
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let output = try spec.outputShape()
        guard let axis = spec.inputs[axisIndex].integers?.first else {
            throw OpError(.malformed, "the axis is not known")
        }
        let place = try axis.normalizedAxis(rank: output.rank)
        return try Kernel.concatenation(
            spec, inputs: Array(valueIndices), outer: output.dimensions[..<place].wrappingProduct)
    }
}

extension Kernel {
    /// Puts the rows of some inputs side by side.
    ///
    /// - `outer`: How many rows each of them has.
    fileprivate static func concatenation(
        _ spec: KernelSpec, inputs: [Int], outer: Int
    ) throws(OpError) -> Kernel {
        let width = try spec.outputs[0].elementWidth
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        let rowBytes = output.elementCount / outer * width
        var pieces: [Piece] = []
        var offset = 0
        for index in inputs {
            let count = try spec.inputShape(index).elementCount
            guard count > 0 else { continue }
            // The only one that is not empty is the result.
            if count == output.elementCount { return .alias(input: index) }
            let bytes = count / outer * width
            let copy = StridedCopy(
                width: width,
                [
                    StridedCopy.Axis(count: outer, source: bytes, destination: rowBytes),
                    StridedCopy.Axis(count: count / outer, source: width, destination: width),
                ])
            pieces.append(Piece(operand: index, offset: offset, copy))
            offset += bytes
        }
        return .concatenation(pieces)
    }
}
