internal import Kernels
internal import Tensors

extension OpTable {
    /// Gradients of elementwise ops. Some graphs have them in what they serve: an optimiser's step, a saliency map.
    static let elementwiseGradients: [OpEntry] = [
        gradient("ReluGrad", .reluGrad),
        gradient("Relu6Grad", .relu6Grad),
        gradient("EluGrad", .eluGrad),
        gradient("SeluGrad", .seluGrad),
        gradient("SoftplusGrad", .softplusGrad),
        gradient("SoftsignGrad", .softsignGrad),
        gradient("TanhGrad", .tanhGrad),
        gradient("SigmoidGrad", .sigmoidGrad),
        gradient("SqrtGrad", .sqrtGrad),
        gradient("RsqrtGrad", .rsqrtGrad),
        gradient("InvGrad", .reciprocalGrad),
        gradient("ReciprocalGrad", .reciprocalGrad),
        OpEntry("LeakyRelu", make: LeakyRelu.init),
        OpEntry("LeakyReluGrad", make: LeakyReluGrad.init),
    ]

    private static func gradient(_ name: String, _ formula: BinaryFormula) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> ElementwiseGradient in
            try node.expectInputs(2)
            return ElementwiseGradient(formula: formula)
        }
    }
}

/// A formula of two tensors of one dtype and shape.
///
/// - Inputs: ReluGrad and its kin: the gradient, then the op's input (its output for EluGrad and SeluGrad). TanhGrad and its
///   kin: the op's output, then the gradient.
struct ElementwiseGradient: ElementwiseOp {
    let formula: BinaryFormula

    var elementwiseFormula: ElementwiseFormula? { .binary(formula) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(inputs[0].dtype, try inputs.commonShape())]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let shape = try spec.outputShape()
        return try spec.broadcastKernel(formula, spec.inputs[0].dtype, shape, shape)
    }
}

/// x where it is positive, else alpha x.
///
/// - Inputs: a float type.
/// - Attributes: `alpha`: 0.2.
struct LeakyRelu: ElementwiseOp {
    private let alpha: Float

    var elementwiseFormula: ElementwiseFormula? { .leakyRelu(alpha: alpha) }

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        alpha = try node.float("alpha", default: 0.2)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireFloating("features")
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        try spec.ternaryKernel(.leakyReluGrad, inputs: (0, 0), constant: alpha)
    }
}

/// The gradient where the op's input was positive, else alpha times it.
///
/// - Inputs: the gradient; the op's input.
/// - Attributes: `alpha`, as of ``LeakyRelu``.
struct LeakyReluGrad: KernelOp {
    private let alpha: Float

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        alpha = try node.float("alpha", default: 0.2)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireFloating("gradients")
        return [TensorFact(inputs[0].dtype, try inputs.commonShape())]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        try spec.ternaryKernel(.leakyReluGrad, inputs: (0, 1), constant: alpha)
    }
}

extension TensorFact {
    fileprivate func requireFloating(_ what: String) throws(OpError) {
        guard dtype.isFloating else { throw .invalid("\(what) must be floating point numbers, they are \(dtype)") }
    }
}

extension [TensorFact] {
    /// The one shape of two inputs of one dtype.
    func commonShape() throws(OpError) -> PartialShape {
        try requireOneDType()
        return try self[0].shape.merged(with: self[1].shape, "inputs 0 and 1")
    }
}

extension KernelSpec {
    /// The kernel of a formula of two inputs and a constant.
    func ternaryKernel(
        _ formula: TernaryFormula, inputs operands: (Int, Int), constant: Float
    ) throws(OpError) -> Kernel {
        let (dtype, count) = (inputs[0].dtype, try outputShape().elementCount)
        let kernel = Kernel.ternary(
            formula, dtype, inputs: operands, constant: constant, result: outputs[0].dtype, count: count)
        guard let kernel else { throw .unsupported(dtype) }
        return kernel
    }
}
