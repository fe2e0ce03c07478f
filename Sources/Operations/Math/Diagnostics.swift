internal import Kernels
internal import Tensors
internal import Threads

extension OpTable {
    /// Ops that look at values, and hand them on or reinterpret them.
    static let diagnostics: [OpEntry] = [
        check("CheckNumerics", tellsSigns: false),
        check("CheckNumericsV2", tellsSigns: true),
        OpEntry("Print", make: FirstInput.init),
        OpEntry("PrintV2", make: NoOp.init),
        OpEntry("DebugIdentity", make: Identity.init),
        OpEntry("DebugIdentityV2", make: Identity.init),
        OpEntry("DebugIdentityV3", make: Identity.init),
        OpEntry("Copy", make: Identity.init),
        OpEntry("CopyHost", make: Identity.init),
        OpEntry("Bitcast", make: Bitcast.init),
        OpEntry("Timestamp", make: Timestamp.init),
    ]

    private static func check(_ name: String, tellsSigns: Bool) -> OpEntry {
        OpEntry(name) { node throws(OpError) in
            try node.expectInputs(1)
            return CheckNumerics(message: try node.string("message"), tellsSigns: tellsSigns)
        }
    }
}

/// The input, of a floating type; an error where an element is NaN or infinite. Attributes: `message`, which the error begins with.
struct CheckNumerics: KernelOp {
    let message: String
    /// Whether the error tells one infinity from the other.
    let tellsSigns: Bool

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (message, tellsSigns) = (message, tellsSigns)
        let kernel = Kernel.checkingNumbers(spec.inputs[0].dtype, count: try spec.outputShape().elementCount) { found in
            .message("\(message) : Tensor had \(found.text(tellsSigns)) values")
        }
        guard let kernel else { throw .unsupported(spec.inputs[0].dtype) }
        return kernel
    }
}

extension SpecialNumbers {
    /// "Inf and NaN"; with signs "-Inf, +Inf, and NaN".
    fileprivate func text(_ tellsSigns: Bool) -> String {
        guard tellsSigns else {
            return contains(.nan) ? contains(.infinities) ? "Inf and NaN" : "NaN" : "Inf"
        }
        var names: [String] = []
        if contains(.minusInfinity) { names.append("-Inf") }
        if contains(.plusInfinity) { names.append("+Inf") }
        if contains(.nan) { names.append("NaN") }
        if names.count == 3 { names[2] = "and NaN" }
        return names.joined(separator: names.count == 2 ? " and " : ", ")
    }
}

/// The first input; what a graph shows of the others is not shown.
struct FirstInput: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(atLeast: 1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [inputs[0]] }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.all(node.roles[0]) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { .alias() }
}

/// The same bytes as elements of another dtype.
///
/// - Outputs: where elements become narrower there is one more axis, the last; where they become wider the last axis, which must be
///   as long as they are wider, is gone.
/// - Attributes: `type`.
struct Bitcast: KernelOp {
    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        dtype = try node.type("type")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let from = inputs[0].dtype.fixedWidth, let to = dtype.fixedWidth else {
            throw .unsupported("cannot reinterpret \(inputs[0].dtype) as \(dtype)")
        }
        guard var dimensions = inputs[0].shape.dimensions else { return [TensorFact(dtype, .unknown)] }
        if from > to {
            dimensions.append(from / to)
            _ = try PartialShape.ofRank(checking: dimensions.count)
        } else if from < to {
            guard let last = dimensions.popLast(), last < 0 || last == to / from else {
                throw .invalid(
                    "Cannot bitcast from \(inputs[0].dtype) to \(dtype): the last dimension of \(inputs[0].shape) must be "
                        + "\(to / from)")
            }
        }
        return [TensorFact(dtype, PartialShape(dimensions))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        // Wider elements are made of the last dimension.
        let isWider = (dtype.fixedWidth ?? 0) > (node.inputs[0].dtype.fixedWidth ?? 0)
        return node.rowwise(0, minimumRank: isWider ? 2 : 1)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let bytes = try spec.outputShape().elementCount * dtype.stride
        return .copy(StridedCopy(width: 1, [StridedCopy.Axis(count: bytes, source: 1, destination: 1)]))
    }
}

/// The time, in seconds since 1970, as float64.
struct Timestamp: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(0) }

    static var traits: OpTraits { .random }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(.float64, .scalar)] }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        [try .scalar(WallClock.seconds)]
    }
}
