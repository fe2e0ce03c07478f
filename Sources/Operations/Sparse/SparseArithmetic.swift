internal import Kernels
internal import Tensors

extension OpTable {
    /// Sparse tensors as operands.
    static let sparseArithmetic: [OpEntry] = [
        OpEntry("SparseTensorDenseMatMul", make: SparseMatMul.init),
        OpEntry("SparseTensorDenseAdd", make: SparseTensorDenseAdd.init),
        OpEntry("SparseAdd", make: SparseAdd.init),
        OpEntry("SparseSparseMaximum", make: SparseExtreme.init(_:isMaximum:), true),
        OpEntry("SparseSparseMinimum", make: SparseExtreme.init(_:isMaximum:), false),
        OpEntry("SparseDenseCwiseAdd", make: SparseDenseCwise.init, .add),
        OpEntry("SparseDenseCwiseMul", make: SparseDenseCwise.init, .multiply),
        OpEntry("SparseDenseCwiseDiv", make: SparseDenseCwise.init, .divide),
    ]
}

/// A sparse matrix times a dense one.
///
/// - Inputs: indices, int32 or int64; values; shape; `b`.
/// - Attributes: `adjoint_a`, `adjoint_b`: whether a matrix is transposed first.
struct SparseMatMul: TensorOp {
    private let transposesLeft: Bool
    private let transposesRight: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        transposesLeft = try node.bool("adjoint_a", default: false)
        transposesRight = try node.bool("adjoint_b", default: false)
    }

    var valueInputs: [Int] { [2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[1].dtype == inputs[3].dtype else {
            throw .invalid("the inputs' dtypes differ: \(inputs[1].dtype) and \(inputs[3].dtype)")
        }
        guard inputs[3].shape.rank ?? 2 == 2 else { throw .invalid("Tensor 'b' is not a matrix") }
        let shape = try inputs[2].indices("a_shape")
        if let shape, shape.count != 2 {
            throw .invalid("Tensor 'a_shape' must have 2 elements")
        }
        let rows = shape.map { $0[transposesLeft ? 1 : 0] } ?? PartialShape.unknownDimension
        return [TensorFact(inputs[1].dtype, PartialShape([rows, inputs[3].shape.dimension(transposesRight ? 0 : 1)]))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        return [try product(inputs, try inputs[1].dtype.sparseNumber, account)]
    }

    private func product<Number: SparseNumber>(
        _ inputs: [Tensor], _ type: Number.Type, _ account: RunAccount
    ) throws(OpError) -> Tensor {
        let left = try SparseParts(inputs[0], inputs[1], inputs[2])
        guard left.rank == 2 else { throw .invalid("Tensor 'a_shape' must have 2 elements") }
        let (rowAxis, sumAxis) = transposesLeft ? (1, 0) : (0, 1)
        let sizes = inputs[3].shape.dimensions
        let (inner, columns) = transposesRight ? (sizes[1], sizes[0]) : (sizes[0], sizes[1])
        guard left.shape[sumAxis] == inner else {
            throw .invalid(
                "Cannot multiply A and B because inner dimension does not match: \(left.shape[sumAxis]) vs. \(inner).  Did "
                    + "you forget a transpose?  Dimensions of A: \(left.shape).  Dimensions of B: \(inputs[3].shape)")
        }
        let rows = left.shape[rowAxis]
        guard let shape = Shape([rows, columns]),
            shape.byteCount(of: inputs[1].dtype) ?? .max <= Tensor.repeatedStringsLimitBytes
        else { throw OpError(.resourceExhausted, "the product [\(rows),\(columns)] would take too much memory") }
        let right = try inputs[3].numbers(type, account)
        let values = try left.values.numbers(type, account)
        var result = try account.array(repeating: Number.zero, count: shape.elementCount)
        var work = WorkCount(account)
        for element in 0..<left.count {
            let row = left.indices[2 * element + rowAxis]
            let place = left.indices[2 * element + sumAxis]
            guard place >= 0, place < inner else {
                throw .invalid("k (\(place)) from index[\(element),\(sumAxis)] out of bounds (>=\(inner))")
            }
            guard row >= 0, row < rows else {
                throw .invalid("m (\(row)) from index[\(element),\(rowAxis)] out of bounds (>=\(rows))")
            }
            let value = values[element]
            try work.add(16 * columns)
            for column in 0..<columns {
                let other = right[transposesRight ? column * inner + place : place * columns + column]
                let target = row * columns + column
                result[target] = Number.sum(result[target], Number.product(value, other))
            }
        }
        return try account.tensor(result, [rows, columns])
    }
}

/// A dense tensor with the values of a sparse one, of the same shape, added.
struct SparseTensorDenseAdd: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(4) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[1].dtype == inputs[3].dtype else {
            throw .invalid("the inputs' dtypes differ: \(inputs[1].dtype) and \(inputs[3].dtype)")
        }
        return [TensorFact(inputs[3].dtype, inputs[3].shape)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        return [try sum(inputs, try inputs[1].dtype.sparseNumber, account)]
    }

    private func sum<Number: SparseNumber>(
        _ inputs: [Tensor], _ type: Number.Type, _ account: RunAccount
    ) throws(OpError) -> Tensor {
        let parts = try SparseParts(inputs[0], inputs[1], inputs[2])
        let dense = inputs[3].shape
        guard parts.shape == dense.dimensions else {
            throw .invalid(
                "the shapes differ (no broadcasting is supported): sparse side \(parts.shape) vs dense side \(dense)")
        }
        try parts.checkBounds(account)
        var result = try inputs[3].numbers(type, account)
        let values = try parts.values.numbers(type, account)
        for (element, place) in parts.places(in: dense).enumerated() {
            result[place] = Number.sum(result[place], values[element])
        }
        return try account.tensor(result, dense.dimensions)
    }
}

/// Two sparse tensors of one shape, both by ascending index, side by side.
private struct SparsePair {
    let left: SparseParts
    let right: SparseParts

    init(_ inputs: [Tensor]) throws(OpError) {
        left = try SparseParts(inputs[0], inputs[1], inputs[2])
        right = try SparseParts(inputs[3], inputs[4], inputs[5])
        guard left.rank == right.rank else {
            throw .invalid("Ranks of input tensors must match, but saw ranks: \(left.rank) and \(right.rank)")
        }
        for (axis, sizes) in zip(left.shape, right.shape).enumerated() where sizes.0 != sizes.1 {
            throw .invalid("Operands' shapes do not match: got \(sizes.0) and \(sizes.1) for dimension \(axis)")
        }
    }

    /// The elements of both by ascending index: the number in the left one, in the right one, or both.
    func merged(_ account: RunAccount) throws(OpError) -> [(left: Int?, right: Int?)] {
        let most = left.count + right.count
        var result: [(left: Int?, right: Int?)] = try account.list(capacity: most)
        var work = WorkCount(account)
        var (l, r) = (0, 0)
        while l < left.count, r < right.count {
            try work.add(16 * (left.rank + 1))
            let (mine, theirs) = (left.index(l), right.index(r))
            if mine.elementsEqual(theirs) {
                result.append((l, r))
                l += 1
                r += 1
            } else if mine.lexicographicallyPrecedes(theirs) {
                result.append((l, nil))
                l += 1
            } else {
                result.append((nil, r))
                r += 1
            }
        }
        while l < left.count {
            result.append((l, nil))
            l += 1
        }
        while r < right.count {
            result.append((nil, r))
            r += 1
        }
        return result
    }

    /// The indices of an element of ``merged``.
    func index(_ element: (left: Int?, right: Int?)) -> Slice<WholeNumbers> {
        if let place = element.left { return left.index(place) }
        return right.index(element.right ?? 0)
    }
}

/// The sum of two sparse tensors, both by ascending index.
///
/// - Inputs: indices, values, shape of both; `thresh`: the sum of two elements that is closer to zero is left out.
struct SparseAdd: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(7) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(2, "a_indices")
        try [inputs[1], inputs[4]].requireOneDType()
        guard inputs[6].shape.rank ?? 0 == 0 else {
            throw .invalid("The magnitude threshold must be a scalar: got shape \(inputs[6].shape)")
        }
        let rank = max(inputs[0].shape.dimension(1), inputs[3].shape.dimension(1))
        return [.sparseIndices(rank: rank), .sparseValues(inputs[1].dtype), .sparseValues(.int64, count: rank)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        return try sum(inputs, try inputs[1].dtype.sparseNumber, account)
    }

    private func sum<Number: SparseNumber>(
        _ inputs: [Tensor], _ type: Number.Type, _ account: RunAccount
    ) throws(OpError) -> [Tensor] {
        let pair = try SparsePair(inputs)
        let (left, right) = (try inputs[1].numbers(type, account), try inputs[4].numbers(type, account))
        guard let threshold = try inputs[6].numbers(type, account).first else { throw .invalid("thresh is empty") }
        let merged = try pair.merged(account)
        var indices = try account.list(of: Int.self, capacity: merged.count * pair.left.rank)
        var values = try account.list(of: Number.self, capacity: merged.count)
        for element in merged {
            let sum =
                switch element {
                case (let l?, let r?): Number.sum(left[l], right[r])
                case (let l?, nil): left[l]
                case (_, let r): right[r ?? 0]
                }
            if element.left != nil, element.right != nil, threshold > sum.size { continue }
            indices += pair.index(element)
            values.append(sum)
        }
        return [
            try .sparseIndices(indices, rank: pair.left.rank, count: values.count, account), try account.tensor(values),
            inputs[2],
        ]
    }
}

/// The larger or smaller of two sparse tensors, both by ascending index; what one does not have counts as zero.
struct SparseExtreme: TensorOp {
    private let isMaximum: Bool

    init(_ node: NodeReader, isMaximum: Bool) throws(OpError) {
        try node.expectInputs(6)
        self.isMaximum = isMaximum
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(2, "a_indices")
        try [inputs[1], inputs[4]].requireOneDType()
        let rank = max(inputs[0].shape.dimension(1), inputs[3].shape.dimension(1))
        return [.sparseIndices(rank: rank), .sparseValues(inputs[1].dtype)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        return try extremes(inputs, try inputs[1].dtype.sparseNumber, account)
    }

    private func extremes<Number: SparseNumber>(
        _ inputs: [Tensor], _ type: Number.Type, _ account: RunAccount
    ) throws(OpError) -> [Tensor] {
        let pair = try SparsePair(inputs)
        let (left, right) = (try inputs[1].numbers(type, account), try inputs[4].numbers(type, account))
        let merged = try pair.merged(account)
        try account.reserve(merged.count, of: Number.self)
        let values = merged.map { element in
            let mine = element.left.map { left[$0] } ?? .zero
            let theirs = element.right.map { right[$0] } ?? .zero
            return isMaximum ? max(mine, theirs) : min(mine, theirs)
        }
        var indices = try account.list(of: Int.self, capacity: merged.count * pair.left.rank)
        for element in merged { indices += pair.index(element) }
        return [
            try .sparseIndices(indices, rank: pair.left.rank, count: merged.count, account), try account.tensor(values),
        ]
    }
}

/// The values of a sparse tensor, each with the element of a dense one, which broadcasts to it, added, multiplied or divided by.
///
/// - Inputs: indices, values, shape; `dense`.
/// - Outputs: the new values.
struct SparseDenseCwise: TensorOp {
    enum Formula: Hashable, Sendable {
        case add, multiply, divide
    }

    private let formula: Formula

    init(_ node: NodeReader, _ formula: Formula) throws(OpError) {
        try node.expectInputs(4)
        self.formula = formula
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(2, "sp_indices")
        try [inputs[1], inputs[3]].requireOneDType()
        return [.sparseValues(inputs[1].dtype, count: inputs[0].sparseCount)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        return [try values(inputs, try inputs[1].dtype.sparseNumber, account)]
    }

    private func values<Number: SparseNumber>(
        _ inputs: [Tensor], _ type: Number.Type, _ account: RunAccount
    ) throws(OpError) -> Tensor {
        let parts = try SparseParts(inputs[0], inputs[1], inputs[2])
        let dense = inputs[3].shape
        let missing = parts.rank - dense.rank
        let fits =
            missing >= 0
            && zip(dense.dimensions, parts.shape.dropFirst(max(0, missing))).allSatisfy { $0 == 1 || $0 == $1 }
        guard fits else {
            throw .invalid(
                "SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: \(parts.shape) vs. "
                    + "\(dense)")
        }
        try parts.checkBounds(account)
        let (mine, others) = (try parts.values.numbers(type, account), try inputs[3].numbers(type, account))
        let strides = dense.byteStrides(width: 1)
        var results = try account.list(of: Number.self, capacity: parts.count)
        for element in 0..<parts.count {
            var place = 0
            for (axis, index) in parts.index(element).dropFirst(missing).enumerated() where dense.dimensions[axis] != 1
            {
                place += index * strides[axis]
            }
            guard let result = apply(mine[element], others[place]) else {
                throw .invalid("integer division by zero")
            }
            results.append(result)
        }
        return try account.tensor(results)
    }

    private func apply<Number: SparseNumber>(_ left: Number, _ right: Number) -> Number? {
        switch formula {
        case .add: Number.sum(left, right)
        case .multiply: Number.product(left, right)
        case .divide: Number.quotient(left, right)
        }
    }
}
