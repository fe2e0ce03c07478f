internal import Kernels
internal import Tensors

extension OpTable {
    /// Shapes that go together.
    static let broadcasting: [OpEntry] = [
        OpEntry("BroadcastTo", make: BroadcastTo.init),
        OpEntry("BroadcastArgs", make: BroadcastArgs.init),
        OpEntry("BroadcastGradientArgs", make: BroadcastGradientArgs.init),
        OpEntry("SelectV2", make: SelectV2.init),
        OpEntry("ConcatOffset", make: ConcatOffset.init),
        OpEntry("InvertPermutation", make: InvertPermutation.init),
    ]
}

/// The tensor, repeated along its axes of 1, and along new ones in front, up to the shape that input 1 gives.
struct BroadcastTo: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (input, dtype) = (inputs[0].shape, inputs[0].dtype)
        guard inputs[1].shape.rank ?? 1 == 1 else {
            throw .invalid("shape must be a vector of {int32,int64}, got shape \(inputs[1].shape)")
        }
        guard let sizes = try inputs[1].indices("shape") else {
            return [TensorFact(dtype, try .ofRank(checking: inputs[1].shape.dimension(0)))]
        }
        for size in sizes where size < 0 { throw .invalid("Dimension \(size) must be >= 0") }
        _ = try PartialShape.ofRank(checking: sizes.count)
        if let rank = input.rank, rank > sizes.count {
            throw .invalid(
                "Rank of input (\(rank)) must be no greater than rank of output shape (\(sizes.count)).")
        }
        let output = PartialShape(sizes)
        for (own, size) in zip((input.dimensions ?? []).reversed(), sizes.reversed())
        where own >= 0 && own != 1 && own != size {
            throw .invalid(
                size == 1
                    ? "Unable to broadcast tensor of shape \(input) to tensor of shape \(output)"
                    : "Incompatible shapes: \(input) vs. \(output)")
        }
        return [TensorFact(dtype, output)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let rows = node.rowsOfShape(1), let rank = node.rank(0), let result = node.outputs[0].shape.rank else {
            return node.mixed
        }
        // What is repeated along the rows is the same for all.
        let isRepeated = node.isShared(0) && (rank < result || node.inputs[0].shape.dimension(0) == 1)
        let isCut = node.rows(0) == rows && rank == result
        return isRepeated || isCut ? [.rows(rows)] : node.mixed
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let (input, output) = (try spec.inputShape(0), try spec.outputShape())
        guard output.elementCount > 0 else { return .nothing }
        if input.elementCount == output.elementCount { return .alias() }
        let missing = output.rank - input.rank
        let strides = input.byteStrides(width: width)
        var axes: [StridedCopy.Axis] = []
        for (axis, step) in output.byteStrides(width: width).enumerated() {
            let repeats = axis < missing || input.dimensions[axis - missing] == 1
            axes.append(
                StridedCopy.Axis(
                    count: output.dimensions[axis], source: repeats ? 0 : strides[axis - missing], destination: step))
        }
        return .copy(StridedCopy(width: width, axes))
    }
}

extension [TensorFact] {
    /// The two shapes that two inputs give as vectors, where they are known.
    ///
    /// - Throws: `invalidArgument` where they are no vectors.
    fileprivate func shapePair() throws(OpError) -> (PartialShape, PartialShape)? {
        try requireOneDType()
        for (number, input) in enumerated() where input.shape.rank ?? 1 != 1 {
            throw .invalid("In[\(number)] must be a vector.\(input.shape)")
        }
        guard let one = try self[0].indices("s0"), let two = try self[1].indices("s1") else { return nil }
        for size in one + two where size < 0 { throw .invalid("Dimension \(size) must be >= 0") }
        return (PartialShape(one), PartialShape(two))
    }
}

/// The shape that two shapes broadcast to: known as soon as they are.
///
/// - Inputs: two vectors of one dtype, int32 or int64.
struct BroadcastArgs: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    var valueInputs: [Int] { [0, 1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let (one, two) = try inputs.shapePair() else {
            let lengths = inputs.map { $0.shape.dimension(0) }
            let length = lengths.contains(where: { $0 < 0 }) ? PartialShape.unknownDimension : lengths.max() ?? 0
            return [TensorFact(inputs[0].dtype, PartialShape([length]))]
        }
        let sizes = try one.broadcast(with: two).dimensions ?? []
        let result = try TensorFact(sizes, as: inputs[0].dtype, shape: .vector(sizes.count)) {
            "dimension \(sizes[$0]) is too large"
        }
        return [result]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try kernelOfKnownValues(spec) }
}

/// Along which axes of their common shape each of two shapes repeats: what the gradient of a broadcast is summed over.
///
/// - Inputs: two vectors of one dtype, int32 or int64.
struct BroadcastGradientArgs: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    var valueInputs: [Int] { [0, 1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let dtype = inputs[0].dtype
        guard let (one, two) = try inputs.shapePair() else {
            return [TensorFact(dtype, .ofRank(1)), TensorFact(dtype, .ofRank(1))]
        }
        let rank = try one.broadcast(with: two).rank ?? 0
        let shapes = [one, two].map { shape in
            Array(repeating: 1, count: rank - (shape.rank ?? 0)) + (shape.dimensions ?? [])
        }
        var facts: [TensorFact] = []
        for shape in shapes {
            let repeats = one == two ? [] : (0..<rank).filter { shape[$0] == 1 }
            facts.append(
                try TensorFact(repeats, as: dtype, shape: .vector(repeats.count)) { _ in "an axis is too large" })
        }
        return facts
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try kernelOfKnownValues(spec) }
}

/// Elements of the second input where the first is true, else of the third; all three broadcast.
///
/// - Inputs: `condition`, bool; `t` and `e`, of one dtype, any.
struct SelectV2: ChoosingOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.bool, "condition")
        try inputs[1...].requireOneDType()
        guard let values = inputs[1].shape.broadcastIfCompatible(with: inputs[2].shape),
            let shape = values.broadcastIfCompatible(with: inputs[0].shape)
        else {
            throw .invalid(
                "condition \(inputs[0].shape), then \(inputs[1].shape), and else \(inputs[2].shape) must be broadcastable"
            )
        }
        return [TensorFact(inputs[1].dtype, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        let shapes = [try spec.inputShape(0), try spec.inputShape(1), try spec.inputShape(2)]
        if shapes.allSatisfy({ $0.elementCount == output.elementCount }),
            let kernel = Kernel.select(dtype, rows: output.elementCount, rowSize: 1)
        {
            return kernel
        }
        return .select(shapes, output: output, width: try spec.inputs[1].elementWidth)
    }
}

/// Where each of several tensors begins when they are put end to end: known as soon as their shapes are.
///
/// - Inputs: `concat_dim`, an int32 scalar; two or more shapes, int32 or int64 vectors that differ in that dimension only.
/// - Outputs: a vector for each.
struct ConcatOffset: KernelOp {
    private let inputCount: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(atLeast: 3)
        inputCount = node.inputCount
    }

    var valueInputs: [Int] { Array(0..<inputCount) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[0].shape.rank ?? 0 == 0 else {
            throw .invalid("Concat dim tensor should be a scalar integer, but got shape \(inputs[0].shape)")
        }
        let given = inputs[1...]
        try given.requireOneDType()
        var vector = PartialShape.ofRank(1)
        for (number, shape) in given.map(\.shape).enumerated() {
            guard shape.rank ?? 1 == 1 else {
                throw .invalid("input \(number) should be a vector, but got shape \(shape)")
            }
            guard let merged = vector.merged(with: shape) else {
                throw .invalid(
                    "input \(number) should contain \(vector.dimension(0)) elements, but got \(shape.dimension(0))")
            }
            vector = merged
        }
        let unknown = given.map { TensorFact($0.dtype, vector) }
        let rank = vector.dimension(0)
        guard let axis = try inputs[0].indices("concat_dim")?.first, rank >= 0 else { return unknown }
        let place = try axis.axis(rank: rank, outOfRange: "Concat dim is out of range: \(axis) vs. \(rank)")
        let shapes = given.compactMap(\.integers)
        guard shapes.count == given.count else { return unknown }
        return try Self.offsets(shapes, place, given[1].dtype)
    }

    private static func offsets(
        _ shapes: [[Int]], _ axis: Int, _ dtype: DataType
    ) throws(OpError) -> [TensorFact] {
        var facts: [TensorFact] = []
        var offset = 0
        for (number, shape) in shapes.enumerated() {
            for other in shape.indices where other != axis && shape[other] != shapes[0][other] {
                throw .invalid(
                    "All dimensions except \(axis) must match. Input \(number) has shape \(text(shape)) and doesn't match "
                        + "input 0 with shape \(text(shapes[0])).")
            }
            var place = [Int](repeating: 0, count: shape.count)
            place[axis] = offset
            facts.append(
                try TensorFact(place, as: dtype, shape: .vector(place.count)) { "offset \(place[$0]) is too large" })
            offset = try offset.plus(max(0, shape[axis]))
        }
        return facts
    }

    private static func text(_ sizes: [Int]) -> String { "[" + sizes.map(String.init).joined(separator: " ") + "]" }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try kernelOfKnownValues(spec) }
}

/// Where each number stands in a permutation: known as soon as the permutation is.
///
/// - Inputs: a vector, int32 or int64, of the numbers from 0 up to its length, each once.
struct InvertPermutation: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    var valueInputs: [Int] { [0] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[0].shape.rank ?? 1 == 1 else { throw .invalid("invert_permutation expects a 1D vector.") }
        let length = inputs[0].shape.dimension(0)
        guard let numbers = try inputs[0].indices("x") else {
            return [TensorFact(inputs[0].dtype, PartialShape([length]))]
        }
        var result = [Int?](repeating: nil, count: numbers.count)
        for (place, number) in numbers.enumerated() {
            guard result.indices.contains(number) else {
                throw .invalid("\(number) is not between 0 and \(numbers.count)")
            }
            guard result[number] == nil else { throw .invalid("\(number) is duplicated in the input.") }
            result[number] = place
        }
        let fact = try TensorFact(
            result.map { $0 ?? 0 }, as: inputs[0].dtype, shape: .vector(numbers.count)
        ) { _ in "an index is too large" }
        return [fact]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try kernelOfKnownValues(spec) }
}
