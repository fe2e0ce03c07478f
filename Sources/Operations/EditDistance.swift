internal import Tensors

extension OpTable {
    /// Comparing sequences.
    static let sequenceDistances: [OpEntry] = [OpEntry("EditDistance", make: EditDistance.init)]
}

/// How many insertions, deletions and replacements lead from one sequence to another one, row by row (Levenshtein).
///
/// - Inputs: indices, values and shape of the hypotheses, then of the truths; both by ascending index, of one rank, at least 2.
/// - Outputs: float32: the shapes' larger dimensions but for the last.
/// - Attributes: `normalize`: whether a distance is divided by the truth's length; infinite where that is 0.
struct EditDistance: TensorOp {
    private let isNormalized: Bool

    /// The most pairs of elements that are compared for one distance.
    private static let mostComparisons = 1 << 28

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(6)
        isNormalized = try node.bool("normalize", default: true)
    }

    var valueInputs: [Int] { [2, 5] }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try [inputs[1], inputs[4]].requireOneDType()
        guard let mine = try inputs[2].indices("hypothesis_shape"), let theirs = try inputs[5].indices("truth_shape")
        else {
            return [TensorFact(.float32, .unknown)]
        }
        return [TensorFact(.float32, PartialShape(try sizes(mine, theirs)))]
    }

    private func sizes(_ mine: [Int], _ theirs: [Int]) throws(CompileError) -> [Int] {
        guard mine.count == theirs.count, mine.count >= 2 else {
            throw .invalid(
                "Expected hypothesis_shape and truth_shape to be of one rank, at least 2: \(mine), \(theirs)")
        }
        return zip(mine, theirs).dropLast().map { max($0, $1) }
    }

    func compute(_ inputs: [Tensor]) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        let hypothesis = try SparseParts(inputs[0], inputs[1], inputs[2])
        let truth = try SparseParts(inputs[3], inputs[4], inputs[5])
        try hypothesis.checkBounds()
        try truth.checkBounds()
        guard let shape = Shape(try sizes(hypothesis.shape, truth.shape)),
            shape.byteCount(of: .float32) ?? .max <= Tensor.repeatedStringsLimitBytes
        else { throw CompileError(.resourceExhausted, "the distances would take too much memory") }
        var distances = [Float](repeating: 0, count: shape.elementCount)
        let mine = try Self.sequences(hypothesis, shape)
        let theirs = try Self.sequences(truth, shape)
        for (place, sequence) in mine {
            let other = theirs[place] ?? []
            guard sequence.count <= Self.mostComparisons / max(1, other.count) else {
                throw CompileError(
                    .resourceExhausted,
                    "sequences of \(sequence.count) and \(other.count) elements are too long to compare")
            }
            let distance = Float(Self.distance(sequence, other))
            distances[place] = !isNormalized ? distance : other.isEmpty ? .infinity : distance / Float(other.count)
        }
        for (place, sequence) in theirs where mine[place] == nil {
            distances[place] = isNormalized ? 1 : Float(sequence.count)
        }
        return [try .holding(distances, shape.dimensions)]
    }

    /// The sequences by the place of their result; elements as numbers that are equal where the elements are.
    private static func sequences(_ parts: SparseParts, _ shape: Shape) throws(CompileError) -> [Int: [AnyHashable]] {
        let elements = try parts.values.hashableElements
        let strides = shape.byteStrides(width: 1)
        var sequences: [Int: [AnyHashable]] = [:]
        for element in 0..<parts.count {
            let place = zip(parts.index(element), strides).reduce(0) { $0 + $1.0 * $1.1 }
            sequences[place, default: []].append(elements[element])
        }
        return sequences
    }

    private static func distance(_ left: [AnyHashable], _ right: [AnyHashable]) -> Int {
        var row = Array(0...right.count)
        for (i, element) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let replaced = diagonal + (element == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}

extension Tensor {
    /// The elements as what can be compared.
    fileprivate var hashableElements: [AnyHashable] {
        get throws(CompileError) {
            if let strings { return strings.map(AnyHashable.init) }
            return try numbers(of: try dtype.sparseNumber)
        }
    }

    private func numbers<Number: SparseNumber>(of type: Number.Type) throws(CompileError) -> [AnyHashable] {
        try numbers(type).map(AnyHashable.init)
    }
}
