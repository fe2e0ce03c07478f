internal import Kernels
internal import Tensors

extension OpTable {
    /// What a tensor's shape is, as a tensor.
    static let shapeQueries: [OpEntry] = [
        OpEntry("Shape", make: ShapeOp.init),
        OpEntry("ShapeN", make: ShapeOp.init),
        OpEntry("Size", make: SizeOp.init),
        OpEntry("Rank", make: RankOp.init),
    ]
}

extension NodeReader {
    /// The attribute `out_type`, or another one of its kind: int32 or int64.
    func outType(_ name: String = "out_type") throws(OpError) -> DataType {
        let dtype = try type(name, default: .int32)
        guard dtype == .int32 || dtype == .int64 else {
            throw malformed("\(name) must be int32 or int64, it is \(dtype)")
        }
        return dtype
    }
}

extension Op {
    /// A kernel that writes what the op's rule knows: these ops look at shapes only.
    func kernelOfKnownValues(_ spec: KernelSpec) throws(OpError) -> Kernel {
        let values = try outputs(for: spec.inputs).compactMap(\.value)
        guard values.count == spec.outputs.count else {
            throw OpError(.malformed, "the input's shape is not known")
        }
        return .constants(values)
    }
}

/// The dimensions of each input.
///
/// - Inputs: any tensors.
/// - Outputs: one vector for each, known as soon as the shape is.
/// - Attributes: `out_type`.
struct ShapeOp: KernelOp {
    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        if node.op == "Shape" { try node.expectInputs(1) }
        dtype = try node.outType()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var facts: [TensorFact] = []
        for input in inputs { facts.append(try output(for: input.shape)) }
        return facts
    }

    private func output(for shape: PartialShape) throws(OpError) -> TensorFact {
        guard let dimensions = shape.dimensions else { return TensorFact(dtype, .ofRank(1)) }
        let length = Shape.vector(dimensions.count)
        guard shape.isFullyDefined else { return TensorFact(dtype, length) }
        return try TensorFact(dimensions, as: dtype, shape: length) {
            "Shape output type is 32-bit  but dim \($0) is \(dimensions[$0])"
        }
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        node.inputs.indices.map { index in
            switch node.roles[index] {
            case .shared, .sizes: return .shared
            case .mixed: return .mixed
            case .rows(let count):
                guard let dimensions = node.inputs[index].shape.dimensions else { return .mixed }
                return .sizes([.rows(count)] + dimensions.dropFirst().map { .fixed($0) })
            }
        }
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try kernelOfKnownValues(spec) }
}

/// The number of elements of the input. Attributes: `out_type`.
struct SizeOp: KernelOp {
    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        dtype = try node.outType()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let dimensions = inputs[0].shape.dimensions else { return [TensorFact(dtype, .scalar)] }
        let size = dimensions.contains(0) ? 0 : try PartialShape.product(dimensions)
        guard size >= 0 else { return [TensorFact(dtype, .scalar)] }
        let fact = try TensorFact([size], as: dtype, shape: .scalar) { _ in
            "Number of elements was larger than representable by 32-bit output type"
        }
        return [fact]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let count = node.rows(0), let dimensions = node.inputs[0].shape.known?.dimensions,
            let size = BatchSize.rows(count).times(.fixed(dimensions.dropFirst().wrappingProduct))
        else { return node.mixed }
        return [.sizes([size])]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try kernelOfKnownValues(spec) }
}

/// The number of dimensions of the input, an int32 scalar.
struct RankOp: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let rank = inputs[0].shape.rank else { return [TensorFact(.int32, .scalar)] }
        return [try TensorFact([rank], as: .int32, shape: .scalar) { _ in "the rank is too large" }]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.all(node.roles[0] == .mixed ? .mixed : .shared) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try kernelOfKnownValues(spec) }
}
