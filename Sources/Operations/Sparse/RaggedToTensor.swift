internal import Kernels
internal import Tensors

/// A ragged tensor as a dense one: shorter rows are filled up, what does not fit is left out.
///
/// - Inputs: `shape` of the result, int32 or int64: -1 alone, or for a dimension, for as much as is needed; `values`;
///   `default_value`, which broadcasts to an element of values; the row partitions, as `row_partition_types` says: ROW_SPLITS for
///   each level, or FIRST_DIM_SIZE and then VALUE_ROWIDS for each level.
struct RaggedTensorToTensor: TensorOp {
    private enum Partition: String {
        case size = "FIRST_DIM_SIZE"
        case rowNumbers = "VALUE_ROWIDS"
        case splits = "ROW_SPLITS"
    }

    private let partitions: [Partition]

    init(_ node: NodeReader) throws(OpError) {
        var partitions: [Partition] = []
        for bytes in try node.strings("row_partition_types") {
            guard let partition = Partition(rawValue: String(decoding: bytes, as: UTF8.self)) else {
                throw node.malformed("row_partition_types has \"\(String(decoding: bytes, as: UTF8.self))\"")
            }
            partitions.append(partition)
        }
        let isSplits = partitions.allSatisfy { $0 == .splits }
        let isNumbers = partitions.first == .size && partitions.dropFirst().allSatisfy { $0 == .rowNumbers }
        guard !partitions.isEmpty, isSplits || isNumbers && partitions.count > 1 else {
            throw node.malformed("row_partition_types must be ROW_SPLITS, or FIRST_DIM_SIZE and VALUE_ROWIDS")
        }
        try node.expectInputs(3 + partitions.count)
        self.partitions = partitions
    }

    var valueInputs: [Int] { [0] }

    private var levelCount: Int { partitions[0] == .splits ? partitions.count : partitions.count - 1 }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[1...2].requireOneDType()
        guard inputs[0].shape.rank ?? 1 <= 1 else { throw .invalid("shape must be a vector or -1") }
        for input in inputs[3...] { _ = try input.indices("a row partition") }
        guard let values = inputs[1].shape.dimensions else { return [TensorFact(inputs[1].dtype, .unknown)] }
        guard !values.isEmpty else { throw .invalid("values must have rank 1 or more") }
        let rank = levelCount + values.count
        var sizes = [Int](repeating: PartialShape.unknownDimension, count: levelCount + 1) + values.dropFirst()
        _ = try PartialShape.ofRank(checking: rank)
        if inputs[0].shape.rank == 1, let asked = try inputs[0].indices("shape") {
            let shape = PartialShape(asked)
            guard asked.count == rank else {
                throw .invalid(
                    "rt_input.shape and shape=\(shape) are incompatible: rt_input.rank = \(rank) but shape.rank = "
                        + "\(asked.count)")
            }
            guard let merged = PartialShape(sizes).merged(with: shape)?.dimensions else {
                throw .invalid("rt_input.shape and shape=\(shape) are incompatible: \(PartialShape(sizes))")
            }
            sizes = merged
        } else if inputs[0].shape.rank == 0, let asked = inputs[0].integers, asked != [-1] {
            throw .invalid("The only valid scalar shape tensor is the fully unknown shape specified as -1.")
        }
        return [TensorFact(inputs[1].dtype, PartialShape(sizes))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let fact = try outputs(for: inputs.map { TensorFact($0) })[0]
        let values = inputs[1]
        let levels = try levels(inputs, account)
        guard var sizes = fact.shape.dimensions else { throw OpError(.malformed, "the shape is not known") }
        if sizes[0] < 0 { sizes[0] = levels[0].count }
        for (level, lengths) in levels.enumerated() where sizes[level + 1] < 0 {
            sizes[level + 1] = lengths.max() ?? 0
        }
        guard let shape = Shape(sizes), let bytes = shape.byteCount(of: values.dtype), bytes <= 1 << 30 else {
            throw OpError(.resourceExhausted, "the output would have the shape \(PartialShape(sizes))")
        }
        let filling = try filling(inputs[2], values, account)
        let places = try places(levels, sizes, account)
        guard places.count == values.shape.dimensions[0] else {
            throw .invalid("the row partitions describe \(places.count) values, found \(values.shape.dimensions[0])")
        }
        return [try values.arranged(places, filling: filling, shape: shape, account)]
    }

    /// Where a value has no place.
    private static let nowhere = -1

    /// The place of each value in the result, in rows of values.
    private func places(
        _ levels: [[Int]], _ sizes: [Int], _ account: RunAccount
    ) throws(OpError) -> [Int] {
        var places = try account.list(of: Int.self, capacity: levels[0].count)
        for row in levels[0].indices { places.append(row < sizes[0] ? row : Self.nowhere) }
        var work = WorkCount(account)
        for (level, lengths) in levels.enumerated() {
            let width = sizes[level + 1]
            var below = try account.list(of: Int.self, capacity: lengths.reduce(0, &+))
            for (place, length) in zip(places, lengths) {
                for column in 0..<length {
                    // The result's size is a number, and so is each place in it; an empty result has none.
                    below.append(place >= 0 && column < width ? place &* width &+ column : Self.nowhere)
                    try work.add(16)
                }
            }
            places = below
        }
        return places
    }

    /// How long each row is, level by level.
    private func levels(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [[Int]] {
        if partitions[0] == .splits {
            let rows = try RaggedRows(inputs[3...], valueCount: inputs[1].shape.dimensions[0])
            for splits in rows.levels { try account.reserve(splits.count, of: Int.self) }
            return rows.levels.map { splits in
                (0..<splits.count - 1).map { splits[$0 + 1] - splits[$0] }
            }
        }
        guard var rows = inputs[3].integers?.first, rows >= 0, rows <= RaggedRows.maxCount else {
            throw .invalid("the first dimension is not a size")
        }
        var levels: [[Int]] = []
        for tensor in inputs[4...] {
            var lengths = try account.array(repeating: 0, count: rows)
            let numbers = try tensor.wholeNumberElements("row ids")
            for (number, next) in zip(numbers, numbers.dropFirst()) where next < number {
                throw .invalid("row ids must not go down: \(number), then \(next)")
            }
            for number in numbers {
                guard lengths.indices.contains(number) else {
                    throw .invalid("Expected row ids below \(rows), got \(number)")
                }
                lengths[number] += 1
            }
            levels.append(lengths)
            rows = numbers.count
        }
        return levels
    }

    /// The default value, broadcast to a row of values.
    private func filling(
        _ value: Tensor, _ values: Tensor, _ account: RunAccount
    ) throws(OpError) -> Tensor {
        let row = PartialShape(Array(values.shape.dimensions.dropFirst()))
        guard row.broadcastIfCompatible(with: PartialShape(value.shape)) == row, let shape = row.known else {
            throw .invalid(
                "default_value.shape=\(value.shape) and rt_input.flat_values.shape=\(values.shape) are incompatible")
        }
        let source = value.shape.dimensions
        try account.reserve(shape.elementCount, of: Int.self)
        let blocks = (0..<shape.elementCount).map { element in
            var (rest, place, stride) = (element, 0, 1)
            for (distance, size) in shape.dimensions.reversed().enumerated() {
                let position = rest % size
                rest /= size
                guard distance < source.count else { continue }
                let own = source[source.count - 1 - distance]
                place += own == 1 ? 0 : position * stride
                stride *= own
            }
            return place
        }
        return try value.taking(blocks, byteCount: value.dtype.stride, shape: shape.dimensions, account)
    }
}

extension Tensor {
    /// The rows of this tensor at the places that are told, and another row everywhere else; strings own their bytes.
    fileprivate func arranged(
        _ places: [Int], filling: Tensor, shape: Shape, _ account: RunAccount
    ) throws(OpError) -> Tensor {
        let rowBytes = filling.byteCount
        let made = try account.tensor(dtype, shape) { memory in
            guard rowBytes > 0 else { return }
            memory.fill(repeating: filling)
            withUnsafeBytes { values in
                guard let to = memory.baseAddress, let from = values.baseAddress else { return }
                let most = memory.count / rowBytes
                for (row, place) in places.enumerated()
                where place >= 0 && place < most && (row + 1) * rowBytes <= values.count {
                    (to + place * rowBytes).copyMemory(from: from + row * rowBytes, byteCount: rowBytes)
                }
            }
        }
        defer { withExtendedLifetime(filling) {} }
        return try account.owningStrings(made)
    }
}
