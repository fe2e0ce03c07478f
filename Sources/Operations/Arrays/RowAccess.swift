package import Kernels
package import Tensors

/// One row of a tensor, by its number. No graph has this op: passes make it of what reads arrays of rows.
///
/// - Inputs: `rows`, rank 1 or more; `index`, an int32 or int64 scalar. An index that is not in `[0, rows.shape[0])` is an error of the run.
package struct RowOfTensor: KernelOp {
    package init() {}

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try Gather.rows.outputs(for: inputs)
    }

    package func batching(_ node: BatchedNode) -> [BatchRole]? { Gather.rows.batching(node) }

    package func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { try Gather.rows.kernel(for: spec) }
}

/// Rows of a tensor that follow each other. No graph has this op: passes cut weights with it. The rows stay where they are.
///
/// - Inputs: `rows`, rank 1 or more.
package struct RowRange: TensorOp {
    private let first: Int
    private let count: Int

    /// - Parameters:
    ///   - first: The first row.
    ///   - count: How many.
    package init(first: Int, count: Int) {
        self.first = first
        self.count = count
    }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard var sizes = inputs[0].shape.dimensions, let all = sizes.first else {
            throw .invalid("rows are cut out of \(inputs[0].shape)")
        }
        guard all < 0 || first >= 0 && count >= 0 && first <= all - count else {
            throw .invalid("rows \(first) to \(first + count) are cut out of \(inputs[0].shape)")
        }
        sizes[0] = count
        return [TensorFact(inputs[0].dtype, PartialShape(sizes))]
    }

    package func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let rows = inputs[0]
        let facts = try outputs(for: [TensorFact(rows)])
        let rowBytes = rows.byteCount / max(1, rows.shape.dimensions[0])
        guard let shape = facts[0].shape.known,
            let part = Tensor(
                dtype: rows.dtype, shape: shape, storage: rows.storage,
                byteOffset: rows.byteOffset + first * rowBytes)
        else { throw OpError(.malformed, "rows are not where they should be") }
        return [part]
    }
}
