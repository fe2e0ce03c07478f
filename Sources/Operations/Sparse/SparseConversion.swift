internal import Kernels
internal import Tensors

extension OpTable {
    /// Sparse tensors to dense ones, and into other forms.
    static let sparseConversion: [OpEntry] = [
        OpEntry("SparseToDense", make: SparseToDense.init),
        OpEntry("SparseReorder", make: SparseReorder.init),
        OpEntry("SparseReshape", make: SparseReshape.init),
        OpEntry("SparseFillEmptyRows", make: SparseFillEmptyRows.init),
    ]
}

/// A dense tensor with some values at some places, and a default everywhere else.
///
/// - Inputs: `sparse_indices`, int32 or int64: a matrix, a row a value; a vector of places in a vector; a scalar; `output_shape`;
///   `sparse_values`, a vector, or a scalar for all; `default_value`, a scalar.
/// - Attributes: `validate_indices`: whether indices must ascend, none being there twice; else the last of two counts.
struct SparseToDense: TensorOp {
    private let validates: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        validates = try node.bool("validate_indices", default: true)
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let dtype = inputs[2].dtype
        guard inputs[3].dtype == dtype, inputs[0].dtype == inputs[1].dtype else {
            throw .invalid("indices and shape, and values and default, must be of one dtype each")
        }
        guard inputs[0].shape.rank ?? 0 <= 2 else {
            throw .invalid(
                "sparse_indices should be a scalar, vector, or matrix, got shape \(inputs[0].shape)")
        }
        guard inputs[1].shape.rank ?? 1 == 1 else {
            throw .invalid("output_shape must be rank 1, got shape \(inputs[1].shape)")
        }
        guard inputs[2].shape.rank ?? 0 <= 1 else {
            throw .invalid("sparse_values has incorrect shape \(inputs[2].shape), should be [] or a vector")
        }
        guard inputs[3].shape.rank ?? 0 == 0 else { throw .invalid("default_value should be a scalar.") }
        guard let sizes = try inputs[1].indices("output_shape") else {
            let rank = inputs[1].shape.dimension(0)
            return [TensorFact(dtype, try .ofRank(checking: rank))]
        }
        guard Shape(sizes) != nil else { throw .invalid("the output_shape \(sizes) is not one that a tensor can have") }
        return [TensorFact(dtype, PartialShape(sizes))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let count = inputs[0].shape.rank > 0 ? inputs[0].shape.dimensions[0] : 1
        let width = inputs[0].shape.rank > 1 ? inputs[0].shape.dimensions[1] : 1
        let dense = inputs[1].shape.elementCount
        guard width == dense else {
            throw .invalid("output_shape has incorrect number of elements: \(dense) should be: \(width)")
        }
        guard inputs[2].shape.rank == 0 || inputs[2].shape.elementCount == count,
            let indices = inputs[0].reshaped(to: Shape([count, width]) ?? .scalar)
        else {
            throw .invalid(
                "sparse_values has incorrect shape \(inputs[2].shape), should be [] or [\(count)]")
        }
        let values = inputs[2]
        let parts = try SparseParts(indicesOnly: indices, inputs[1])
        try parts.checkBounds(account)
        if validates { try parts.checkOrder(account) }
        let shape = try parts.denseShape(of: values.dtype)
        let places = parts.places(in: shape)
        let bytes = values.dtype.stride
        let step = values.shape.rank == 0 ? 0 : bytes
        let result = try account.tensor(values.dtype, shape) { memory in
            memory.fill(repeating: inputs[3])
            values.withUnsafeBytes { source in
                for (element, place) in places.enumerated() {
                    let from = UnsafeRawBufferPointer(rebasing: source[element * step..<element * step + bytes])
                    UnsafeMutableRawBufferPointer(rebasing: memory[place * bytes..<(place + 1) * bytes])
                        .copyMemory(from: from)
                }
            }
        }
        return [try account.owningStrings(result)]
    }
}

/// The elements of a sparse tensor by ascending index; equal indices stay as they came.
struct SparseReorder: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(2, "indices")
        let rank = inputs[0].shape.dimension(1)
        let count = inputs[0].sparseCount
        return [.sparseIndices(rank: rank, count: count), .sparseValues(inputs[1].dtype, count: count)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let parts = try SparseParts(inputs[0], inputs[1], inputs[2])
        let order = try parts.ascending(account)
        return [try parts.indices(of: order, account), try parts.values.taking(order, account)]
    }
}

/// The indices of the same elements in another shape, of which one dimension may be -1.
struct SparseReshape: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(2, "indices")
        try inputs[1].requireRank(1, "the shape")
        try inputs[2].requireRank(1, "the new shape")
        let rank = inputs[2].shape.dimension(0)
        return [.sparseIndices(rank: rank, count: inputs[0].sparseCount), .sparseValues(.int64, count: rank)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let count = inputs[0].shape.dimensions[0]
        let old = try SparseParts(indicesOnly: inputs[0], inputs[1])
        try old.checkBounds(account)
        guard inputs[2].shape.elementCount <= Shape.maximumRank else {
            throw .invalid("\(inputs[2].shape.elementCount) dimensions are more than a tensor can have")
        }
        let target = try newShape(try inputs[2].wholeNumbers("new_shape"), old.shape)
        guard let before = Shape(old.shape), let after = Shape(target) else {
            throw .invalid("the shapes \(old.shape) and \(target) are not ones that a tensor can have")
        }
        let strides = after.byteStrides(width: 1)
        guard let shape = Shape([count, target.count]) else {
            throw OpError(.resourceExhausted, "\(count) indices would take too much memory")
        }
        let indices = try account.numbers(shape, of: Int64.self) { (numbers) throws(OpError) in
            var work = WorkCount(account)
            var next = 0
            for place in old.places(in: before) {
                var rest = place
                for stride in strides {
                    numbers[next] = Int64(rest / max(1, stride))
                    rest %= max(1, stride)
                    next += 1
                }
                try work.add(16 * (strides.count + 1))
            }
        }
        return [indices, try account.int64s(target, [target.count])]
    }

    private func newShape(_ asked: [Int], _ old: [Int]) throws(OpError) -> [Int] {
        let total = try PartialShape.product(old)
        var target = asked
        let unknown = asked.indices.filter { asked[$0] == -1 }
        guard unknown.count <= 1 else {
            throw .invalid("only one output dimension may be -1, not both \(unknown[0]) and \(unknown[1])")
        }
        guard asked.allSatisfy({ $0 >= -1 }) else {
            throw .invalid("a dimension of \(asked) is negative")
        }
        let known = try PartialShape.product(asked.filter { $0 != -1 })
        if let place = unknown.first {
            guard known > 0 else {
                throw .invalid(
                    "reshape cannot infer the missing input size for an empty tensor unless all specified input sizes are non-zero"
                )
            }
            guard total % known == 0 else {
                throw .invalid(
                    "Input to reshape is a SparseTensor with \(total) dense values, but the requested shape requires a "
                        + "multiple of \(known).")
            }
            target[place] = total / known
        }
        guard try PartialShape.product(target) == total else {
            throw .invalid(
                "Input to reshape is a tensor with \(total) dense values, but the requested shape has \(known).")
        }
        return target
    }
}

/// A sparse tensor in which each row has at least one element: the default, in the first column, where it had none.
///
/// - Outputs: indices and values, by row; which rows were empty; for each element of the input its new place.
struct SparseFillEmptyRows: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(4) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(2, "indices")
        guard inputs[1].dtype == inputs[3].dtype else {
            throw .invalid("values are \(inputs[1].dtype), default_value is \(inputs[3].dtype)")
        }
        guard inputs[3].shape.rank ?? 0 == 0 else {
            throw .invalid("default_value must be a scalar, saw: \(inputs[3].shape)")
        }
        let rank = inputs[0].shape.dimension(1)
        return [
            .sparseIndices(rank: rank), .sparseValues(inputs[1].dtype), .sparseValues(.bool),
            .sparseValues(.int64, count: inputs[0].sparseCount),
        ]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let parts = try SparseParts(inputs[0], inputs[1], inputs[2])
        guard let rows = parts.shape.first else { throw .invalid("dense_shape must have at least one dimension") }
        guard rows <= Tensor.repeatedStringsLimitBytes / (8 * (parts.rank + 2)) else {
            throw OpError(.resourceExhausted, "\(rows) rows are more than can be filled")
        }
        guard rows > 0 || parts.count == 0 else {
            throw .invalid("Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = \(parts.count)")
        }
        // Where the next element of each row goes; first how many there are of it.
        var next = try account.array(repeating: 0, count: rows)
        var work = WorkCount(account)
        for element in 0..<parts.count {
            let row = parts.indices[element * parts.rank]
            guard row >= 0, row < rows else {
                throw .invalid("indices(\(element), 0) is invalid: \(row) \(row < 0 ? "< 0" : ">= \(rows)")")
            }
            next[row] += 1
            try work.add(16)
        }
        let isEmpty = try account.numbers(.vector(rows), of: Bool.self) { flags in
            for row in 0..<rows { flags[row] = next[row] == 0 }
        }
        var total = 0
        for row in 0..<rows {
            let count = max(1, next[row])
            next[row] = total
            total += count
            try work.add(16)
        }
        return try filled(parts, inputs[3], next, count: total, isEmpty, account)
    }

    /// The results, where the elements of each row begin is told; `isEmpty` tells which have none.
    private func filled(
        _ parts: SparseParts, _ filling: Tensor, _ begins: [Int], count: Int, _ isEmpty: Tensor, _ account: RunAccount
    ) throws(OpError) -> [Tensor] {
        let rank = parts.rank
        // The default everywhere, in the first column of the row, and then what there is.
        var places = try account.array(repeating: RowPlace(1, 0), count: count)
        guard let shape = Shape([count, rank]) else {
            throw OpError(.resourceExhausted, "\(count) indices would take too much memory")
        }
        try account.reserve(begins.count, of: Int.self)
        var next = begins
        var newPlaces = try account.array(repeating: Int64(0), count: parts.count)
        let indices = try account.numbers(shape, of: Int64.self) { (numbers) throws(OpError) in
            numbers.initialize(repeating: 0)
            var work = WorkCount(account)
            for row in begins.indices {
                numbers[begins[row] * rank] = Int64(row)
                try work.add(16)
            }
            for element in 0..<parts.count {
                let row = parts.indices[element * rank]
                let place = next[row]
                next[row] += 1
                newPlaces[element] = Int64(place)
                places[place] = RowPlace(0, element)
                for axis in 0..<rank { numbers[place * rank + axis] = Int64(parts.indices[element * rank + axis]) }
                try work.add(16 * (rank + 1))
            }
        }
        return [
            indices, try account.elements(places, of: [parts.values, filling]), isEmpty,
            try account.tensor(newPlaces),
        ]
    }
}
