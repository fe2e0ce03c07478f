package import Kernels
internal import Tensors

extension OpTable {
    /// Ops of one input that compute, or hand on, each element on its own.
    static let elementwiseUnary: [OpEntry] = [
        OpEntry("Identity", make: Identity.init),
        OpEntry("StopGradient", make: Identity.init),
        OpEntry("PreventGradient", make: Identity.init),
        OpEntry("Snapshot", make: Identity.init),
        unary("Neg", .negate),
        unary("Abs", .abs),
        unary("Sign", .sign),
        unary("Square", .square),
        unary("Sqrt", .sqrt),
        unary("Rsqrt", .rsqrt),
        unary("Reciprocal", .reciprocal),
        unary("Inv", .reciprocal),
        unary("Floor", .floor),
        unary("Ceil", .ceil),
        unary("Round", .round),
        unary("Rint", .round),
        unary("Invert", .invert),
        unary("LogicalNot", .not),
        unary("PopulationCount", .population, to: .uint8),
        unary("IsNan", .isNaN, to: .bool),
        unary("IsInf", .isInfinite, to: .bool),
        unary("IsFinite", .isFinite, to: .bool),
        unary("Relu", .relu),
        unary("Relu6", .relu6),
        unary("Elu", .elu),
        unary("Selu", .selu),
        unary("Softplus", .softplus),
        unary("Softsign", .softsign),
        OpEntry(
            "ZerosLike", traits: HandleZeros.traits.union(ZerosLike.traits),
            makeAny: { node throws(OpError) in try node.isOfHandles ? HandleZeros(node) as any Op : ZerosLike(node) }),
    ]

    /// The op of a formula that a pass has found in several ops.
    package static func elementwise(_ formula: UnaryFormula) -> any ElementwiseOp {
        ElementwiseUnary(formula: formula, result: nil)
    }

    static func unary(_ name: String, _ formula: UnaryFormula, to result: DataType? = nil) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> ElementwiseUnary in
            try node.expectInputs(1)
            return ElementwiseUnary(formula: formula, result: result)
        }
    }
}

/// The input itself, of any dtype.
struct Identity: KernelOp {
    static var traits: OpTraits { .forwards }

    private let passesReference: Bool

    private init(_ node: NodeReader, passesReference: Bool) throws(OpError) {
        try node.expectInputs(1)
        self.passesReference = passesReference
    }

    init(_ node: NodeReader) throws(OpError) { try self.init(node, passesReference: false) }

    /// `RefIdentity`.
    static func ofReference(_ node: NodeReader) throws(OpError) -> Identity {
        try Identity(node, passesReference: true)
    }

    var traits: OpTraits { passesReference ? [.forwards, .passesReference] : .forwards }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [inputs[0]] }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { .alias() }
}

/// A formula for each element.
///
/// - Outputs: one tensor of the input's shape; of its dtype, or of a fixed one.
/// - Numerics: functions of float32 are within a few units in the last place; complex ones are computed in double precision.
///   NaN stays NaN.
struct ElementwiseUnary: ElementwiseOp, FusibleActivation {
    let formula: UnaryFormula
    /// The output's dtype; nil: that of the input.
    let result: DataType?

    var elementwiseFormula: ElementwiseFormula? { .unary(formula) }

    var fused: any Op {
        switch formula {
        case .relu: ElementwiseUnary(formula: .reluOfNumbers, result: result)
        case .relu6: ElementwiseUnary(formula: .relu6OfNumbers, result: result)
        default: self
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(result ?? inputs[0].dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (dtype, count) = (spec.inputs[0].dtype, try spec.outputShape().elementCount)
        guard let kernel = Kernel.unary(formula, dtype, result: spec.outputs[0].dtype, count: count) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}

/// Zeros, false or empty strings in the input's shape.
struct ZerosLike: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        guard !dtype.isHandle, let bytes = try spec.outputShape().byteCount(of: dtype) else {
            throw .unsupported(dtype)
        }
        return .zeros(byteCount: bytes)
    }
}
