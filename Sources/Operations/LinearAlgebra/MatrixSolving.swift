internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that solve linear equations.
    static let matrixSolving: [OpEntry] = [
        solve("MatrixSolve", .solve),
        solve("BatchMatrixSolve", .solve),
        solve("MatrixTriangularSolve", .triangularSolve),
        solve("BatchMatrixTriangularSolve", .triangularSolve),
        OpEntry("MatrixSolveLs", make: LeastSquares.init),
        OpEntry("BatchMatrixSolveLs", make: LeastSquares.init),
    ]

    private static func solve(_ name: String, _ kind: MatrixDecomposition.Kind) -> OpEntry {
        OpEntry(name) { node throws(OpError) in
            try node.expectInputs(2)
            let lower = kind == .solve ? true : try node.bool("lower", default: true)
            return MatrixSolve(kind: kind, adjoint: try node.bool("adjoint", default: false), lower: lower)
        }
    }
}

/// The solution x of a x = b for matrices a, or of one triangle of them.
///
/// - Inputs: `matrix`, square; `rhs`, with as many rows. Batches are equal; those of triangles may repeat.
/// - Attributes: `adjoint`: the adjoint of the matrix is meant; `lower`: which triangle.
struct MatrixSolve: KernelOp {
    let kind: MatrixDecomposition.Kind
    let adjoint: Bool
    let lower: Bool

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        let (left, right) = (try Matrices(inputs[0]), try Matrices(inputs[1]))
        let batch =
            kind == .solve ? left.batch.merged(with: right.batch) : left.batch.broadcastIfCompatible(with: right.batch)
        guard let batch else {
            throw .invalid(
                "In[0] and In[1] must have compatible batch dimensions: \(inputs[0].shape) vs. \(inputs[1].shape)")
        }
        let side = try left.side
        guard side < 0 || right.rows < 0 || side == right.rows else {
            throw .invalid(
                "Input matrix and right-hand side must have the same number of rows: \(side) vs. \(right.rows)")
        }
        guard let dimensions = batch.dimensions else { return [TensorFact(inputs[0].dtype, .unknown)] }
        let rows = max(side, right.rows)
        return [TensorFact(inputs[0].dtype, PartialShape(dimensions + [rows, right.columns]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let sizes = try spec.outputShape().dimensions.suffix(2)
        let side = sizes.first ?? 0
        var task = try MatrixDecomposition.checked(kind, rows: side, columns: side, right: sizes.last ?? 0)
        task.adjoint = adjoint
        task.lower = lower
        return try task.kernel(spec, inputs: 2, wide: 2)
    }
}

/// The x with the least |a x - b|.
///
/// - Inputs: `matrix`; `rhs`, with as many rows; `l2_regularizer`, a float64 scalar.
/// - Attributes: `fast`: by the normal equations with the regularizer, else by a complete orthogonal factoring without it.
struct LeastSquares: KernelOp {
    private let fast: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        fast = try node.bool("fast", default: true)
    }

    var valueInputs: [Int] { [2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.prefix(2).requireOneDType()
        let (left, right) = (try Matrices(inputs[0]), try Matrices(inputs[1]))
        try inputs[2].require(.float64, "l2_regularizer")
        try inputs[2].requireRank(0, "l2_regularizer")
        if let added = inputs[2].value?.scalars(as: Double.self)?.first, added < 0 {
            throw .invalid("l2_regularizer must be >= 0.")
        }
        guard let batch = left.batch.merged(with: right.batch) else {
            throw .invalid("All input tensors must have the same outer dimensions.")
        }
        guard left.rows < 0 || right.rows < 0 || left.rows == right.rows else {
            throw .invalid("Input matrix and rhs are incompatible.")
        }
        guard let dimensions = batch.dimensions else { return [TensorFact(inputs[0].dtype, .unknown)] }
        return [TensorFact(inputs[0].dtype, PartialShape(dimensions + [left.columns, right.columns]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let sizes = try spec.inputShape(0).dimensions.suffix(2)
        let right = try spec.inputShape(1).dimensions.last ?? 0
        var task = try MatrixDecomposition.checked(
            .leastSquares, rows: sizes.first ?? 0, columns: sizes.last ?? 0, right: right)
        task.fast = fast
        task.added = spec.inputs[2].value?.scalars(as: Double.self)?.first ?? 0
        return try task.kernel(spec, inputs: 2, wide: 2)
    }
}
