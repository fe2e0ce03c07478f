internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that make probabilities of logits.
    static let softmaxes: [OpEntry] = [
        softmax("Softmax", logarithm: false),
        softmax("LogSoftmax", logarithm: true),
        OpEntry("SoftmaxCrossEntropyWithLogits", make: SoftmaxCrossEntropy.init),
    ]

    private static func softmax(_ name: String, logarithm: Bool) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> Softmax in
            try node.expectInputs(1)
            return Softmax(logarithm: logarithm)
        }
    }
}

/// Normalises the last axis to a probability distribution, or gives the logarithm of that.
///
/// - Inputs: `logits`, float32 or float64, rank 1 or more.
/// - Numerics: subtracts the row's maximum first; NaN fills its row.
struct Softmax: RowwiseOp, SoftmaxingOp {
    let logarithm: Bool

    var givesProbabilities: Bool { !logarithm }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(atLeast: 1, "logits")
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, minimumRank: 2) }

    func rowFormula(_ inputs: [TensorFact]) -> FusedTail? {
        !logarithm && inputs[0].dtype == .float32 && inputs[0].shape.isFullyDefined ? .softmax : nil
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (shape, dtype) = (try spec.outputShape(), spec.outputs[0].dtype)
        let count = shape.dimensions.last ?? 1
        let rows = count == 0 ? 0 : shape.elementCount / count
        guard let kernel = Kernel.softmax(dtype, rows: rows, count: count, logarithm: logarithm) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}

/// The cross entropy of softmax of logits with labels.
///
/// - Inputs: `features` (logits) and `labels`, float32 or float64, which broadcast to two dimensions.
/// - Outputs: `loss`, one number a row; `backprop`, its gradient by the logits.
struct SoftmaxCrossEntropy: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        guard let both = inputs[0].shape.broadcastIfCompatible(with: inputs[1].shape) else {
            throw .invalid(
                "logits and labels must be broadcastable: logits_size=\(inputs[0].shape) labels_size=\(inputs[1].shape)"
            )
        }
        guard let shape = both.merged(with: .ofRank(2)) else {
            throw .invalid("logits and labels must be either 2-dimensional, or broadcasted to be 2-dimensional")
        }
        return [
            TensorFact(inputs[0].dtype, PartialShape([shape.dimension(0)])), TensorFact(inputs[0].dtype, shape),
        ]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, 1, minimumRank: 2) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let sizes = try spec.outputShape(1).dimensions
        let dtype = spec.inputs[0].dtype
        let (logits, labels) = (try spec.inputShape(0), try spec.inputShape(1))
        guard let kernel = Kernel.softmaxCrossEntropy(dtype, logits, labels, rows: sizes[0], count: sizes[1]) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}
