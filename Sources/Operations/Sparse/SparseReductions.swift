internal import Glibc
internal import Kernels
internal import Tensors

extension OpTable {
    /// Folds of sparse tensors.
    static let sparseReductions: [OpEntry] = [
        OpEntry("SparseReduceSum", make: SparseReduce.init(_:isSum:isDense:), true, true),
        OpEntry("SparseReduceMax", make: SparseReduce.init(_:isSum:isDense:), false, true),
        OpEntry("SparseReduceSumSparse", make: SparseReduce.init(_:isSum:isDense:), true, false),
        OpEntry("SparseReduceMaxSparse", make: SparseReduce.init(_:isSum:isDense:), false, false),
        OpEntry("SparseSoftmax", make: SparseSoftmax.init),
    ]
}

/// The sum, or the largest, of the elements that are there along some axes.
///
/// - Inputs: indices, values, shape; `reduction_axes`, int32.
/// - Outputs: a dense tensor, zero where there was no element; or (...Sparse) indices, values and shape.
/// - Attributes: `keep_dims`.
struct SparseReduce: TensorOp {
    private let isSum: Bool
    private let isDense: Bool
    private let keepsDimensions: Bool

    init(_ node: NodeReader, isSum: Bool, isDense: Bool) throws(OpError) {
        try node.expectInputs(4)
        self.isSum = isSum
        self.isDense = isDense
        keepsDimensions = try node.bool("keep_dims", default: false)
    }

    var valueInputs: [Int] { isDense ? [2, 3] : [] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(2, "input_indices")
        let dtype = inputs[1].dtype
        guard isDense else {
            let unknown = PartialShape.unknownDimension
            return [.sparseIndices(rank: unknown), .sparseValues(dtype), .sparseValues(.int64)]
        }
        let shape = try inputs[2].indices("input_shape")
        let axes = try inputs[3].indices("reduction_axes")
        guard let shape, let axes, shape.count <= Shape.maximumRank else { return [TensorFact(dtype, .unknown)] }
        let kept = try kept(axes, rank: shape.count)
        return [TensorFact(dtype, PartialShape(sizes(shape, kept)))]
    }

    /// The axes that stay.
    private func kept(_ listed: [Int], rank: Int) throws(OpError) -> [Int] {
        var folded = Set<Int>()
        for axis in listed {
            folded.insert(
                try axis.axis(
                    rank: rank, outOfRange: "Invalid reduction dimension \(axis), for input with \(rank) dimensions."))
        }
        return (0..<rank).filter { !folded.contains($0) }
    }

    private func sizes(_ shape: [Int], _ kept: [Int]) -> [Int] {
        keepsDimensions
            ? shape.indices.map { kept.contains($0) ? shape[$0] : 1 } : kept.map { shape[$0] }
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        return try folds(inputs, try inputs[1].dtype.sparseNumber, account)
    }

    private func folds<Number: SparseNumber>(
        _ inputs: [Tensor], _ type: Number.Type, _ account: RunAccount
    ) throws(OpError) -> [Tensor] {
        let parts = try SparseParts(inputs[0], inputs[1], inputs[2])
        try parts.checkBounds(account)
        try account.reserve(inputs[3].shape.elementCount, of: Int.self)
        let kept = try kept(try inputs[3].wholeNumbers("reduction_axes"), rank: parts.rank)
        let values = try parts.values.numbers(type, account)
        var groups = try CountedList<Int>(account)
        var folded = try account.list(of: Number.self, capacity: parts.count)
        for element in try parts.ascending(by: kept, account) {
            let value = values[element]
            if let last = groups.elements.last, parts.isEqual(last, element, along: kept) {
                let place = folded.count - 1
                folded[place] = isSum ? Number.sum(folded[place], value) : max(folded[place], value)
            } else {
                try groups.append(element)
                folded.append(value)
            }
        }
        let sizes = sizes(parts.shape, kept)
        let found = SparseGroups(parts: parts, kept: kept, elements: groups.elements, values: folded)
        return isDense ? [try dense(found, sizes, account)] : try sparse(found, sizes, account)
    }

    private func dense<Number>(
        _ groups: SparseGroups<Number>, _ sizes: [Int], _ account: RunAccount
    ) throws(OpError) -> Tensor {
        guard let plain = Shape(groups.kept.map { groups.parts.shape[$0] }),
            plain.byteCount(of: Number.dataType) ?? .max <= Tensor.repeatedStringsLimitBytes
        else { throw OpError(.resourceExhausted, "the dense tensor \(sizes) would take too much memory") }
        let strides = plain.byteStrides(width: 1)
        var result = try account.array(repeating: Number.zero, count: plain.elementCount)
        for (group, value) in groups.values.enumerated() {
            result[strides.indices.reduce(0) { $0 + groups.index(group, $1) * strides[$1] }] = value
        }
        return try account.tensor(result, sizes)
    }

    private func sparse<Number>(
        _ groups: SparseGroups<Number>, _ sizes: [Int], _ account: RunAccount
    ) throws(OpError) -> [Tensor] {
        let rank = sizes.count
        guard let shape = Shape([groups.values.count, rank]) else {
            throw OpError(.resourceExhausted, "\(groups.values.count) indices would take too much memory")
        }
        let indices = try account.numbers(shape, of: Int64.self) { numbers in
            numbers.initialize(repeating: 0)
            for group in groups.values.indices {
                for (place, axis) in groups.kept.enumerated() {
                    numbers[group * rank + (keepsDimensions ? axis : place)] = Int64(groups.index(group, place))
                }
            }
        }
        return [indices, try account.tensor(groups.values), try account.int64s(sizes, [rank])]
    }
}

/// What a fold of a sparse tensor found: the first element of each group, and the group's fold.
private struct SparseGroups<Number: SparseNumber> {
    let parts: SparseParts
    /// The axes that stay.
    let kept: [Int]
    let elements: [Int]
    let values: [Number]

    /// The index of a group along one of the axes that stay.
    func index(_ group: Int, _ place: Int) -> Int { parts.indices[elements[group] * parts.rank + kept[place]] }
}

extension SparseParts {
    /// Whether the indices of two elements are the same along some axes.
    fileprivate func isEqual(_ one: Int, _ other: Int, along axes: [Int]) -> Bool {
        axes.allSatisfy { indices[one * rank + $0] == indices[other * rank + $0] }
    }
}

/// Each row's elements, as far as there are any, as probabilities.
///
/// - Inputs: indices, by ascending index; values, float32 or float64; shape, of rank 2 or more.
/// - Outputs: the new values.
struct SparseSoftmax: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(2, "sp_indices")
        guard inputs[1].dtype == .float32 || inputs[1].dtype == .float64 else { throw .unsupported(inputs[1].dtype) }
        let rank = inputs[2].shape.dimension(0)
        guard rank < 0 || rank >= 2 else {
            throw .invalid("Input should have rank >= 2, but received shape of rank \(rank)")
        }
        return [.sparseValues(inputs[1].dtype, count: inputs[0].sparseCount)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let parts = try SparseParts(inputs[0], inputs[1], inputs[2])
        try parts.checkBounds(account)
        // The values and the results.
        try account.reserve(parts.count, bytesEach: 2 * parts.values.dtype.stride)
        if let values = parts.values.scalars(as: Float.self) {
            return [try account.tensor(softmax(values, parts, exponential: { expf($0) }))]
        }
        return [
            try account.tensor(softmax(parts.values.scalars(as: Double.self) ?? [], parts, exponential: { exp($0) }))
        ]
    }

    private func softmax<Number: BinaryFloatingPoint>(
        _ values: [Number], _ parts: SparseParts, exponential: (Number) -> Number
    ) -> [Number] {
        var results = values
        var start = 0
        while start < parts.count {
            var end = start + 1
            while end < parts.count, parts.index(end).dropLast().elementsEqual(parts.index(start).dropLast()) {
                end += 1
            }
            let largest = values[start..<end].max() ?? 0
            for place in start..<end { results[place] = exponential(values[place] - largest) }
            let total = results[start..<end].reduce(0, +)
            for place in start..<end { results[place] /= total }
            start = end
        }
        return results
    }
}
