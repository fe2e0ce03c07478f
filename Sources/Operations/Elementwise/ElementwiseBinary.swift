internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that compute each element from one element of each input.
    static let elementwiseBinary: [OpEntry] = [
        binary("Add", .add),
        binary("AddV2", .add),
        binary("Sub", .subtract),
        binary("Mul", .multiply),
        binary("Div", .divide),
        binary("RealDiv", .realDivide),
        binary("DivNoNan", .divideNoNaN),
        binary("MulNoNan", .multiplyNoNaN),
        binary("TruncateDiv", .truncateDivide),
        binary("FloorDiv", .floorDivide),
        binary("FloorMod", .floorMod),
        binary("Mod", .truncateMod),
        binary("TruncateMod", .truncateMod),
        binary("Pow", .power),
        binary("Maximum", .maximum),
        binary("Minimum", .minimum),
        binary("SquaredDifference", .squaredDifference),
        binary("Xdivy", .xdivy),
        binary("Xlogy", .xlogy),
        binary("Xlog1py", .xlog1py),
        binary("Atan2", .atan2),
        binary("NextAfter", .nextAfter),
        binary("Igamma", .igamma),
        binary("Igammac", .igammac),
        binary("Zeta", .zeta),
        binary("Polygamma", .polygamma),
        binary("BitwiseAnd", .and),
        binary("BitwiseOr", .or),
        binary("BitwiseXor", .xor),
        binary("LeftShift", .shiftLeft),
        binary("RightShift", .shiftRight),
        comparison("Greater", .greater),
        comparison("GreaterEqual", .greaterEqual),
        comparison("Less", .less),
        comparison("LessEqual", .lessEqual),
        logical("LogicalAnd", .and),
        logical("LogicalOr", .or),
        equality("Equal", .equal),
        equality("NotEqual", .notEqual),
        OpEntry(
            "AddN", traits: ListSum.traits.union(AddN.traits),
            makeAny: { node throws(OpError) in try node.isOfHandles ? ListSum(node) as any Op : AddN(node) }),
        OpEntry("AccumulateNV2", make: AddN.init),
        OpEntry("BiasAdd", make: BiasAdd.init),
        OpEntry("Select", make: Select.init),
    ]

    private static func binary(_ name: String, _ formula: BinaryFormula) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> ElementwiseBinary in
            try node.expectInputs(2)
            return ElementwiseBinary(formula: formula, result: nil, shapesMayDiffer: false)
        }
    }

    private static func comparison(_ name: String, _ formula: BinaryFormula) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> ElementwiseBinary in
            try node.expectInputs(2)
            return ElementwiseBinary(formula: formula, result: .bool, shapesMayDiffer: false)
        }
    }

    private static func logical(_ name: String, _ formula: BinaryFormula) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> ElementwiseLogical in
            try node.expectInputs(2)
            return ElementwiseLogical(formula: formula)
        }
    }

    private static func equality(_ name: String, _ formula: BinaryFormula) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> ElementwiseBinary in
            try node.expectInputs(2)
            let isError = try node.bool("incompatible_shape_error", default: true)
            return ElementwiseBinary(formula: formula, result: .bool, shapesMayDiffer: !isError)
        }
    }
}

/// A formula of two broadcast inputs of one dtype.
///
/// - Attributes: Equal and NotEqual have `incompatible_shape_error`; if false, tensors of incompatible shapes are unequal.
/// - Numerics: integers wrap around; Div of integers goes towards zero. An integer divided by zero, or to a negative power,
///   ends the run with an error.
struct ElementwiseBinary: ElementwiseOp, ChannelAffineOp {
    let formula: BinaryFormula
    /// The output's dtype; nil: that of the inputs.
    let result: DataType?
    /// Whether incompatible shapes are an answer, not an error.
    let shapesMayDiffer: Bool

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        let dtype = result ?? inputs[0].dtype
        guard shapesMayDiffer else { return [TensorFact(dtype, try inputs[0].shape.broadcast(with: inputs[1].shape))] }
        guard let shape = inputs[0].shape.broadcastIfCompatible(with: inputs[1].shape) else {
            guard let answer = Tensor([formula == .notEqual], shape: []) else { return [TensorFact(dtype, .scalar)] }
            return [TensorFact(answer)]
        }
        let isSettled = inputs.allSatisfy(\.shape.isFullyDefined)
        return [TensorFact(dtype, isSettled ? shape : .unknown)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard node.batchSizes(0) != nil || node.batchSizes(1) != nil else { return node.elementwise() }
        guard let left = node.sizes(0), let right = node.sizes(1) else { return node.mixed }
        return sizes(left, right).map { [.sizes($0)] } ?? node.mixed
    }

    var elementwiseFormula: ElementwiseFormula? { shapesMayDiffer ? nil : .binary(formula) }

    func channelAffine(of data: Int, _ inputs: [TensorFact]) -> ChannelAffine? {
        let other = 1 - data
        guard inputs.indices.contains(other), inputs[data].dtype.isFloating,
            let axis = inputs[other].channelAxis(of: inputs[data])
        else { return nil }
        let affine: ChannelAffine.Formula? =
            switch formula {
            case .add: .adding(other)
            case .subtract: data == 0 ? .subtracting(other) : .subtractedFrom(other)
            case .multiply: .multiplying(other)
            case .divide, .realDivide: data == 0 ? .dividing(other) : nil
            default: nil
            }
        return affine.map { ChannelAffine(axis: axis, formula: $0) }
    }

    /// The formula of sizes, of which one may be for all the others.
    private func sizes(_ left: [BatchSize], _ right: [BatchSize]) -> [BatchSize]? {
        let count = max(left.count, right.count)
        guard min(left.count, right.count) == 1 || left.count == right.count else { return nil }
        var result: [BatchSize] = []
        for index in 0..<count {
            guard let size = size(left[left.count == 1 ? 0 : index], right[right.count == 1 ? 0 : index]) else {
                return nil
            }
            result.append(size)
        }
        return result
    }

    private func size(_ left: BatchSize, _ right: BatchSize) -> BatchSize? {
        switch (formula, left, right) {
        case (.multiply, _, _): left.times(right)
        case (.floorDivide, .rows(let factor), .fixed(let divisor)),
            (.truncateDivide, .rows(let factor), .fixed(let divisor)),
            (.divide, .rows(let factor), .fixed(let divisor)):
            divisor > 0 && factor >= 0 && factor % divisor == 0 ? .rows(factor / divisor) : nil
        default: nil
        }
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        return try spec.broadcastKernel(formula, dtype, try spec.inputShape(0), try spec.inputShape(1))
    }
}

/// A formula of two broadcast tensors of booleans.
///
/// A boolean is a uint8 that is 0 or 1, so that the formula is one of bits.
struct ElementwiseLogical: ElementwiseOp {
    let formula: BinaryFormula

    var elementwiseFormula: ElementwiseFormula? { .binary(formula) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.bool, "x")
        try inputs[1].require(.bool, "y")
        return [TensorFact(.bool, try inputs[0].shape.broadcast(with: inputs[1].shape))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        try spec.broadcastKernel(formula, .uint8, try spec.inputShape(0), try spec.inputShape(1))
    }
}

extension KernelSpec {
    /// The kernel of a formula for the spec's output.
    func broadcastKernel(
        _ formula: BinaryFormula, _ dtype: DataType, _ left: Shape, _ right: Shape
    ) throws(OpError) -> Kernel {
        let shape = try outputShape()
        let kernel = Kernel.binary(formula, dtype, left, right, output: shape, result: outputs[0].dtype)
        if let kernel { return kernel }
        guard Kernel.binary(formula, dtype, .scalar, .scalar, output: .scalar, result: outputs[0].dtype) != nil else {
            throw .unsupported(dtype)
        }
        throw .unsupported("Broadcast between \(left) and \(right) is not supported yet.")
    }
}

/// The sum of one or more tensors of one shape and dtype.
struct AddN: ElementwiseOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(atLeast: 1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        var shape = PartialShape.unknown
        for (index, input) in inputs.enumerated() {
            shape = try shape.merged(with: input.shape, "input \(index) and those before it")
        }
        return [TensorFact(inputs[0].dtype, shape)]
    }

    var elementwiseFormula: ElementwiseFormula? { .sum }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        let count = try spec.outputShape().elementCount
        guard let kernel = Kernel.sum(inputCount: spec.inputs.count, dtype, count: count) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}

/// Adds a vector along the channels.
///
/// - Inputs: `value`, rank 2 or more; `bias`, as long as there are channels.
/// - Attributes: `data_format`: NHWC (channels last, the default) or NCHW (channels second).
struct BiasAdd: ElementwiseOp, ChannelAffineOp, FusibleLink, ImageOp {
    private enum Format: String {
        case channelsLast = "NHWC"
        case channelsSecond = "NCHW"
    }

    private let format: Format

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        format = try node.choice("data_format", default: .channelsLast)
    }

    init(channelsLast: Bool) { format = channelsLast ? .channelsLast : .channelsSecond }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        try inputs[0].requireRank(atLeast: 2, "value")
        try inputs[1].requireRank(1, "bias")
        guard var sizes = inputs[0].shape.dimensions else { return [TensorFact(inputs[0].dtype, .unknown)] }
        let axis = channelAxis(rank: sizes.count)
        let channels = PartialShape([sizes[axis]])
        guard let merged = channels.merged(with: inputs[1].shape) else {
            throw .invalid(
                "Must provide as many biases as there are channels: \(inputs[1].shape) vs. \(inputs[0].shape)")
        }
        sizes[axis] = merged.dimension(0)
        return [TensorFact(inputs[0].dtype, PartialShape(sizes))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, minimumRank: 2) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let value = try spec.inputShape(0)
        var sizes = [Int](repeating: 1, count: value.rank)
        let axis = channelAxis(rank: value.rank)
        sizes[axis] = value.dimensions[axis]
        guard let bias = Shape(sizes) else { throw .invalid("bias is too large") }
        return try spec.broadcastKernel(.add, spec.inputs[0].dtype, value, bias)
    }

    func channelAffine(of data: Int, _ inputs: [TensorFact]) -> ChannelAffine? {
        guard data == 0, inputs[0].dtype.isFloating, let rank = inputs[0].shape.rank else { return nil }
        return ChannelAffine(axis: channelAxis(rank: rank), formula: .adding(1))
    }

    func channelsLast(_ inputs: [TensorFact]) -> (any Op)? {
        format == .channelsSecond && inputs[0].shape.rank == 4 ? BiasAdd(channelsLast: true) : nil
    }

    /// Along the last axis, the bias broadcasts by itself.
    var elementwiseFormula: ElementwiseFormula? { format == .channelsLast ? .binary(.add) : nil }

    var fusibleProducts: Set<FusibleProductKind> { [.convolution, .matrixProduct] }

    private func channelAxis(rank: Int) -> Int { format == .channelsLast ? rank - 1 : 1 }
}

/// Elements of the second input where the first is true, else of the third.
///
/// - Inputs: `condition`, bool: a scalar, a vector that decides rows, or in the shape of the others; `t` and `e`, of one
///   shape and any dtype.
struct Select: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.bool, "condition")
        try inputs[1...].requireOneDType()
        guard let shape = inputs[1].shape.merged(with: inputs[2].shape) else {
            throw .invalid(
                "'then' and 'else' must have the same size. but received: \(inputs[1].shape) vs. \(inputs[2].shape)")
        }
        let condition = inputs[0].shape
        switch condition.rank {
        case nil, 0: return [TensorFact(inputs[1].dtype, shape)]
        case 1: return [TensorFact(inputs[1].dtype, try rows(condition, shape))]
        default:
            let what = "the condition and what it selects"
            return [TensorFact(inputs[1].dtype, try condition.merged(with: shape, what))]
        }
    }

    private func rows(_ condition: PartialShape, _ shape: PartialShape) throws(OpError) -> PartialShape {
        guard var sizes = shape.dimensions else { return .unknown }
        guard let first = sizes.first else { throw .invalid("the condition \(condition) selects from scalars") }
        guard let merged = PartialShape([first]).merged(with: condition) else {
            throw .invalid(
                "Number of batches of 'then' must match size of 'cond', but saw: \(first) vs. \(condition.dimension(0))"
            )
        }
        sizes[0] = merged.dimension(0)
        return PartialShape(sizes)
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        // A condition of one dimension decides rows, so that it must be cut as they are.
        node.isShared(0) && node.rank(0) == 0 ? node.rowwise(1, 2) : node.rowwise(0, 1, 2)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        let rows = try spec.inputShape(0).elementCount
        guard let kernel = Kernel.select(dtype, rows: rows, rowSize: output.elementCount / max(1, rows)) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}
