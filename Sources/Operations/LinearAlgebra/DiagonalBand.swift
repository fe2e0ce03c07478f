internal import Kernels
internal import Tensors

/// Neighbouring diagonals of a matrix, numbered from the main one up, and how a tensor holds them: a row for each, from the
/// uppermost one down, as long as the longest; those that are shorter are padded at one of their ends.
struct DiagonalBand: Hashable {
    /// Where diagonals stand in their rows, those above the main one first.
    enum Alignment: String {
        case leftLeft = "LEFT_LEFT"
        case leftRight = "LEFT_RIGHT"
        case rightLeft = "RIGHT_LEFT"
        case rightRight = "RIGHT_RIGHT"

        fileprivate func isLeft(_ diagonal: Int) -> Bool {
            switch self {
            case .leftLeft: true
            case .leftRight: diagonal >= 0
            case .rightLeft: diagonal <= 0
            case .rightRight: false
            }
        }
    }

    let lower: Int
    let upper: Int

    /// The main diagonal.
    static let main = DiagonalBand(lower: 0, upper: 0)

    private init(lower: Int, upper: Int) {
        self.lower = lower
        self.upper = upper
    }

    /// From an input that holds one number, or the lowest and the highest; nil if it is not known.
    init?(_ fact: TensorFact) throws(OpError) {
        if let rank = fact.shape.rank, rank > 1 {
            throw .invalid("diag_index must be a scalar or vector, received shape: \(fact.shape)")
        }
        guard let numbers = try fact.indices("k") else { return nil }
        guard numbers.count == 1 || numbers.count == 2 else {
            throw .invalid("diag_index must have only one or two elements, received \(numbers.count) elements.")
        }
        (lower, upper) = (numbers[0], numbers[numbers.count - 1])
        guard abs(lower) < 1 << 40, abs(upper) < 1 << 40 else { throw .invalid("diag_index is out of bound") }
        guard lower <= upper else {
            throw .invalid("lower_diag_index must not be larger than upper_diag_index: \(lower) > \(upper)")
        }
    }

    /// The band that an input of a kernel tells; the main diagonal where no input does.
    static func known(_ spec: KernelSpec, input: Int?) throws(OpError) -> DiagonalBand {
        guard let input else { return .main }
        guard let band = try DiagonalBand(spec.inputs[input]) else { throw OpError(.malformed, "k is not known") }
        return band
    }

    /// How many diagonals there are.
    var count: Int { upper - lower + 1 }

    /// How long the longest is in a matrix.
    func longest(rows: Int, columns: Int) -> Int { min(rows + min(upper, 0), columns - max(lower, 0)) }

    /// Checks that a matrix, of which both sizes are known, has all of the diagonals.
    func requireWithin(rows: Int, columns: Int) throws(OpError) {
        for (number, name) in [(lower, "lower"), (upper, "upper")] {
            guard number > -rows && number < columns || number == 0 else {
                throw .invalid(
                    "\(name)_diag_index is out of bound: \(number). It must be between \(-rows) and \(columns)")
            }
        }
    }

    /// The dimensions of the rows of the diagonals of a matrix; a negative size is unknown.
    func rowDimensions(rows: Int, columns: Int) throws(OpError) -> [Int] {
        var length = PartialShape.unknownDimension
        if rows >= 0, columns >= 0 {
            try requireWithin(rows: rows, columns: columns)
            length = max(0, longest(rows: rows, columns: columns))
        }
        return count == 1 ? [length] : [count, length]
    }

    /// The copies between matrices and the rows of their diagonals.
    ///
    /// - `matrices`: The matrices' shape.
    /// - `width`: Bytes of an element.
    /// - `alignment`: Where diagonals stand in their rows.
    /// - `length`: Of a row.
    /// - `isRead`: Whether the matrices are read, not written.
    func patches(
        of matrices: Shape, width: Int, alignment: Alignment, length: Int, isRead: Bool
    ) -> [Patch] {
        let sizes = matrices.dimensions
        guard matrices.elementCount > 0, length > 0, sizes.count >= 2 else { return [] }
        let (rows, columns) = (sizes[sizes.count - 2], sizes[sizes.count - 1])
        let batch = sizes.dropLast(2).wrappingProduct
        var patches: [Patch] = []
        for (row, diagonal) in (lower...upper).reversed().enumerated() {
            let own = min(rows + min(diagonal, 0), columns - max(diagonal, 0))
            guard own > 0 else { continue }
            let start = row * length + (alignment.isLeft(diagonal) ? 0 : length - own)
            let first = max(-diagonal, 0) * columns + max(diagonal, 0)
            let inMatrix = (batch: rows * columns * width, element: (columns + 1) * width)
            let inRows = (batch: count * length * width, element: width)
            let (from, to) = isRead ? (inMatrix, inRows) : (inRows, inMatrix)
            let copy = StridedCopy(
                width: width,
                [
                    StridedCopy.Axis(count: batch, source: from.batch, destination: to.batch),
                    StridedCopy.Axis(count: own, source: from.element, destination: to.element),
                ])
            let offsets = isRead ? (first, start) : (start, first)
            patches.append(Patch(copy, source: offsets.0 * width, destination: offsets.1 * width))
        }
        return patches
    }
}
