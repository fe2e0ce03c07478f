internal import Kernels
internal import Tensors

extension OpTable {
    /// How far sequences are from each other.
    static let editDistances: [OpEntry] = [OpEntry("EditDistance", make: EditDistance.init)]
}

/// How many elements have to be inserted, removed or replaced to make one sequence of another.
///
/// - Inputs: two sparse tensors, hypothesis and truth: indices, values, shape each; the last axis is that of the sequences.
/// - Outputs: float32, a distance for each sequence.
/// - Attributes: `normalize`: divided by the length of the truth; infinite where that is 0 and the other is not.
struct EditDistance: TensorOp {
    private let normalizes: Bool

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(6)
        normalizes = try node.bool("normalize", default: true)
    }

    var valueInputs: [Int] { [2, 5] }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try [inputs[1], inputs[4]].requireOneDType()
        for (first, name) in [(0, "hypothesis"), (3, "truth")] {
            let (indices, values, shape) = (inputs[first].shape, inputs[first + 1].shape, inputs[first + 2].shape)
            guard indices.rank ?? 2 == 2 else { throw .invalid("\(name)_indices should be a matrix") }
            guard values.rank ?? 1 == 1 else { throw .invalid("\(name)_values should be a vector") }
            guard shape.rank ?? 1 == 1 else { throw .invalid("\(name)_shape should be a vector") }
            guard PartialShape([indices.dimension(0)]).merged(with: values) != nil else {
                throw .invalid(
                    "Expected \(name)_values.NumElements == #rows(\(name)_indices), their shapes are: \(values) and "
                        + "\(indices)")
            }
            guard PartialShape([indices.dimension(1)]).merged(with: shape) != nil else {
                throw .invalid(
                    "Expected \(name)_shape.NumElements == #cols(\(name)_indices), their shapes are: \(shape) and "
                        + "\(indices)")
            }
        }
        guard let one = try inputs[2].indices("hypothesis_shape"), let two = try inputs[5].indices("truth_shape") else {
            return [TensorFact(.float32, .unknown)]
        }
        guard one.count == two.count, one.count >= 2, !(one + two).contains(where: { $0 < 0 }) else {
            throw .invalid("hypothesis_shape and truth_shape must have one length, 2 or more: \(one) and \(two)")
        }
        return [TensorFact(.float32, PartialShape(zip(one, two).dropLast().map { max($0, $1) }))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        let fact = try outputs(for: inputs.map { TensorFact($0) })[0]
        guard let shape = fact.shape.known, shape.elementCount <= 1 << 26 else {
            throw CompileError(.resourceExhausted, "the output would have the shape \(fact.shape)")
        }
        var table = ElementKeys(account)
        let hypotheses = try sequences(inputs[0], try table.keys(of: inputs[1]), shape, account)
        let truths = try sequences(inputs[3], try table.keys(of: inputs[4]), shape, account)
        var distances = try account.array(repeating: Float(0), count: shape.elementCount)
        // Sets of the places.
        try account.reserve(hypotheses.count + truths.count, bytesEach: 64)
        for place in Set(hypotheses.keys).union(truths.keys) {
            let (one, two) = (hypotheses[place] ?? [], truths[place] ?? [])
            let distance = Float(try Self.distance(one, two, account))
            distances[place] = normalizes ? (two.isEmpty ? .infinity : distance / Float(two.count)) : distance
        }
        return [try account.tensor(distances, shape.dimensions)]
    }

    /// The elements of each sequence, in the order in which they stand, by the sequence's place in the output.
    private func sequences(
        _ indices: Tensor, _ values: [UInt64], _ shape: Shape, _ account: RunAccount
    ) throws(CompileError) -> [Int: [UInt64]] {
        let numbers = try indices.wholeNumberElements("indices")
        // Lists that grow, in a table that grows.
        try account.reserve(values.count, bytesEach: 224)
        let width = shape.rank + 1
        var result: [Int: [UInt64]] = [:]
        for (row, value) in values.enumerated() {
            var place = 0
            for (axis, size) in shape.dimensions.enumerated() {
                let index = numbers[row * width + axis]
                guard index >= 0, index < size else {
                    throw .invalid("index \(index) of dimension \(axis) is not in [0, \(size))")
                }
                place = place * size + index
            }
            result[place, default: []].append(value)
        }
        return result
    }

    /// The Levenshtein distance. Linear in the product of the lengths.
    private static func distance(
        _ one: [UInt64], _ two: [UInt64], _ account: RunAccount
    ) throws(CompileError) -> Int {
        let before = account.usedBytes
        defer { account.give(downTo: before) }
        try account.reserve(two.count + 1, of: Int.self)
        var work = WorkCount(account)
        var row = Array(0...two.count)
        for (place, element) in one.enumerated() {
            try work.add(16 * two.count)
            var diagonal = row[0]
            row[0] = place + 1
            for column in two.indices {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (two[column] == element ? 0 : 1))
                diagonal = above
            }
        }
        return row[two.count]
    }
}
