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

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(4)
        validates = try node.bool("validate_indices", default: true)
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
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

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
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
        let values =
            inputs[2].shape.rank == 0
            ? try inputs[2].reshapedToVector.taking(Array(repeating: 0, count: count)) : inputs[2]
        let parts = try SparseParts(indices, values, inputs[1])
        try parts.checkBounds()
        if validates { try parts.checkOrder() }
        let shape = try parts.denseShape(of: values.dtype)
        var places = [RowPlace](repeating: RowPlace(1, 0), count: shape.elementCount)
        for (element, place) in parts.places(in: shape).enumerated() { places[place] = RowPlace(0, element) }
        guard let flat = Tensor.rows(places, of: [values, inputs[3]]), let result = flat.reshaped(to: shape) else {
            throw CompileError(.resourceExhausted, "not enough memory for \(values.dtype) \(shape)")
        }
        return [result]
    }
}

extension Tensor {
    /// The elements as a vector.
    fileprivate var reshapedToVector: Tensor { reshaped(to: .vector(shape.elementCount)) ?? self }
}

/// The elements of a sparse tensor by ascending index; equal indices stay as they came.
struct SparseReorder: TensorOp {
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].requireRank(2, "indices")
        let rank = inputs[0].shape.dimension(1)
        let count = inputs[0].sparseCount
        return [.sparseIndices(rank: rank, count: count), .sparseValues(inputs[1].dtype, count: count)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        let parts = try SparseParts(inputs[0], inputs[1], inputs[2])
        let order = parts.ascending
        return [
            try .sparseIndices(order.flatMap { parts.index($0) }, rank: parts.rank, count: parts.count),
            try parts.values.taking(order),
        ]
    }
}

/// The indices of the same elements in another shape, of which one dimension may be -1.
struct SparseReshape: TensorOp {
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].requireRank(2, "indices")
        try inputs[1].requireRank(1, "the shape")
        try inputs[2].requireRank(1, "the new shape")
        let rank = inputs[2].shape.dimension(0)
        return [.sparseIndices(rank: rank, count: inputs[0].sparseCount), .sparseValues(.int64, count: rank)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        let count = inputs[0].shape.dimensions[0]
        let old = try SparseParts(inputs[0], try .holding([UInt8](repeating: 0, count: count)), inputs[1])
        try old.checkBounds()
        let target = try newShape(try inputs[2].wholeNumbers("new_shape"), old.shape)
        guard let before = Shape(old.shape), let after = Shape(target) else {
            throw .invalid("the shapes \(old.shape) and \(target) are not ones that a tensor can have")
        }
        let strides = after.byteStrides(width: 1)
        var indices: [Int] = []
        for place in old.places(in: before) {
            var rest = place
            for stride in strides {
                indices.append(rest / max(1, stride))
                rest %= max(1, stride)
            }
        }
        return [
            try .sparseIndices(indices, rank: target.count, count: count), try .holding(target.map(Int64.init)),
        ]
    }

    private func newShape(_ asked: [Int], _ old: [Int]) throws(CompileError) -> [Int] {
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
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(4) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
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

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        let parts = try SparseParts(inputs[0], inputs[1], inputs[2])
        guard let rows = parts.shape.first else { throw .invalid("dense_shape must have at least one dimension") }
        guard rows <= Tensor.repeatedStringsLimitBytes / (8 * (parts.rank + 2)) else {
            throw CompileError(.resourceExhausted, "\(rows) rows are more than can be filled")
        }
        guard rows > 0 || parts.count == 0 else {
            throw .invalid("Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = \(parts.count)")
        }
        var elements = [[Int]](repeating: [], count: rows)
        for element in 0..<parts.count {
            let row = parts.indices[element * parts.rank]
            guard row >= 0, row < rows else {
                throw .invalid("indices(\(element), 0) is invalid: \(row) \(row < 0 ? "< 0" : ">= \(rows)")")
            }
            elements[row].append(element)
        }
        var indices: [Int] = []
        var places: [RowPlace] = []
        var newPlaces = [Int64](repeating: 0, count: parts.count)
        for (row, members) in elements.enumerated() {
            if members.isEmpty {
                indices += [row] + Array(repeating: 0, count: parts.rank - 1)
                places.append(RowPlace(1, 0))
            }
            for element in members {
                newPlaces[element] = Int64(places.count)
                indices += parts.index(element)
                places.append(RowPlace(0, element))
            }
        }
        guard let values = Tensor.rows(places, of: [parts.values, inputs[3]]) else {
            throw CompileError(.resourceExhausted, "not enough memory for \(places.count) values")
        }
        return [
            try .sparseIndices(indices, rank: parts.rank, count: places.count), values,
            try .holding(elements.map(\.isEmpty)), try .holding(newPlaces),
        ]
    }
}
