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

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(6)
        normalizes = try node.bool("normalize", default: true)
    }

    var valueInputs: [Int] { [2, 5] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
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

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        // The rule reads the shapes into arrays.
        for index in [2, 5] { try account.reserve(inputs[index].shape.elementCount, of: (Int, Int, Int).self) }
        let fact = try outputs(for: inputs.map { TensorFact($0) })[0]
        guard let shape = fact.shape.known else {
            throw OpError(.resourceExhausted, "the output would have the shape \(fact.shape)")
        }
        var table = ElementKeys(account)
        try account.reserve(inputs[1].shape.elementCount, of: UInt64.self)
        let hypotheses = try sequences(inputs[0], try table.keys(of: inputs[1]), shape, account)
        try account.reserve(inputs[4].shape.elementCount, of: UInt64.self)
        let truths = try sequences(inputs[3], try table.keys(of: inputs[4]), shape, account)
        var row = try account.list(of: Int.self, capacity: truths.count + 1)
        var work = WorkCount(account)
        let distances = try account.numbers(shape, of: Float.self) { (memory) throws(OpError) in
            memory.initialize(repeating: 0)
            var (one, two) = (hypotheses[...], truths[...])
            while let place = [one.first?.place, two.first?.place].compactMap({ $0 }).min() {
                let (left, right) = (one.prefix { $0.place == place }, two.prefix { $0.place == place })
                (one, two) = (one.dropFirst(left.count), two.dropFirst(right.count))
                let distance = Float(try Self.distance(left, right, &row, &work))
                memory[place] = normalizes ? (right.isEmpty ? .infinity : distance / Float(right.count)) : distance
            }
        }
        return [distances]
    }

    /// An element of a sequence.
    private struct Element {
        /// The sequence's place in the output.
        let place: Int
        /// Where it stands among the sparse tensor's values.
        let row: Int
        let key: UInt64
    }

    /// The elements of all sequences, one sequence after another, in the order in which they stand.
    private func sequences(
        _ indices: Tensor, _ values: [UInt64], _ shape: Shape, _ account: RunAccount
    ) throws(OpError) -> [Element] {
        guard indices.dtype == .int64 || indices.dtype == .int32 else { throw .unsupported(indices.dtype) }
        let numbers = try indices.wholeNumberElements("the indices")
        let width = shape.rank + 1
        var result: [Element] = try account.list(capacity: values.count)
        for (row, value) in values.enumerated() {
            var place = 0
            for (axis, size) in shape.dimensions.enumerated() {
                let index = numbers[row * width + axis]
                guard index >= 0, index < size else {
                    throw .invalid("index \(index) of dimension \(axis) is not in [0, \(size))")
                }
                place = place * size + index
            }
            result.append(Element(place: place, row: row, key: value))
        }
        // Sorting takes half as much again.
        try account.reserve(values.count / 2, of: Element.self)
        try account.sort(&result) { ($0.place, $0.row) < ($1.place, $1.row) }
        return result
    }

    /// The Levenshtein distance. Linear in the product of the lengths.
    ///
    /// - `row`: Room that calls share.
    private static func distance(
        _ one: ArraySlice<Element>, _ two: ArraySlice<Element>, _ row: inout [Int], _ work: inout WorkCount
    ) throws(OpError) -> Int {
        row.removeAll(keepingCapacity: true)
        row.append(contentsOf: 0...two.count)
        for (place, element) in one.enumerated() {
            var diagonal = row[0]
            row[0] = place + 1
            for (column, other) in two.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (other.key == element.key ? 0 : 1))
                diagonal = above
                // A row may be long.
                if column % 65536 == 65535 { try work.add(65536 * 16) }
            }
            try work.add(16 * (two.count % 65536) + 16)
        }
        return row[two.count]
    }
}
