internal import Kernels
internal import Tensors

extension OpTable {
    /// Elementwise ops of three operands, and what is like them.
    static let elementwiseTernary: [OpEntry] = [
        OpEntry("ClipByValue", make: ClipByValue.init),
        OpEntry("Betainc", make: Betainc.init),
        OpEntry("ApproximateEqual", make: ApproximateEqual.init),
        OpEntry("Cross", make: Cross.init),
    ]
}

/// Elements held between two bounds; the lower one where the bounds contradict each other.
///
/// - Inputs: `t`; `clip_value_min` and `clip_value_max`, each a scalar or in the shape of `t`. All of one dtype.
struct ClipByValue: ElementwiseOp {
    var elementwiseFormula: ElementwiseFormula? { .ternary(.clip) }

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        var shape = inputs[0].shape
        // One that may be a scalar says nothing.
        for bound in inputs[1...] where bound.shape.rank ?? 0 != 0 {
            guard let merged = shape.merged(with: bound.shape) else {
                throw .invalid(
                    "clip_value_min and clip_value_max must be either of the same shape as input, or a scalar. "
                        + "input shape: \(inputs[0].shape)clip_value_min shape: \(inputs[1].shape)"
                        + "clip_value_max shape: \(inputs[2].shape)")
            }
            shape = merged
        }
        return [TensorFact(inputs[0].dtype, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        try spec.ternaryKernel(
            .clip, repeats: (false, try spec.inputShape(1).rank == 0, try spec.inputShape(2).rank == 0))
    }
}

/// The regularised incomplete beta integral.
///
/// - Inputs: `a`, `b`, `x`: of one shape, or scalars; float32 or float64.
struct Betainc: ElementwiseOp {
    var elementwiseFormula: ElementwiseFormula? { .ternary(.betainc) }

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        var shape = PartialShape.scalar
        var isUnknown = false
        for (index, input) in inputs.enumerated() {
            guard let rank = input.shape.rank else {
                isUnknown = true
                continue
            }
            guard rank > 0 else { continue }
            guard let merged = shape.rank == 0 ? input.shape : shape.merged(with: input.shape) else {
                throw .invalid(
                    "Shapes of \(["a", "b", "x"][index]) and those before it are inconsistent: \(shape) vs. \(input.shape)"
                )
            }
            shape = merged
        }
        return [TensorFact(inputs[0].dtype, isUnknown && shape.rank == 0 ? .unknown : shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let repeats = (
            try spec.inputShape(0).rank == 0, try spec.inputShape(1).rank == 0, try spec.inputShape(2).rank == 0
        )
        return try spec.ternaryKernel(.betainc, repeats: repeats)
    }
}

/// Whether two tensors of one shape are near to each other, element by element.
///
/// - Attributes: `tolerance`: 1e-5; the difference must be less.
struct ApproximateEqual: KernelOp {
    private let tolerance: Float

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        tolerance = try node.float("tolerance", default: 1e-5)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(.bool, try inputs.commonShape())]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        try spec.ternaryKernel(.near, inputs: (0, 1), constant: tolerance)
    }
}

/// The cross products of vectors, which the last dimension holds.
///
/// - Inputs: two tensors of one shape, of rank 1 or more, the last dimension 3.
struct Cross: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let shape = try inputs.commonShape()
        if let sizes = shape.dimensions {
            guard let last = sizes.last else { throw .invalid("Input must be at least 1D \(shape)") }
            guard last == 3 || last < 0 else {
                throw .invalid("Cross-products are only defined for 3-element vectors: last dimension is \(last)")
            }
        }
        return [TensorFact(inputs[0].dtype, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, 1, minimumRank: 2) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (dtype, count) = (spec.inputs[0].dtype, try spec.outputShape().elementCount)
        guard let kernel = Kernel.cross(dtype, rows: count / 3) else { throw .unsupported(dtype) }
        return kernel
    }
}

extension KernelSpec {
    /// The kernel of a formula of the three inputs.
    fileprivate func ternaryKernel(
        _ formula: TernaryFormula, repeats: (Bool, Bool, Bool)
    ) throws(OpError) -> Kernel {
        let (dtype, count) = (inputs[0].dtype, try outputShape().elementCount)
        let kernel = Kernel.ternary(formula, dtype, repeats: repeats, result: outputs[0].dtype, count: count)
        guard let kernel else { throw .unsupported(dtype) }
        return kernel
    }
}
