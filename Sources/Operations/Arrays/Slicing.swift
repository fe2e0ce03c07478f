internal import Kernels
internal import Tensors

extension OpTable {
    /// A part of a tensor.
    static let slicing: [OpEntry] = [
        OpEntry("Slice", make: SliceOp.init),
        OpEntry("StridedSlice", make: StridedSlice.init(_:)),
    ]
}

/// What of an axis is taken.
struct AxisSlice: Hashable, Sendable {
    var begin: Int
    var count: Int
    var step: Int
}

extension Kernel {
    /// Copies what is taken of each axis of input 0.
    static func slice(_ spec: KernelSpec, _ slices: [AxisSlice]) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let input = try spec.inputShape(0)
        guard slices.count == input.rank else { throw OpError(.malformed, "slices another rank") }
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        if zip(slices, input.dimensions).allSatisfy({ $0.count == $1 && ($0.step == 1 || $1 == 1) }) { return .alias() }
        var axes: [StridedCopy.Axis] = []
        var offset = 0
        var destination = output.elementCount * width
        for (slice, stride) in zip(slices, input.byteStrides(width: width)) {
            destination /= slice.count
            offset += slice.begin * stride
            // A step of one element leads nowhere, and may be as large as it likes.
            axes.append(
                StridedCopy.Axis(
                    count: slice.count, source: slice.count > 1 ? slice.step * stride : stride,
                    destination: destination))
        }
        return .copy(StridedCopy(width: width, axes), sourceOffset: offset)
    }
}

/// A block of a tensor.
///
/// - Inputs: `input`; `begin` and `size`, int32 or int64 vectors; a size of -1 reaches to the end.
struct SliceOp: SlicingOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    var valueInputs: [Int] { [1, 2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try Self.requireVectors(inputs)
        let length = max(inputs[1].shape.dimension(0), inputs[2].shape.dimension(0), inputs[0].shape.rank ?? -1)
        let unknown = try PartialShape.ofRank(checking: length)
        let begins = try inputs[1].indices("begin")
        guard let sizes = try inputs[2].indices("size"), sizes.count == unknown.rank else {
            return [TensorFact(inputs[0].dtype, unknown)]
        }
        var dimensions: [Int] = []
        for (axis, size) in sizes.enumerated() {
            dimensions.append(
                try Self.resolve(axis, begin: begins?[axis], size: size, of: inputs[0].shape.dimension(axis)))
        }
        return [TensorFact(inputs[0].dtype, PartialShape(dimensions))]
    }

    private static func requireVectors(_ inputs: [TensorFact]) throws(OpError) {
        let (begin, size) = (inputs[1].shape, inputs[2].shape)
        let rank = inputs[0].shape.rank
        let fits = [begin, size].allSatisfy { vector in
            guard let dimensions = vector.dimensions else { return true }
            return dimensions.count == 1 && (dimensions[0] < 0 || dimensions[0] == rank ?? dimensions[0])
        }
        let agree = begin.merged(with: size) != nil
        guard fits, agree else {
            throw .invalid(
                "Expected begin and size arguments to be 1-D tensors of size \(rank.map(String.init) ?? "?"), but got "
                    + "shapes \(begin) and \(size) instead.")
        }
    }

    /// The size of what is taken of an axis.
    private static func resolve(_ axis: Int, begin: Int?, size: Int, of dimension: Int) throws(OpError) -> Int {
        guard dimension >= 0 else {
            if let begin, begin < 0 { throw .invalid("Expected begin[\(axis)] to be at least 0, but got \(begin)") }
            return size
        }
        guard let begin else {
            guard size <= dimension, size >= -1 else {
                throw .invalid("Expected size[\(axis)] in [0, \(dimension)], but got \(size)")
            }
            return size
        }
        guard dimension > 0 || begin == 0 && (size == 0 || size == -1) else {
            throw .invalid(
                "Expected begin[\(axis)] == 0 (got \(begin)) and size[\(axis)] == 0 (got \(size)) when "
                    + "input.dim_size(\(axis)) == 0")
        }
        guard begin >= 0, begin <= dimension else {
            throw .invalid("Expected begin[\(axis)] in [0, \(dimension)], but got \(begin)")
        }
        let limit = dimension - begin
        guard size != -1 else { return limit }
        guard size >= 0, size <= limit else {
            throw .invalid("Expected size[\(axis)] in [0, \(limit)], but got \(size)")
        }
        return size
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let begins = node.integers(1), let sizes = node.sizes(2), begins.count == sizes.count,
            let first = begins.first, let size = sizes.first
        else { return node.mixed }
        if let listed = node.batchSizes(0), begins.count == 1, let count = node.outputs[0].shape.known?.elementCount,
            size.isFixed, first >= 0, first <= listed.count - count
        {
            return [.sizes(Array(listed[first..<first + count]))]
        }
        // All rows, and of each row the same part.
        guard let rows = node.rows(0), first == 0, size == .fixed(-1) || size == .rows(rows),
            sizes.dropFirst().allSatisfy(\.isFixed)
        else { return node.mixed }
        return [.rows(rows)]
    }

    func slicing(_ inputs: [TensorFact]) -> Slicing? {
        guard let begins = inputs[1].integers, let sizes = inputs[2].integers, begins.count == sizes.count else {
            return nil
        }
        var found: Slicing?
        for axis in begins.indices where begins[axis] != 0 || sizes[axis] != -1 {
            let size = sizes[axis] < 0 ? inputs[0].shape.dimension(axis) - begins[axis] : sizes[axis]
            guard found == nil, begins[axis] >= 0, size >= 0, inputs[0].shape.dimension(axis) - size >= begins[axis]
            else { return nil }
            found = Slicing(axis: axis, range: begins[axis]..<(begins[axis] + size))
        }
        return found
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let begins = spec.inputs[1].integers else { throw OpError(.malformed, "begin is not known") }
        let output = try spec.outputShape()
        let slices = zip(begins, output.dimensions).map { AxisSlice(begin: $0, count: $1, step: 1) }
        return try .slice(spec, slices)
    }
}
