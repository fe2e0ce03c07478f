internal import Kernels
internal import Tensors

extension OpTable {
    /// Tensors handed on, or made of nothing.
    static let forwarding: [OpEntry] = [
        OpEntry("RefIdentity", traits: [.forwards, .passesReference], make: Identity.ofReference),
        OpEntry("DeepCopy", make: DeepCopy.init),
        OpEntry("IdentityN", make: IdentityN.init),
        OpEntry("EnsureShape", make: EnsureShape.init),
        OpEntry("Empty", make: Empty.init),
        OpEntry("OnesLike", make: OnesLike.init),
    ]
}

/// The inputs themselves, of any dtypes.
struct IdentityN: KernelOp {
    static var traits: OpTraits { .forwards }

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(atLeast: 1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { inputs }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        if spec.inputs.count == 1 { return .alias() }
        var byteCounts: [Int] = []
        for (number, input) in spec.inputs.enumerated() {
            byteCounts.append(try spec.inputShape(number).elementCount * input.elementWidth)
        }
        return .copies(byteCounts: byteCounts)
    }
}

/// The input itself, if it has the shape that is told. Attributes: `shape`, of which dimensions may be unknown.
struct EnsureShape: MovementOp {
    private let shape: PartialShape

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        shape = try node.shape("shape")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let merged = inputs[0].shape.merged(with: shape) else {
            throw .invalid("Shape of tensor \(inputs[0].shape) is not compatible with expected shape \(shape).")
        }
        return [TensorFact(inputs[0].dtype, merged, value: inputs[0].value)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        // A size that is told holds for the request, not for the batch.
        shape.dimension(0) < 0 ? node.rowwise(0) : node.mixed
    }

    func movement(_ inputs: [TensorFact]) -> Movement? { .reshape }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        _ = try outputs(for: spec.inputs)
        return .alias()
    }
}

/// A tensor of the shape that the input gives; its elements are zero (TensorFlow leaves them open unless `init` is set).
///
/// - Inputs: an int32 vector. Attributes: `dtype`, `init`.
struct Empty: KernelOp {
    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        dtype = try node.type("dtype")
    }

    var valueInputs: [Int] { [0] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[0].shape.rank ?? 1 == 1 else {
            throw .invalid("shape must be a vector of int32, got shape \(inputs[0].shape)")
        }
        guard let sizes = try inputs[0].indices("shape") else {
            return [TensorFact(dtype, try .ofRank(checking: inputs[0].shape.dimension(0)))]
        }
        for size in sizes where size < 0 { throw .invalid("Dimension \(size) must be >= 0") }
        _ = try PartialShape.ofRank(checking: sizes.count)
        return [TensorFact(dtype, PartialShape(sizes))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowsOfShape(0).map { [.rows($0)] } ?? node.mixed }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        .zeros(byteCount: try spec.outputShape().elementCount * spec.outputs[0].elementWidth)
    }
}

/// The input in memory of its own: nobody here can tell it from the input itself.
struct DeepCopy: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    static var traits: OpTraits { .notFolded }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.handingOn { node.rowwise(0) } }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { .alias() }
}

/// Ones of the input's dtype and shape: numbers or truth values.
struct OnesLike: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        guard let one = ElementValue(1, as: dtype) else { throw .unsupported(dtype) }
        return .fill(count: try spec.outputShape().elementCount, width: dtype.stride, value: one)
    }
}
