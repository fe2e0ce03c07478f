internal import Kernels
internal import Tensors

extension OpTable {
    /// Diagonals of tensors, and bands.
    static let diagonals: [OpEntry] = [
        OpEntry("Diag", make: Diag.init),
        OpEntry("DiagPart", make: DiagPart.init),
        OpEntry("BatchMatrixBandPart", make: MatrixBandPart.init),
        OpEntry("MatrixBandPart", make: MatrixBandPart.init),
    ]
}

/// A tensor whose diagonal is the input, all else zero: the input's dimensions twice.
struct Diag: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let sizes = inputs[0].shape.dimensions else { return [TensorFact(inputs[0].dtype, .unknown)] }
        guard !sizes.isEmpty else { throw .invalid("Input must be at least rank 1, got 0") }
        _ = try PartialShape.ofRank(checking: 2 * sizes.count)
        return [TensorFact(inputs[0].dtype, PartialShape(sizes + sizes))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let count = try spec.inputShape(0).elementCount
        let copy = StridedCopy(
            width: width, [StridedCopy.Axis(count: count, source: width, destination: (count + 1) * width)])
        return .patching(
            [Patch(copy, source: 0, destination: 0)], input: 0, over: .zeros,
            count: try spec.outputShape().elementCount, width: width)
    }
}

/// The diagonal of a tensor whose dimensions are the same ones twice.
struct DiagPart: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let shape = inputs[0].shape
        guard let sizes = shape.dimensions else { return [TensorFact(inputs[0].dtype, .unknown)] }
        let half = sizes.count / 2
        guard sizes.count.isMultiple(of: 2) else {
            throw .invalid("The rank of the tensor should be even and positive, got shape \(shape)")
        }
        var result: [Int] = []
        for axis in 0..<half {
            let (one, two) = (sizes[axis], sizes[axis + half])
            guard one < 0 || two < 0 || one == two else {
                throw .invalid("Invalid shape \(shape): dimensions \(axis) and \(axis + half) do not match.")
            }
            result.append(max(one, two))
        }
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let count = try spec.outputShape().elementCount
        return .copy(
            StridedCopy(
                width: width, [StridedCopy.Axis(count: count, source: (count + 1) * width, destination: width)]))
    }
}

/// Matrices without what is not within a band around their diagonals.
///
/// - Inputs: `input`, rank 2 or more; `num_lower` and `num_upper`, scalars: how many diagonals below and above the main one
///   stay; negative: all.
struct MatrixBandPart: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    var valueInputs: [Int] { [1, 2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireMatrices()
        let sizes = inputs[0].shape.dimensions ?? []
        for (number, (name, what)) in [("num_lower", "rows"), ("num_upper", "columns")].enumerated() {
            let input = inputs[number + 1]
            guard input.shape.rank ?? 0 == 0 else { throw .invalid("\(name) must be scalar, got shape \(input.shape)") }
            guard let count = try input.indices(name)?.first, !sizes.isEmpty else { continue }
            let size = sizes[sizes.count - 2 + number]
            guard size < 0 || count <= size else {
                throw .invalid("\(name) must be negative or less or equal to number of \(what) (\(size)) got: \(count)")
            }
        }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let sizes = try spec.inputShape(0).dimensions
        guard let lower = spec.inputs[1].integers?.first, let upper = spec.inputs[2].integers?.first else {
            throw OpError(.malformed, "the band is not known")
        }
        return .band(
            count: sizes.dropLast(2).wrappingProduct, rows: sizes[sizes.count - 2], columns: sizes[sizes.count - 1],
            lower: lower, upper: upper, width: try spec.inputs[0].elementWidth)
    }
}

extension TensorFact {
    /// Checks that there are two dimensions, if the rank is known.
    func requireMatrices(_ what: String = "input") throws(OpError) {
        guard shape.rank ?? 2 >= 2 else { throw .invalid("\(what) must be at least 2-dim, received shape: \(shape)") }
    }
}
