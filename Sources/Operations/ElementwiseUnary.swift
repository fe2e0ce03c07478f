internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops of one input that compute, or hand on, each element on its own.
    static let elementwiseUnary: [OpEntry] = [
        OpEntry("Identity", make: Identity.init),
        OpEntry("IdentityN", make: IdentityN.init),
        OpEntry("StopGradient", make: Identity.init),
        OpEntry("PreventGradient", make: Identity.init),
        OpEntry("Snapshot", make: Identity.init),
        unary("Neg", .negate),
        unary("Abs", .abs),
        unary("Square", .square),
        unary("Sqrt", .sqrt),
        unary("Rsqrt", .rsqrt),
        unary("Exp", .exp),
        unary("Log", .log),
        unary("Sigmoid", .sigmoid),
        unary("Tanh", .tanh),
        unary("Relu", .relu),
        unary("Relu6", .relu6),
        unary("Floor", .floor),
        OpEntry("Cast", make: Cast.init),
        OpEntry("ZerosLike", make: ZerosLike.init),
    ]

    private static func unary(_ name: String, _ formula: UnaryFormula) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(CompileError) -> any Op in
            try node.expectInputs(1)
            return ElementwiseUnary(formula: formula)
        }
    }
}

/// The inputs themselves, of any dtypes.
struct IdentityN: Op {
    var forwardsInputs: Bool { true }

    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(atLeast: 1) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] { inputs }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel { .alias() }
}

/// The input itself, of any dtype.
struct Identity: Op {
    var forwardsInputs: Bool { true }

    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] { [inputs[0]] }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel { .alias() }
}

/// A formula for each element.
///
/// - Outputs: one tensor of the input's dtype and shape.
/// - Numerics: exp, log, tanh and sigmoid are within a few units in the last place. NaN stays NaN.
struct ElementwiseUnary: Op {
    let formula: UnaryFormula

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        guard let kernel = Kernel.unary(formula, dtype, count: try spec.outputShape().elementCount) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}

/// Converts to another dtype.
///
/// - Attributes: `DstT`; `Truncate` changes nothing among the supported dtypes.
/// - Numerics: floats lose their fraction. One that an int32 or int64 cannot hold gives the least number, as x86 has it;
///   narrower integers take the low bits of the int32. NaN is true.
struct Cast: Op {
    let target: DataType

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(1)
        target = try node.type("DstT")
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        [TensorFact(target, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        let source = spec.inputs[0].dtype
        guard let kernel = Kernel.cast(from: source, to: target, count: try spec.outputShape().elementCount) else {
            throw .unsupported("a conversion from \(source) to \(target) is not supported")
        }
        return kernel
    }
}

/// Zeros, false or empty strings in the input's shape.
struct ZerosLike: Op {
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        guard !dtype.isHandle, let bytes = try spec.outputShape().byteCount(of: dtype) else {
            throw .unsupported(dtype)
        }
        return .zeros(byteCount: bytes)
    }
}
