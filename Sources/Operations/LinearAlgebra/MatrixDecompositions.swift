internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that invert and factor matrices.
    static let matrixDecompositions: [OpEntry] = [
        square("MatrixInverse", .inverse, adjoint: "adjoint"),
        square("BatchMatrixInverse", .inverse, adjoint: "adjoint"),
        square("MatrixDeterminant", .determinant),
        square("BatchMatrixDeterminant", .determinant),
        square("LogMatrixDeterminant", .logDeterminant),
        square("Cholesky", .cholesky),
        square("BatchCholesky", .cholesky),
        square("Lu", .lu, index: "output_idx_type"),
        square("SelfAdjointEigV2", .eigenvalues, vectors: "compute_v"),
        square("BatchSelfAdjointEigV2", .eigenvalues, vectors: "compute_v"),
        factors("Qr", .qr),
        factors("Svd", .singularValues),
        factors("BatchSvd", .singularValues),
    ]

    private static func square(
        _ name: String, _ kind: MatrixDecomposition.Kind, adjoint: String? = nil, vectors: String? = nil,
        index: String? = nil
    ) -> OpEntry {
        OpEntry(name) { node throws(OpError) in
            try node.expectInputs(1)
            var op = SquareMatrixOp(kind: kind)
            if let adjoint { op.adjoint = try node.bool(adjoint, default: false) }
            if let vectors { op.vectors = try node.bool(vectors, default: true) }
            if let index { op.index = try node.type(index, default: .int32) }
            return op
        }
    }

    private static func factors(_ name: String, _ kind: MatrixDecomposition.Kind) -> OpEntry {
        OpEntry(name) { node throws(OpError) in
            try node.expectInputs(1)
            let vectors = kind == .qr ? true : try node.bool("compute_uv", default: true)
            return MatrixFactors(kind: kind, full: try node.bool("full_matrices", default: false), vectors: vectors)
        }
    }
}

/// A tensor of matrices, as far as its shape is known.
struct Matrices {
    let batch: PartialShape
    let rows: Int
    let columns: Int

    /// - Throws: `invalidArgument` for less than two dimensions.
    init(_ fact: TensorFact) throws(OpError) {
        if let rank = fact.shape.rank, rank < 2 {
            throw .invalid("Input tensor 0 must have rank >= 2")
        }
        guard let dimensions = fact.shape.dimensions else {
            batch = .unknown
            rows = PartialShape.unknownDimension
            columns = PartialShape.unknownDimension
            return
        }
        batch = PartialShape(Array(dimensions.dropLast(2)))
        rows = dimensions[dimensions.count - 2]
        columns = dimensions[dimensions.count - 1]
    }

    /// The size of both sides, where either is known.
    var side: Int {
        get throws(OpError) {
            guard rows < 0 || columns < 0 || rows == columns else { throw .invalid("Input matrix must be square.") }
            return max(rows, columns)
        }
    }

    var shorterSide: Int { rows < 0 || columns < 0 ? PartialShape.unknownDimension : min(rows, columns) }

    /// The batch with a matrix, or what takes its place, behind it.
    func with(_ ending: [Int]) -> PartialShape {
        guard let dimensions = batch.dimensions else { return .unknown }
        return PartialShape(dimensions + ending)
    }
}

extension MatrixDecomposition {
    static func checked(
        _ kind: Kind, rows: Int, columns: Int, right: Int = 0
    ) throws(OpError) -> MatrixDecomposition {
        guard let task = MatrixDecomposition(kind, rows: rows, columns: columns, right: right) else {
            throw OpError(.resourceExhausted, "a matrix of [\(rows),\(columns)] is too large")
        }
        return task
    }

    /// The kernel for the first inputs, as many as are matrices.
    func kernel(_ spec: KernelSpec, inputs count: Int = 1, wide: Int) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        var inputs: [Shape] = []
        for index in 0..<count { inputs.append(try spec.inputShape(index)) }
        // The first output's batch is everything in front of what a matrix gives.
        guard let batch = Shape(Array(try spec.outputShape().dimensions.dropLast(wide))) else {
            throw OpError(.malformed, "has no batch")
        }
        var outputs: [Int?] = []
        for index in spec.outputs.indices {
            // What is not asked for is one scalar for the whole batch.
            let own = try spec.outputShape(index)
            let isPart = own.rank >= batch.rank && (own.rank > 0 || wide == 0)
            let width = own.dimensions.dropFirst(batch.rank).reduce(spec.outputs[index].dtype.stride, &*)
            outputs.append(isPart ? width : nil)
        }
        guard let kernel = kernel(dtype, inputs: inputs, outputs: outputs, batch: batch) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}

/// What is computed of square matrices, the last two dimensions of the input: float32, float64, complex64 or complex128.
///
/// - Outputs: the inverse; the determinant, perhaps as sign and logarithm; the Cholesky factor; the LU factors and the
///   permutation, which is such that `input[p] = l u`; eigenvalues and vectors of a Hermitian matrix, of which the lower triangle is
///   read (without vectors the second output is a scalar, 0).
/// - Attributes: `adjoint`, `compute_v`, `output_idx_type`, each where it matters.
/// - Numerics: where there is no Cholesky factor it is NaN; an eigenvector may have another sign than TensorFlow's.
struct SquareMatrixOp: KernelOp {
    let kind: MatrixDecomposition.Kind
    var adjoint = false
    var vectors = false
    var index = DataType.int32

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let matrices = try Matrices(inputs[0])
        let side = try matrices.side
        let dtype = inputs[0].dtype
        let whole = TensorFact(dtype, matrices.with([side, side]))
        switch kind {
        case .determinant: return [TensorFact(dtype, matrices.batch)]
        case .logDeterminant: return [TensorFact(dtype, matrices.batch), TensorFact(dtype, matrices.batch)]
        case .lu: return [whole, TensorFact(index, matrices.with([side]))]
        case .eigenvalues:
            let values = TensorFact(dtype, matrices.with([side]))
            return [values, vectors ? whole : TensorFact(dtype, .scalar)]
        default: return [whole]
        }
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let side = try spec.inputShape(0).dimensions.last ?? 0
        var task = try MatrixDecomposition.checked(kind, rows: side, columns: side)
        task.adjoint = adjoint
        task.vectors = vectors
        task.indexType = index
        let rank = try spec.inputShape(0).rank - spec.outputShape().rank
        return try task.kernel(spec, wide: 2 - rank)
    }
}

/// The factors q and r of matrices, or singular values and vectors.
///
/// - Outputs: `q` and `r`; or `s`, `u` and `v`, of which the last two are scalars, 0, without `compute_uv`.
/// - Attributes: `full_matrices`: whether q, u and v are square; `compute_uv`.
/// - Numerics: a singular vector may have another sign than TensorFlow's. Matrices that are not finite have NaN as values.
struct MatrixFactors: KernelOp {
    let kind: MatrixDecomposition.Kind
    let full: Bool
    let vectors: Bool

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let matrices = try Matrices(inputs[0])
        let dtype = inputs[0].dtype
        let (rows, columns, short) = (matrices.rows, matrices.columns, matrices.shorterSide)
        let left = TensorFact(dtype, matrices.with([rows, full ? rows : short]))
        if kind == .qr { return [left, TensorFact(dtype, matrices.with([full ? rows : short, columns]))] }
        let values = TensorFact(dtype, matrices.with([short]))
        guard vectors else {
            let nothing = TensorFact(dtype, .scalar)
            return [values, nothing, nothing]
        }
        return [values, left, TensorFact(dtype, matrices.with([columns, full ? columns : short]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let sizes = try spec.inputShape(0).dimensions
        var task = try MatrixDecomposition.checked(kind, rows: sizes[sizes.count - 2], columns: sizes[sizes.count - 1])
        task.full = full
        task.vectors = vectors
        return try task.kernel(spec, wide: kind == .qr ? 2 : 1)
    }
}
