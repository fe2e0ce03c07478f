internal import CKernels
package import Tensors

/// Something to compute of one matrix, or of a matrix and a right side.
package struct MatrixDecomposition: Sendable {
    /// What is computed.
    package enum Kind: Sendable, Hashable {
        /// The inverse (of the adjoint).
        case inverse
        /// The determinant.
        case determinant
        /// The determinant's sign, and the logarithm of its absolute value.
        case logDeterminant
        /// The solution x of a x = b (of the adjoint).
        case solve
        /// The same of a triangle of a.
        case triangularSolve
        /// The x with the least |a x - b|, and of those the least.
        case leastSquares
        /// The lower triangle l of a = l lᴴ.
        case cholesky
        /// Both triangles of a = p l u in one matrix, and the permutation.
        case lu
        /// Both factors of a = q r.
        case qr
        /// Singular values and vectors.
        case singularValues
        /// Eigenvalues and vectors of a Hermitian matrix.
        case eigenvalues

        fileprivate func loop(_ dtype: DataType) -> Loop<ck_matrix_fn>? {
            let make =
                switch self {
                case .inverse: ck_matrix_inverse
                case .determinant: ck_determinant
                case .logDeterminant: ck_log_determinant
                case .solve: ck_matrix_solve
                case .triangularSolve: ck_triangular_solve
                case .leastSquares: ck_least_squares
                case .cholesky: ck_cholesky
                case .lu: ck_lu
                case .qr: ck_qr
                case .singularValues: ck_svd
                case .eigenvalues: ck_hermitian_eigen
                }
            return Loop(make(dtype.rawValue))
        }

        fileprivate var complaint: StaticText {
            switch self {
            case .inverse, .lu: "Input is not invertible."
            case .eigenvalues: "Self-adjoint eigen decomposition was not successful. The input might not be valid."
            case .leastSquares:
                "Input matrix was rank deficient or ill-conditioned. Try setting fast=False or provide a larger l2_regularizer > 0."
            default: "Input matrix is not invertible."
            }
        }
    }

    private let kind: Kind
    private var task: ck_matrix_task

    /// - `kind`: What is computed.
    /// - `rows`: Of the matrix.
    /// - `columns`: Of the matrix.
    /// - `right`: How many columns the right side has.
    ///
    /// Gives nil for matrices that are too large.
    package init?(_ kind: Kind, rows: Int, columns: Int, right: Int = 0) {
        guard max(rows, columns, right) <= Self.longestSide else { return nil }
        self.kind = kind
        task = ck_matrix_task()
        task.rows = Int32(rows)
        task.columns = Int32(columns)
        task.right = Int32(right)
    }

    /// Whether the adjoint of the matrix is meant.
    package var adjoint: Bool {
        get { task.adjoint }
        set { task.adjoint = newValue }
    }
    /// Whether the lower triangle is meant.
    package var lower: Bool {
        get { task.lower }
        set { task.lower = newValue }
    }
    /// Whether factors are square.
    package var full: Bool {
        get { task.full }
        set { task.full = newValue }
    }
    /// Whether vectors are wanted besides values.
    package var vectors: Bool {
        get { task.vectors }
        set { task.vectors = newValue }
    }
    /// Whether squares are made least by the normal equations.
    package var fast: Bool {
        get { task.fast }
        set { task.fast = newValue }
    }
    /// What the normal equations get added to their diagonal.
    package var added: Double {
        get { task.added }
        set { task.added = newValue }
    }
    /// The dtype of a permutation.
    package var indexType: DataType {
        get { DataType(rawValue: task.index_type) ?? .int32 }
        set { task.index_type = newValue.rawValue }
    }

    private static let longestSide = 1 << 24

    /// The kernel for a batch of matrices.
    ///
    /// - Parameters:
    ///   - dtype: float32, float64, complex64 or complex128.
    ///   - inputs: The shape of each input that is a matrix; their batches repeat where they are 1.
    ///   - outputs: What each output's matrix has, in bytes; nil for one that is not asked for, a scalar.
    ///   - batch: The shape of the batch of outputs.
    /// - Returns: nil for another dtype, or too many axes.
    package func kernel(_ dtype: DataType, inputs: [Shape], outputs: [Int?], batch: Shape) -> Kernel? {
        var task = task
        let scratchBytes = ck_matrix_scratch(&task, dtype.rawValue)
        let batches = inputs.map { Shape(Array($0.dimensions.dropLast(2))) ?? .scalar }
        let widths = inputs.map { $0.dimensions.suffix(2).reduce(dtype.stride, &*) }
        guard let loop = kind.loop(dtype), scratchBytes >= 0, let left = batches.first,
            let axes = BroadcastAxes(left, batches.last ?? left, output: batch)
        else { return nil }
        let complaint = kind.complaint
        let frozen = task
        let work = max(widths.max() ?? 0, 64)
        LinearAlgebra.open()
        return Kernel(scratchBytes: scratchBytes) { frame in
            guard LinearAlgebra.isOpen(for: frame) else { return }
            var task = frozen
            for output in outputs.indices where outputs[output] == nil {
                frame.rawOutput(output).initializeMemory(as: UInt8.self, repeating: 0, count: dtype.stride)
            }
            for index in 0..<axes.elementCount {
                if frame.isOver(after: work) { return }
                let at = axes.operands(of: index)
                let result = withUnsafeTemporaryAllocation(of: UnsafeRawPointer?.self, capacity: 2) { sources in
                    withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: 3) { targets in
                        sources[0] = frame.rawInput(0) + at.left &* widths[0]
                        sources[1] = widths.count > 1 ? frame.rawInput(1) + at.right &* widths[1] : nil
                        for output in outputs.indices {
                            targets[output] = frame.rawOutput(output) + index &* (outputs[output] ?? 0)
                        }
                        return loop.call(&task, sources.baseAddress, targets.baseAddress, frame.scratch)
                    }
                }
                if result != Int32(CK_DONE) { frame.report(.other(complaint)) }
            }
        }
    }
}
