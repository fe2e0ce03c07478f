internal import Kernels
internal import Tensors

extension OpTable {
    /// Parts of sparse tensors, and sparse tensors put together.
    static let sparseMovement: [OpEntry] = [
        OpEntry("SparseConcat", make: SparseConcat.init),
        OpEntry("SparseSlice", make: SparseSlice.init),
        OpEntry("SparseSplit", make: SparseSplit.init),
    ]
}

/// Sparse tensors end to end along an axis. Attributes: `concat_dim`, `N`.
struct SparseConcat: TensorOp {
    private let axis: Int
    private let count: Int

    init(_ node: NodeReader) throws(OpError) {
        axis = try node.int("concat_dim")
        count = node.inputCount / 3
        guard count > 0 else { throw node.malformed("takes at least one sparse tensor") }
        try node.expectInputs(3 * count)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try Array(inputs[count..<(2 * count)]).requireOneDType()
        var rank = PartialShape.unknownDimension
        var total = 0
        for input in inputs[..<count] {
            try input.requireRank(2, "indices")
            rank = max(rank, input.shape.dimension(1))
            total = try total.plus(input.sparseCount)
        }
        return [
            .sparseIndices(rank: rank, count: total), .sparseValues(inputs[count].dtype, count: total),
            .sparseValues(.int64, count: rank),
        ]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        var parts: [SparseParts] = []
        for number in 0..<count {
            parts.append(try SparseParts(inputs[number], inputs[count + number], inputs[2 * count + number]))
        }
        let rank = parts[0].rank
        let axis = try self.axis.axis(
            rank: rank, outOfRange: "Concat dimension must be in range [\(-rank), \(rank)), got \(self.axis)")
        var shape = parts[0].shape
        shape[axis] = 0
        var starts: [Int] = []
        var total = 0
        for (number, part) in parts.enumerated() {
            guard part.rank == rank else {
                throw .invalid(
                    "Ranks of all input tensors must match: expected \(rank) but got \(part.rank) at position \(number)"
                )
            }
            for other in 0..<rank where other != axis && part.shape[other] != shape[other] {
                throw .invalid(
                    "Input shapes must match: expected \(shape[other]) for dimension \(other) but got "
                        + "\(part.shape[other]) at position \(number)")
            }
            starts.append(shape[axis])
            total = try total.plus(part.count)
            shape[axis] = try shape[axis].plus(part.shape[axis])
        }
        return try joined(parts, starts, axis, count: total, account) + [account.int64s(shape, [rank])]
    }

    /// The indices and values of all elements, by ascending index.
    ///
    /// - `starts`: Where each tensor begins along the axis.
    private func joined(
        _ parts: [SparseParts], _ starts: [Int], _ axis: Int, count: Int, _ account: RunAccount
    ) throws(OpError) -> [Tensor] {
        let rank = parts[0].rank
        func index(_ place: RowPlace, _ along: Int) -> Int {
            let own = parts[place.tensor].indices[place.row * rank + along]
            return along == axis ? own.addingReportingOverflow(starts[place.tensor]).partialValue : own
        }
        // Sorting takes as much again at most.
        try account.reserve(count, bytesEach: 2 * MemoryLayout<RowPlace>.stride)
        var order: [RowPlace] = []
        order.reserveCapacity(count)
        for (number, part) in parts.enumerated() { for row in 0..<part.count { order.append(RowPlace(number, row)) } }
        try account.sort(&order) { left, right in
            for along in 0..<rank {
                let (mine, theirs) = (index(left, along), index(right, along))
                if mine != theirs { return mine < theirs }
            }
            return left.tensor == right.tensor ? left.row < right.row : left.tensor < right.tensor
        }
        guard let shape = Shape([count, rank]) else {
            throw OpError(.resourceExhausted, "\(count) indices would take too much memory")
        }
        let indices = try account.numbers(shape, of: Int64.self) { (numbers) throws(OpError) in
            var work = WorkCount(account)
            for (row, place) in order.enumerated() {
                for along in 0..<rank { numbers[row * rank + along] = Int64(index(place, along)) }
                try work.add(16 * (rank + 1))
            }
        }
        return [indices, try account.elements(order, of: parts.map(\.values))]
    }
}

extension SparseParts {
    /// The elements of a box, as indices from its corner, values and shape.
    fileprivate func box(start: [Int], size: [Int], _ account: RunAccount) throws(OpError) -> [Tensor] {
        var kept = try CountedList<Int>(account)
        var work = WorkCount(account)
        for element in 0..<count {
            try work.add(16 * (rank + 1))
            let inside = zip(index(element), zip(start, size)).allSatisfy { $0 >= $1.0 && $0 - $1.0 < $1.1 }
            if inside { try kept.append(element) }
        }
        guard let shape = Shape([kept.count, rank]) else {
            throw OpError(.resourceExhausted, "\(kept.count) indices would take too much memory")
        }
        let elements = kept.elements
        let moved = try account.numbers(shape, of: Int64.self) { numbers in
            for (row, element) in elements.enumerated() {
                for axis in 0..<rank {
                    numbers[row * rank + axis] = Int64(indices[element * rank + axis] - start[axis])
                }
            }
        }
        return [moved, try values.taking(elements, account), try account.int64s(size, [size.count])]
    }
}

/// The elements in a box of a sparse tensor, which ends with the tensor at the latest.
///
/// - Inputs: indices, values, shape; `start` and `size`, int64.
struct SparseSlice: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(5) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(2, "indices")
        let rank = max(inputs[0].shape.dimension(1), inputs[2].shape.dimension(0))
        return [.sparseIndices(rank: rank), .sparseValues(inputs[1].dtype), .sparseValues(.int64, count: rank)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let parts = try SparseParts(inputs[0], inputs[1], inputs[2])
        guard inputs[3].shape.elementCount == parts.rank, inputs[4].shape.elementCount == parts.rank else {
            throw .invalid(
                "Expected start and size to be vectors of \(parts.rank), got \(inputs[3].shape) and \(inputs[4].shape)")
        }
        let start = try inputs[3].wholeNumbers("start")
        let size = try inputs[4].wholeNumbers("size")
        var sizes: [Int] = []
        for (axis, extent) in parts.shape.enumerated() {
            guard start[axis] >= 0, size[axis] >= 0 else {
                throw .invalid("start and size must not be negative, they are \(start) and \(size)")
            }
            sizes.append(max(0, min(size[axis], extent - min(extent, start[axis]))))
        }
        return try parts.box(start: start, size: sizes, account)
    }
}

/// A sparse tensor cut into parts along an axis; the first ones are one longer where it does not divide.
///
/// - Inputs: `split_dim`, int64; indices, values, shape.
/// - Outputs: the indices of all parts, the values of all, the shapes of all.
/// - Attributes: `num_split`.
struct SparseSplit: TensorOp {
    private let count: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        count = try node.int("num_split")
        guard count >= 1, count <= 1 << 16 else { throw node.malformed("num_split = \(count) is not in [1, 65536]") }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[1].requireRank(2, "indices")
        let rank = max(inputs[1].shape.dimension(1), inputs[3].shape.dimension(0))
        return Array(repeating: .sparseIndices(rank: rank), count: count)
            + Array(repeating: .sparseValues(inputs[2].dtype), count: count)
            + Array(repeating: .sparseValues(.int64, count: rank), count: count)
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let parts = try SparseParts(inputs[1], inputs[2], inputs[3])
        try parts.checkBounds(account)
        let asked = try inputs[0].oneWholeNumber("split_dim")
        let axis = try asked.axis(
            rank: parts.rank,
            outOfRange: "Input split_dim should be in range [\(-parts.rank), \(parts.rank)), got \(asked)")
        let extent = parts.shape[axis]
        guard count <= extent else {
            throw .invalid(
                "Input num_split should be between 1 and the splitting dimension size (\(extent)), got \(count)")
        }
        var pieces: [[Tensor]] = []
        var corner = [Int](repeating: 0, count: parts.rank)
        for piece in 0..<count {
            var size = parts.shape
            size[axis] = extent / count + (piece < extent % count ? 1 : 0)
            pieces.append(try parts.box(start: corner, size: size, account))
            corner[axis] += size[axis]
        }
        return (0..<3).flatMap { part in pieces.map { $0[part] } }
    }
}
