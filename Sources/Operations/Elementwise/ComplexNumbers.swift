internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that take complex numbers apart, and put them together.
    static let complexNumbers: [OpEntry] = [
        OpEntry("Complex", make: Complex.init),
        unary("Conj", .conjugate),
        part("Real", .real),
        part("Imag", .imaginary),
        part("ComplexAbs", .magnitude),
        part("Angle", .angle),
    ]

    private static func part(_ name: String, _ formula: UnaryFormula) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> ComplexPart in
            try node.expectInputs(1)
            return ComplexPart(formula: formula, output: try node.type("Tout", default: .float32))
        }
    }
}

/// A real number of each complex one.
///
/// - Inputs: complex64 or complex128.
/// - Attributes: `Tout`: float32 for complex64, float64 for complex128.
struct ComplexPart: KernelOp {
    let formula: UnaryFormula
    let output: DataType

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[0].dtype.complexPart == output else {
            throw OpError(.malformed, "attribute Tout = \(output) does not fit \(inputs[0].dtype)")
        }
        return [TensorFact(output, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (dtype, count) = (spec.inputs[0].dtype, try spec.outputShape().elementCount)
        guard let kernel = Kernel.unary(formula, dtype, result: output, count: count) else { throw .unsupported(dtype) }
        return kernel
    }
}

/// Complex numbers of their real and their imaginary parts, which broadcast.
///
/// - Inputs: both float32 or both float64.
/// - Attributes: `Tout`: complex64 or complex128.
struct Complex: KernelOp {
    let output: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        output = try node.type("Tout", default: .complex64)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        guard inputs[0].dtype == output.complexPart else {
            throw OpError(.malformed, "attribute Tout = \(output) does not fit \(inputs[0].dtype)")
        }
        return [TensorFact(output, try inputs[0].shape.broadcast(with: inputs[1].shape))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        try spec.broadcastKernel(.complex, spec.inputs[0].dtype, try spec.inputShape(0), try spec.inputShape(1))
    }
}
