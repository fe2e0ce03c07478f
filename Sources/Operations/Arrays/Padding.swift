internal import Kernels
internal import Tensors

extension OpTable {
    /// Tensors with something around them.
    static let padding: [OpEntry] = [
        OpEntry("Pad", make: Pad.init(_:hasValue:), false),
        OpEntry("PadV2", make: Pad.init(_:hasValue:), true),
        OpEntry("MirrorPad", make: MirrorPad.init),
        OpEntry("MirrorPadGrad", make: MirrorPadGrad.init),
    ]
}

/// How much is put before and after a tensor along an axis.
struct PaddingAmounts: Hashable, Sendable {
    let before: Int
    let after: Int

    /// The amounts that input `index` gives, a pair for each dimension of input 0; nil where they are not known.
    ///
    /// - Throws: `invalidArgument` where it is no matrix of so many pairs, or an amount is negative.
    static func read(_ inputs: [TensorFact], _ index: Int = 1) throws(OpError) -> [PaddingAmounts]? {
        let paddings = inputs[index]
        guard paddings.shape.rank ?? 2 == 2,
            [2, -1].contains(paddings.shape.dimension(1)) || paddings.shape.rank == nil
        else { throw .invalid("paddings must be a matrix with 2 columns: \(paddings.shape)") }
        let rows = paddings.shape.dimension(0)
        if let rank = inputs[0].shape.rank, rows >= 0, rows != rank {
            throw .invalid(
                "The first dimension of paddings must be the rank of inputs\(paddings.shape) \(inputs[0].shape)")
        }
        guard let numbers = try paddings.indices("paddings") else { return nil }
        var result: [PaddingAmounts] = []
        for row in 0..<numbers.count / 2 {
            let amounts = PaddingAmounts(before: numbers[2 * row], after: numbers[2 * row + 1])
            guard amounts.before >= 0, amounts.after >= 0 else {
                throw .invalid("Paddings must be non-negative: \(amounts.before) \(amounts.after)")
            }
            result.append(amounts)
        }
        return result
    }

    /// The rule of ops that put something around input 0: nothing before or behind the rows.
    static func batching(_ node: BatchedNode) -> [BatchRole] {
        node.integers(1)?.prefix(2) == [0, 0] ? node.rowwise(0) : node.mixed
    }

    /// The shape whose rank the amounts, or the input, tell.
    static func unknownShape(_ inputs: [TensorFact], _ index: Int = 1) throws(OpError) -> PartialShape {
        try .ofRank(checking: max(inputs[0].shape.rank ?? -1, inputs[index].shape.dimension(0)))
    }

    /// How a tensor lies in its padded self: where it begins, and how to go through both.
    static func middle(
        _ inner: Shape, of outer: Shape, _ amounts: [PaddingAmounts], width: Int
    ) -> (offset: Int, inner: [Int], outer: [Int]) {
        let outerStrides = outer.byteStrides(width: width)
        let offset = zip(amounts, outerStrides).reduce(0) { $0 &+ $1.0.before &* $1.1 }
        return (offset, inner.byteStrides(width: width), outerStrides)
    }
}

/// The tensor with zeros, or with input 2, around it.
///
/// - Inputs: `input`; `paddings`, int32 or int64, a pair for each axis; for PadV2 `constant_values`, a scalar of the input's
///   dtype. Without it: zero, false, the empty string.
struct Pad: PaddingOp {
    private let hasValue: Bool

    init(_ node: NodeReader, hasValue: Bool) throws(OpError) {
        try node.expectInputs(hasValue ? 3 : 2)
        self.hasValue = hasValue
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        if hasValue {
            guard inputs[2].shape.rank ?? 0 == 0 else {
                throw .invalid("constant_values must be a scalar. Found: \(inputs[2].shape)")
            }
            try [inputs[0], inputs[2]].requireOneDType()
        }
        guard let amounts = try PaddingAmounts.read(inputs), let dimensions = inputs[0].shape.dimensions else {
            return [TensorFact(inputs[0].dtype, try PaddingAmounts.unknownShape(inputs))]
        }
        var result: [Int] = []
        for (size, amount) in zip(dimensions, amounts) {
            result.append(try size.plus(amount.before).plus(amount.after))
        }
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    func zeros(_ inputs: [TensorFact]) -> [Int]? {
        if hasValue, inputs[2].value?.number(0) != 0 { return nil }
        guard let amounts = (try? PaddingAmounts.read(inputs)) ?? nil else { return nil }
        return amounts.flatMap { [$0.before, $0.after] }
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { PaddingAmounts.batching(node) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let input = try spec.inputShape(0)
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        if input == output { return .alias() }
        guard let amounts = try PaddingAmounts.read(spec.inputs) else {
            throw OpError(.malformed, "paddings are not known")
        }
        let value = hasValue ? 2 : nil
        guard input.elementCount > 0 else {
            let nothing = StridedCopy(width: width, [.init(count: 0, source: 0, destination: 0)])
            return .padded(width: width, count: output.elementCount, value: value, offsetBytes: 0, nothing)
        }
        let (offset, inner, outer) = PaddingAmounts.middle(input, of: output, amounts, width: width)
        let axes = input.dimensions.indices.map {
            StridedCopy.Axis(count: input.dimensions[$0], source: inner[$0], destination: outer[$0])
        }
        return .padded(
            width: width, count: output.elementCount, value: value, offsetBytes: offset,
            StridedCopy(width: width, axes))
    }
}

/// Whether a mirror shows the edge itself.
private enum MirrorMode: String, Hashable, Sendable {
    case reflect = "REFLECT"
    case symmetric = "SYMMETRIC"

    /// Checks that an axis of that size has enough to show.
    func check(_ amounts: PaddingAmounts, size: Int) throws(OpError) {
        guard size >= 0 else { return }
        let most = self == .reflect ? size - 1 : size
        guard amounts.before <= most, amounts.after <= most else {
            let relation = self == .reflect ? "less than" : "no greater than"
            throw .invalid(
                "paddings must be \(relation) the dimension size: \(amounts.before), \(amounts.after) not "
                    + "\(self == .reflect ? "less than" : "no greater than") \(size)")
        }
    }
}

/// The tensor with what mirrors at its edges show around it.
///
/// - Inputs: `input`; `paddings`, int32 or int64, a pair for each axis. Attributes: `mode`, REFLECT (the edge is not repeated)
///   or SYMMETRIC.
struct MirrorPad: KernelOp {
    private let mode: MirrorMode

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        mode = try node.choice("mode")
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let amounts = try PaddingAmounts.read(inputs), let dimensions = inputs[0].shape.dimensions else {
            return [TensorFact(inputs[0].dtype, try PaddingAmounts.unknownShape(inputs))]
        }
        var result: [Int] = []
        for (size, amount) in zip(dimensions, amounts) {
            try mode.check(amount, size: size)
            result.append(try size.plus(amount.before).plus(amount.after))
        }
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { PaddingAmounts.batching(node) }

    /// A place of each place of an axis; what mirrors show does not move as a whole.
    func tableBytes(for spec: KernelSpec) -> Int {
        guard let before = spec.inputs[0].shape.known, let after = spec.outputs[0].shape.known,
            before.rank == after.rank
        else { return 0 }
        var sum = ByteSum()
        for (size, padded) in zip(before.dimensions, after.dimensions) {
            sum.add(padded, times: MemoryLayout<Int>.stride)
            sum.add(padded - size, times: 64)
        }
        return sum.total
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let input = try spec.inputShape(0)
        guard try spec.outputShape().elementCount > 0 else { return .nothing }
        guard let amounts = try PaddingAmounts.read(spec.inputs) else {
            throw OpError(.malformed, "paddings are not known")
        }
        let strides = input.byteStrides(width: width)
        // What is not padded any more behind the last padded axis moves as a whole.
        guard let last = amounts.lastIndex(where: { $0.before > 0 || $0.after > 0 }) else { return .alias() }
        let maps = (0...last).map { axis in
            let (size, amount) = (input.dimensions[axis], amounts[axis])
            return (-amount.before..<size + amount.after).map { mirrored($0, size) * strides[axis] }
        }
        return MappedCopy(blockBytes: strides[last], maps).kernel
    }

    private func mirrored(_ place: Int, _ size: Int) -> Int {
        let edge = mode == .reflect ? 0 : 1
        if place < 0 { return -place - edge }
        return place < size ? place : 2 * size - 2 - place + edge
    }
}

/// The gradient of MirrorPad: what mirrors showed is added to what they showed it of.
///
/// - Inputs: `input`, the gradient by the padded tensor; `paddings`. Attributes: `mode`.
struct MirrorPadGrad: KernelOp {
    private let mode: MirrorMode

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        mode = try node.choice("mode")
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let amounts = try PaddingAmounts.read(inputs), let dimensions = inputs[0].shape.dimensions else {
            return [TensorFact(inputs[0].dtype, try PaddingAmounts.unknownShape(inputs))]
        }
        var result: [Int] = []
        for (size, amount) in zip(dimensions, amounts) {
            guard size >= 0 else {
                result.append(size)
                continue
            }
            let inner = size.subtractingReportingOverflow(try amount.before.plus(amount.after)).partialValue
            guard inner >= 0 else {
                throw .invalid("Expected paddings of at most \(size), got \(amount.before), \(amount.after)")
            }
            try mode.check(amount, size: inner)
            result.append(inner)
        }
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let input = try spec.inputShape(0)
        let output = try spec.outputShape()
        guard let amounts = try PaddingAmounts.read(spec.inputs) else {
            throw OpError(.malformed, "paddings are not known")
        }
        let padded = zip(input.dimensions, amounts).map {
            MirrorFold.Axis(size: $0, before: $1.before, after: $1.after)
        }
        guard let fold = MirrorFold(padded, reflects: mode == .reflect, spec.inputs[0].dtype) else {
            throw .unsupported(spec.inputs[0].dtype)
        }
        guard output.elementCount > 0 else { return .nothing }
        let (offset, inner, outer) = PaddingAmounts.middle(output, of: input, amounts, width: width)
        let axes = output.dimensions.indices.map {
            StridedCopy.Axis(count: output.dimensions[$0], source: outer[$0], destination: inner[$0])
        }
        return fold.kernel(offsetBytes: offset, StridedCopy(width: width, axes))
    }
}
