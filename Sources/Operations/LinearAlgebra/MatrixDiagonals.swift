internal import Kernels
internal import Tensors

extension OpTable {
    /// Diagonals of matrices.
    static let matrixDiagonals: [OpEntry] = [
        OpEntry("MatrixDiag", make: MatrixDiag.init(_:version:), 1),
        OpEntry("BatchMatrixDiag", make: MatrixDiag.init(_:version:), 1),
        OpEntry("BatchMatrixDiagPart", make: MatrixDiagPart.init(_:version:), 1),
        OpEntry("BatchMatrixSetDiag", make: MatrixSetDiag.init(_:version:), 1),
        OpEntry("MatrixDiagV2", make: MatrixDiag.init(_:version:), 2),
        OpEntry("MatrixDiagV3", make: MatrixDiag.init(_:version:), 3),
        OpEntry("MatrixDiagPart", make: MatrixDiagPart.init(_:version:), 1),
        OpEntry("MatrixDiagPartV2", make: MatrixDiagPart.init(_:version:), 2),
        OpEntry("MatrixDiagPartV3", make: MatrixDiagPart.init(_:version:), 3),
        OpEntry("MatrixSetDiag", make: MatrixSetDiag.init(_:version:), 1),
        OpEntry("MatrixSetDiagV2", make: MatrixSetDiag.init(_:version:), 2),
        OpEntry("MatrixSetDiagV3", make: MatrixSetDiag.init(_:version:), 3),
    ]
}

extension NodeReader {
    /// The attribute `align` of an op's version 3; version 2 aligns left.
    fileprivate func alignment(version: Int) throws(OpError) -> DiagonalBand.Alignment {
        version == 3 ? try choice("align", default: .rightLeft) : .leftLeft
    }
}

/// The rows of a tensor as diagonals of matrices.
///
/// - Inputs: `diagonal`; from version 2 on `k`, which diagonal, or the lowest and the highest; `num_rows` and `num_cols`, -1 for
///   as few as there must be; `padding_value`, what all else is.
/// - Attributes: `align` (version 3): where diagonals stand that are shorter than the longest.
struct MatrixDiag: KernelOp {
    private let version: Int
    private let alignment: DiagonalBand.Alignment

    init(_ node: NodeReader, version: Int) throws(OpError) {
        try node.expectInputs(version == 1 ? 1 : 5)
        self.version = version
        alignment = try node.alignment(version: version)
    }

    var valueInputs: [Int] { version == 1 ? [] : [1, 2, 3] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let dtype = inputs[0].dtype
        guard inputs[0].shape.rank ?? 1 > 0 else {
            throw .invalid("diagonal must be at least 1-dim, received shape: \(inputs[0].shape)")
        }
        if version > 1 { try requireScalars(inputs) }
        guard let band = version == 1 ? .main : try DiagonalBand(inputs[1]) else {
            return [TensorFact(dtype, .unknown)]
        }
        guard var sizes = inputs[0].shape.dimensions, let length = sizes.popLast() else {
            return [TensorFact(dtype, .unknown)]
        }
        if band.count > 1 {
            guard let count = sizes.popLast(), count < 0 || count == band.count else {
                throw .invalid(
                    "The number of diagonals provided in the input does not match the lower_diag_index and "
                        + "upper_diag_index range.")
            }
        }
        let matrix = try matrix(inputs, band, length: length)
        _ = try PartialShape.ofRank(checking: sizes.count + 2)
        return [TensorFact(dtype, PartialShape(sizes + matrix))]
    }

    private func requireScalars(_ inputs: [TensorFact]) throws(OpError) {
        for (input, name) in zip(inputs[2...], ["num_rows", "num_cols", "padding_value"])
        where input.shape.rank ?? 0 != 0 {
            throw .invalid("\(name) must be a scalar")
        }
        try [inputs[0], inputs[4]].requireOneDType()
    }

    /// Rows and columns.
    private func matrix(_ inputs: [TensorFact], _ band: DiagonalBand, length: Int) throws(OpError) -> [Int] {
        let unknown = PartialShape.unknownDimension
        guard version > 1 else { return [length, length] }
        let given = (try inputs[2].indices("num_rows")?.first, try inputs[3].indices("num_cols")?.first)
        guard length >= 0, var rows = given.0, var columns = given.1 else { return [unknown, unknown] }
        let leastRows = try length.plus(-min(band.upper, 0))
        let leastColumns = try length.plus(max(band.lower, 0))
        if rows == -1, columns == -1 {
            (rows, columns) = (max(leastRows, leastColumns), max(leastRows, leastColumns))
        } else {
            if rows == -1 { rows = leastRows }
            if columns == -1 { columns = leastColumns }
        }
        guard rows >= leastRows else { throw .invalid("The number of rows is too small.") }
        guard columns >= leastColumns else { throw .invalid("The number of columns is too small.") }
        guard rows == leastRows || columns == leastColumns else {
            throw .invalid(
                "The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal.")
        }
        return [rows, columns]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let output = try spec.outputShape()
        let band = try DiagonalBand.known(spec, input: version == 1 ? nil : 1)
        let length = try spec.inputShape(0).dimensions.last ?? 0
        return .patching(
            band.patches(of: output, width: width, alignment: alignment, length: length, isRead: false), input: 0,
            over: version == 1 ? .zeros : .repeated(input: 4), count: output.elementCount, width: width)
    }
}

/// Diagonals of matrices.
///
/// - Inputs: `input`, rank 2 or more; from version 2 on `k`, which diagonal, or the lowest and the highest; `padding_value`, what
///   makes shorter ones as long as the longest.
/// - Outputs: one row, or several, for each matrix. Attributes: `align` (version 3).
struct MatrixDiagPart: KernelOp {
    private let version: Int
    private let alignment: DiagonalBand.Alignment

    init(_ node: NodeReader, version: Int) throws(OpError) {
        try node.expectInputs(version == 1 ? 1 : 3)
        self.version = version
        alignment = try node.alignment(version: version)
    }

    var valueInputs: [Int] { version == 1 ? [] : [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let dtype = inputs[0].dtype
        try inputs[0].requireMatrices()
        if version > 1 {
            guard inputs[2].shape.rank ?? 0 == 0 else { throw .invalid("padding_value must be a scalar") }
            try [inputs[0], inputs[2]].requireOneDType()
        }
        guard let band = version == 1 ? .main : try DiagonalBand(inputs[1]), let sizes = inputs[0].shape.dimensions
        else { return [TensorFact(dtype, .unknown)] }
        let rows = try band.rowDimensions(rows: sizes[sizes.count - 2], columns: sizes[sizes.count - 1])
        return [TensorFact(dtype, PartialShape(sizes.dropLast(2) + rows))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let output = try spec.outputShape()
        let band = try DiagonalBand.known(spec, input: version == 1 ? nil : 1)
        let patches = band.patches(
            of: try spec.inputShape(0), width: width, alignment: alignment, length: output.dimensions.last ?? 0,
            isRead: true)
        return .patching(
            patches, input: 0, over: version == 1 ? .nothing : .repeated(input: 2), count: output.elementCount,
            width: width)
    }
}

/// Matrices with other diagonals.
///
/// - Inputs: `input`, rank 2 or more; `diagonal`, as MatrixDiagPart gives it; from version 2 on `k`.
/// - Attributes: `align` (version 3).
struct MatrixSetDiag: KernelOp {
    private let version: Int
    private let alignment: DiagonalBand.Alignment

    init(_ node: NodeReader, version: Int) throws(OpError) {
        try node.expectInputs(version == 1 ? 2 : 3)
        self.version = version
        alignment = try node.alignment(version: version)
    }

    var valueInputs: [Int] { version == 1 ? [] : [2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[..<2].requireOneDType()
        try inputs[0].requireMatrices()
        let diagonal = inputs[1].shape
        guard diagonal.rank ?? 1 > 0 else {
            throw .invalid("diagonal must be at least 1-dim, received shape: \(diagonal)")
        }
        let result = [TensorFact(inputs[0].dtype, inputs[0].shape)]
        guard let band = version == 1 ? .main : try DiagonalBand(inputs[2]), let sizes = inputs[0].shape.dimensions
        else { return result }
        let rows = try band.rowDimensions(rows: sizes[sizes.count - 2], columns: sizes[sizes.count - 1])
        if band.count > 1, let given = diagonal.dimensions, given.count < sizes.count {
            throw .invalid(
                "The number of diagonals provided in `diag` is not consistent with `lower_diag_index` and `upper_diag_index`"
            )
        }
        guard PartialShape(sizes.dropLast(2) + rows).merged(with: diagonal) != nil else {
            throw .invalid(
                "Either first dimensions of diagonal don't match input.shape[:-2], or diagonal.shape[:-1] is not equal to "
                    + "the longests diagonal in range [lower_diag_index:upper_diag_index].")
        }
        return result
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let output = try spec.outputShape()
        let band = try DiagonalBand.known(spec, input: version == 1 ? nil : 2)
        let length = try spec.inputShape(1).dimensions.last ?? 0
        return .patching(
            band.patches(of: output, width: width, alignment: alignment, length: length, isRead: false), input: 1,
            over: .input(0), count: output.elementCount, width: width)
    }
}
