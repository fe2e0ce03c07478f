internal import Kernels
internal import Tensors

extension OpTable {
    /// Losses, and what comes with them in training graphs.
    static let losses: [OpEntry] = [
        OpEntry("SparseSoftmaxCrossEntropyWithLogits", make: SparseSoftmaxCrossEntropy.init),
        OpEntry("L2Loss", make: L2Loss.init),
        OpEntry("InTopK", make: InTopK.init),
        OpEntry("InTopKV2", make: InTopK.init),
        OpEntry("BiasAddV1", make: BiasAdd.init),
        OpEntry("BiasAddGrad", make: BiasAddGradient.init),
    ]
}

/// The cross entropy of softmax of logits with one label a row.
///
/// - Inputs: `features` (logits), two dimensions, any float; `labels`, int32 or int64, one a row, in [0, columns).
/// - Outputs: `loss`, one number a row; `backprop`, its gradient by the logits.
struct SparseSoftmaxCrossEntropy: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (logits, labels) = (inputs[0], inputs[1])
        guard labels.dtype == .int32 || labels.dtype == .int64 else {
            throw .invalid("labels must be int32 or int64, it is \(labels.dtype)")
        }
        guard logits.shape.rank ?? 2 == 2 else { throw .invalid("logits must be 2-D, but got shape \(logits.shape)") }
        guard labels.shape.rank ?? 1 == 1 else { throw .invalid("labels must be 1-D, but got shape \(labels.shape)") }
        guard logits.shape.dimension(1) != 0 else {
            throw .invalid("Must have at least one class, but got logits shape \(logits.shape)")
        }
        guard let rows = PartialShape([logits.shape.dimension(0)]).merged(with: labels.shape) else {
            throw .invalid(
                "logits and labels must have the same first dimension, got logits shape \(logits.shape) and labels "
                    + "shape \(labels.shape)")
        }
        let shape = PartialShape([rows.dimension(0), logits.shape.dimension(1)])
        return [TensorFact(logits.dtype, rows), TensorFact(logits.dtype, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, 1) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (logits, dtype) = (try spec.inputShape(0), spec.inputs[0].dtype)
        try spec.requireRoom(logits.dimensions[1])
        let kernel = Kernel.sparseSoftmaxCrossEntropy(
            dtype, labels: spec.inputs[1].dtype, rows: logits.dimensions[0], count: logits.dimensions[1])
        guard let kernel else { throw .unsupported(dtype) }
        return logits.elementCount == 0 ? .nothing : kernel
    }
}

/// Half the sum of the squares of a tensor of any float: a scalar.
struct L2Loss: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(inputs[0].dtype, Shape.scalar)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let count = try spec.inputShape(0).elementCount
        guard let kernel = Kernel.halfSquareSum(spec.inputs[0].dtype, count: count) else {
            throw .unsupported(spec.inputs[0].dtype)
        }
        return kernel
    }
}

/// Whether the target of each row is among the k largest predictions; those equal to the kth count.
///
/// - Inputs: `predictions`, float32, two dimensions; `targets`, int32 or int64, one a row; V2 `k`, a scalar of their dtype.
/// - Attributes: `k`, unless it is an input.
/// - Numerics: a row that has a number that is not finite, or a target out of range, gives false.
struct InTopK: KernelOp {
    /// nil where it is an input.
    private let k: Int?

    var valueInputs: [Int] { k == nil ? [2] : [] }

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(atLeast: 2)
        k = node.inputCount == 2 ? try node.int("k") : nil
        try node.expectInputs(k == nil ? 3 : 2)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.float32, "predictions")
        guard inputs[0].shape.rank ?? 2 == 2 else { throw .invalid("predictions must be 2-dimensional") }
        guard inputs[1].shape.rank ?? 1 == 1 else { throw .invalid("targets must be 1-dimensional") }
        guard let rows = PartialShape([inputs[0].shape.dimension(0)]).merged(with: inputs[1].shape) else {
            throw .invalid(
                "First dimension of predictions \(inputs[0].shape.dimension(0)) must match length of targets "
                    + "\(inputs[1].shape.dimension(0))")
        }
        if k == nil { try inputs[2].requireRank(0, "k") }
        return [TensorFact(.bool, rows)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, 1) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let predictions = try spec.inputShape(0).dimensions
        guard let k = k ?? spec.inputs[2].integers?.first else { throw OpError(.malformed, "k is not known") }
        let targets = spec.inputs[1].dtype
        guard let kernel = Kernel.inTopK(targets, rows: predictions[0], count: predictions[1], k: k) else {
            throw .unsupported("targets of dtype \(targets) are not supported")
        }
        return kernel
    }
}

/// The gradient of BiasAdd by the bias: the sum over all dimensions but that of the channels.
///
/// - Inputs: `out_backprop`, rank 2 or more.
/// - Attributes: `data_format`: NHWC (channels last, the default) or NCHW (channels second).
struct BiasAddGradient: KernelOp {
    private let format: ImageFormat

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        format = try node.imageFormat()
    }

    private func channelAxis(rank: Int) -> Int { format.isChannelsFirst ? 1 : rank - 1 }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let rank = inputs[0].shape.rank else { return [TensorFact(inputs[0].dtype, .ofRank(1))] }
        guard rank >= 2 else { throw .invalid("Input tensor must be at least 2D: \(inputs[0].shape)") }
        return [TensorFact(inputs[0].dtype, PartialShape([inputs[0].shape.dimension(channelAxis(rank: rank))]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (gradient, dtype) = (try spec.inputShape(0), spec.inputs[0].dtype)
        let axis = channelAxis(rank: gradient.rank)
        let axes = gradient.dimensions.indices.filter { $0 != axis }
        guard let kernel = Kernel.reduce(.sum, dtype, gradient, axes: axes) else { throw .unsupported(dtype) }
        return kernel
    }
}
