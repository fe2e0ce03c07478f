internal import Kernels
internal import Tensors

extension OpTable {
    /// Rows of several lengths.
    static let ragged: [OpEntry] = [
        OpEntry("RaggedRange", make: RaggedRange.init),
        OpEntry("RaggedGather", make: RaggedGather.init),
        OpEntry("RaggedTensorToTensor", make: RaggedTensorToTensor.init),
        OpEntry("RaggedTensorToSparse", make: RaggedTensorToSparse.init),
    ]
}

/// How rows lie in what is below them, level by level: row `i` has the elements from split `i` to split `i + 1`.
struct RaggedRows {
    let levels: [WholeNumbers]

    /// The maximum number of rows or elements.
    static let maxCount = 1 << 27

    /// From tensors that hold the splits.
    ///
    /// - `tensors`: int32 or int64 vectors, the outermost first.
    /// - `count`: Of what the innermost rows consist.
    ///
    /// Throws `invalidArgument` where splits go down, or do not end where the next level does.
    init(_ tensors: some Sequence<Tensor>, valueCount count: Int) throws(OpError) {
        var levels: [WholeNumbers] = []
        for tensor in tensors {
            let splits = try tensor.wholeNumberElements("splits")
            guard !splits.isEmpty else {
                throw .invalid("Ragged splits must have rank 1 and at least one element")
            }
            levels.append(splits)
        }
        for (level, splits) in levels.enumerated() {
            guard splits[0] == 0 else { throw .invalid("First value of ragged splits must be 0.") }
            for (split, next) in zip(splits, splits.dropFirst()) where next < split {
                throw .invalid("Ragged splits should be non decreasing, but we got \(split) followed by \(next)")
            }
            let below = level + 1 < levels.count ? levels[level + 1].count - 1 : count
            guard splits[splits.count - 1] == below else {
                throw .invalid(
                    "Final value of ragged splits must match the length the corresponding ragged values.")
            }
        }
        self.levels = levels
    }

    /// How many rows the outermost level has.
    var rowCount: Int { (levels.first?.count ?? 1) - 1 }
}

extension [TensorFact] {
    /// Checks that inputs are vectors of int32 or int64.
    fileprivate func requireSplits(_ numbers: Range<Int>) throws(OpError) {
        for input in self[numbers] {
            _ = try input.indices("splits")
            guard input.shape.rank ?? 1 == 1, input.shape.dimension(0) != 0 else {
                throw .invalid("Ragged splits must have rank 1 and at least one element, not shape \(input.shape)")
            }
        }
    }
}

/// Rows of numbers, each from its start up (or down) to but not including its limit.
///
/// - Inputs: `starts`, `limits` and `deltas`, scalars or vectors of one length; int32, int64, float32 or float64.
/// - Outputs: the splits, `Tsplits`; the numbers of all rows. Attributes: `Tsplits`.
struct RaggedRange: TensorOp {
    private let splits: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        splits = try node.type("Tsplits", default: .int64)
        guard splits == .int32 || splits == .int64 else { throw node.malformed("Tsplits is \(splits)") }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        var rows = PartialShape.unknownDimension
        var isScalar = true
        for (input, name) in zip(inputs, ["starts", "limits", "deltas"]) {
            guard let rank = input.shape.rank else {
                isScalar = false
                continue
            }
            guard rank <= 1 else { throw .invalid("\(name) must be a scalar or vector") }
            guard rank == 1 else { continue }
            isScalar = false
            let count = input.shape.dimension(0)
            guard rows < 0 || count < 0 || rows == count else {
                throw .invalid("starts, limits, and deltas must have the same shape")
            }
            rows = max(rows, count)
        }
        let length = isScalar ? 2 : rows < 0 ? rows : try rows.plus(1)
        return [TensorFact(splits, PartialShape([length])), TensorFact(inputs[0].dtype, .ofRank(1))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let facts = try outputs(for: inputs.map { TensorFact($0) })
        let rows = (facts[0].shape.known?.elementCount ?? 1) - 1
        // What lists of the inputs take.
        for input in inputs { try account.reserve(input.shape.elementCount, of: Int.self) }
        switch inputs[0].dtype {
        case .int32: return try integers(inputs, rows, account) { Int32(truncatingIfNeeded: $0) }
        case .int64: return try integers(inputs, rows, account) { Int64($0) }
        case .float32: return try floats(inputs.map { $0.scalars(as: Float.self) ?? [] }, rows, account)
        case .float64: return try floats(inputs.map { $0.scalars(as: Double.self) ?? [] }, rows, account)
        default: throw .unsupported(inputs[0].dtype)
        }
    }

    private func integers<Scalar: TensorScalar>(
        _ inputs: [Tensor], _ rows: Int, _ account: RunAccount, _ make: (Int) -> Scalar
    ) throws(OpError) -> [Tensor] {
        let given = inputs.map { $0.integers ?? [] }
        return try rowsOf(rows, account) { row throws(OpError) in
            let (start, limit, delta) = (given[0].at(row), given[1].at(row), given[2].at(row))
            guard delta != 0 else { throw .invalid("Requires delta != 0") }
            guard delta > 0 ? start < limit : start > limit else { return 0 }
            let distance = UInt(bitPattern: delta > 0 ? limit &- start : start &- limit)
            return Int(clamping: (distance - 1) / delta.magnitude + 1)
        } element: { row, place in
            make(given[0].at(row) &+ place &* given[2].at(row))
        }
    }

    private func floats<Number: BinaryFloatingPoint & TensorScalar>(
        _ given: [[Number]], _ rows: Int, _ account: RunAccount
    ) throws(OpError) -> [Tensor] {
        try rowsOf(rows, account) { row throws(OpError) in
            let (start, limit, delta) = (given[0].at(row), given[1].at(row), given[2].at(row))
            guard delta != 0 else { throw .invalid("Requires delta != 0") }
            guard delta > 0 ? start < limit : start > limit else { return 0 }
            return Int(exactly: ((limit - start) / delta).magnitude.rounded(.up)) ?? .max
        } element: { row, place in
            given[0].at(row) + Number(place) * given[2].at(row)
        }
    }

    private func rowsOf<Scalar: TensorScalar>(
        _ rows: Int, _ account: RunAccount, count: (Int) throws(OpError) -> Int, element: (Int, Int) -> Scalar
    ) throws(OpError) -> [Tensor] {
        var ends = try account.list(of: Int.self, capacity: rows + 1)
        ends.append(0)
        var work = WorkCount(account)
        for row in 0..<rows {
            try work.add(64)
            let end = try ends[row].plus(try count(row))
            guard end <= RaggedRows.maxCount else {
                throw OpError(.resourceExhausted, "the ranges have more than \(RaggedRows.maxCount) numbers together")
            }
            ends.append(end)
        }
        let numbers = try account.numbers(.vector(ends[rows]), of: Scalar.self) { (numbers) throws(OpError) in
            for row in 0..<rows {
                for place in 0..<ends[row + 1] - ends[row] {
                    numbers[ends[row] + place] = element(row, place)
                    try work.add(32)
                }
                try work.add(16)
            }
        }
        return [try account.vector(ends, as: splits), numbers]
    }
}

extension Array where Element: Numeric {
    /// The element of a row, or the one that all rows have; zero where there is none.
    fileprivate func at(_ row: Int) -> Element {
        if count == 1 { return self[0] }
        return indices.contains(row) ? self[row] : 0
    }
}

/// Rows of a ragged tensor by index.
///
/// - Inputs: the splits of the params, the outermost first; their values; `indices`, int32 or int64, of any shape.
/// - Outputs: the splits of the result, `OUTPUT_RAGGED_RANK` of them; its values.
struct RaggedGather: TensorOp {
    private let levelCount: Int
    private let outputLevels: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(atLeast: 3)
        levelCount = node.inputCount - 2
        let levels = try node.int("OUTPUT_RAGGED_RANK", default: levelCount)
        guard levels >= 0, levels <= 254 else { throw node.malformed("OUTPUT_RAGGED_RANK is \(levels)") }
        outputLevels = levels
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireSplits(0..<levelCount)
        _ = try inputs[levelCount + 1].indices("indices")
        let values = inputs[levelCount]
        guard values.shape.rank ?? 1 > 0 else { throw .invalid("params.rank must be nonzero") }
        if let rank = inputs[levelCount + 1].shape.rank, rank - 1 + levelCount != outputLevels {
            throw .invalid("OUTPUT_RAGGED_RANK is \(outputLevels), it must be \(rank - 1 + levelCount)")
        }
        let shape = values.shape.dimensions.map { PartialShape([PartialShape.unknownDimension] + $0.dropFirst()) }
        return Array(repeating: TensorFact(inputs[0].dtype, .ofRank(1)), count: outputLevels)
            + [TensorFact(values.dtype, shape ?? .unknown)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        let (values, indices) = (inputs[levelCount], inputs[levelCount + 1])
        let levels = try self.levels(inputs, valueCount: values.shape.dimensions[0])
        try account.reserve(indices.shape.elementCount, of: Int.self)
        var rows = indices.integers ?? []
        for (position, row) in rows.enumerated() where row < 0 || row >= levels[0].count - 1 {
            throw .invalid("indices[\(position)] = \(row) is not in [0, \(levels[0].count - 1))")
        }
        var results: [Tensor] = []
        let sizes = indices.shape.dimensions
        for axis in sizes.indices.dropLast() {
            let above = try PartialShape.product(Array(sizes[...axis]))
            results.append(
                try account.vector((0...above).lazy.map { $0 &* sizes[axis + 1] }, as: inputs[0].dtype))
        }
        for (level, splits) in levels.enumerated() {
            var ends = try account.list(of: Int.self, capacity: rows.count + 1)
            ends.append(0)
            for row in rows {
                let end = ends[ends.count - 1] + splits[row + 1] - splits[row]
                guard end <= RaggedRows.maxCount else {
                    throw OpError(.resourceExhausted, "the result has more than \(RaggedRows.maxCount) rows")
                }
                ends.append(end)
            }
            try account.checkTime()
            var below = try account.list(of: Int.self, capacity: ends[ends.count - 1])
            for row in rows { below += splits[row]..<splits[row + 1] }
            rows = below
            if level > 0 || !sizes.isEmpty { results.append(try account.vector(ends, as: inputs[0].dtype)) }
        }
        let row = values.shape.dimensions.dropFirst()
        results.append(
            try values.taking(
                rows, byteCount: row.wrappingProduct &* values.dtype.stride, shape: [rows.count] + row, account))
        return results
    }

    /// The splits, checked as TensorFlow does here: those behind the last row need not be told.
    private func levels(_ inputs: [Tensor], valueCount: Int) throws(OpError) -> [WholeNumbers] {
        var levels: [WholeNumbers] = []
        for tensor in inputs[..<levelCount] { levels.append(try tensor.wholeNumberElements("splits")) }
        for (level, splits) in levels.enumerated() {
            let below = level + 1 < levels.count ? levels[level + 1].count - 1 : valueCount
            guard splits[0] >= 0, zip(splits, splits.dropFirst()).allSatisfy({ $0 <= $1 }) else {
                throw .invalid("Ragged splits must be sorted")
            }
            guard splits[splits.count - 1] <= below else { throw .invalid("Ragged splits must not point past values") }
        }
        return levels
    }
}

/// A ragged tensor as a sparse one.
///
/// - Inputs: the splits, the outermost first; the values.
/// - Outputs: the indices, int64, a row for each value; the values; the dense shape, int64.
struct RaggedTensorToSparse: TensorOp {
    private let levelCount: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(atLeast: 2)
        levelCount = node.inputCount - 1
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireSplits(0..<levelCount)
        let values = inputs[levelCount]
        guard values.shape.rank ?? 1 > 0 else { throw .invalid("Ragged values must have rank 1 or more") }
        let rank = values.shape.rank.map { $0 + levelCount } ?? PartialShape.unknownDimension
        return [
            TensorFact(.int64, PartialShape([PartialShape.unknownDimension, rank])),
            TensorFact(values.dtype, .ofRank(1)), TensorFact(.int64, PartialShape([rank])),
        ]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        let values = inputs[levelCount]
        let inner = Array(values.shape.dimensions.dropFirst())
        let rows = try RaggedRows(inputs[..<levelCount], valueCount: values.shape.dimensions[0])
        var dense = [rows.rowCount]
        for splits in rows.levels { dense.append(zip(splits, splits.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) }) }
        let rank = levelCount + 1 + inner.count
        let count = values.shape.elementCount
        guard let flat = values.reshaped(to: .vector(count)), let shape = Shape([count, rank]) else {
            throw OpError(.resourceExhausted, "\(count) indices would take too much memory")
        }
        let indices = try account.numbers(shape, of: Int64.self) { (numbers) throws(OpError) in
            var writer = RaggedIndices(rows: rows, inner: Shape(inner) ?? .scalar, numbers: numbers, account)
            try writer.write()
        }
        return [indices, try account.owningStrings(flat), try account.vector(dense + inner, as: .int64)]
    }
}

/// Writes the indices of a ragged tensor's elements, in order.
private struct RaggedIndices {
    private let rows: RaggedRows
    private let inner: Shape
    private let numbers: UnsafeMutableBufferPointer<Int64>
    private var work: WorkCount
    /// The place that is being written: row and columns, level by level, then inside of a value.
    private var index: [Int64]
    private var next = 0

    init(rows: RaggedRows, inner: Shape, numbers: UnsafeMutableBufferPointer<Int64>, _ account: RunAccount) {
        self.rows = rows
        self.inner = inner
        self.numbers = numbers
        work = WorkCount(account)
        index = Array(repeating: 0, count: rows.levels.count + 1 + inner.rank)
    }

    mutating func write() throws(OpError) {
        for row in 0..<rows.rowCount {
            index[0] = Int64(row)
            try write(row, level: 0)
        }
    }

    /// Writes a row of a level; as deep as there are levels.
    private mutating func write(_ row: Int, level: Int) throws(OpError) {
        try work.add(64)
        let splits = rows.levels[level]
        for column in 0..<splits[row + 1] - splits[row] {
            index[level + 1] = Int64(column)
            if level + 1 < rows.levels.count {
                try write(splits[row] + column, level: level + 1)
            } else {
                try writeValue()
            }
        }
    }

    private mutating func writeValue() throws(OpError) {
        let first = rows.levels.count + 1
        for element in 0..<inner.elementCount {
            var rest = element
            for (axis, size) in inner.dimensions.enumerated().reversed() {
                index[first + axis] = Int64(rest % size)
                rest /= size
            }
            for number in index where next < numbers.count {
                numbers[next] = number
                next += 1
            }
            try work.add(32 * index.count)
        }
    }
}
