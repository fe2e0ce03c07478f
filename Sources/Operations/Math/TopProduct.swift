internal import Kernels
internal import Tensors

/// The largest elements of each row of a product of two matrices, and their columns; of equal ones the first come first. No graph has
/// this op: a pass makes it of a product and a `TopK`.
///
/// - Inputs: two float32 matrices.
/// - Outputs: `values` and `indices`.
struct TopProduct: KernelOp {
    private let count: Int
    private let transposesRight: Bool
    private let indexType: DataType

    /// More than these are found faster in a product that is written.
    private static let maxCount = 256
    /// So many columns for each element that is kept make it likely that most columns are only looked at.
    private static let columnsPerElement = 8
    private static let fewestColumns = 256

    /// - Parameters:
    ///   - count: How many of each row.
    ///   - product: The product.
    ///   - factors: What is known of its inputs.
    ///   - indexType: The dtype of the columns.
    ///
    /// Gives nil where the kernel would not fit, or gain nothing.
    init?(_ count: Int, of product: MatMul, _ factors: [TensorFact], indexType: DataType) {
        guard !product.transposesLeft, product.fusibleProduct != nil, factors.allSatisfy({ $0.dtype == .float32 }),
            factors.allSatisfy({ $0.shape.rank == 2 }), (1...Self.maxCount).contains(count)
        else { return nil }
        let columns = factors[1].shape.dimension(product.transposesRight ? 0 : 1)
        guard columns >= max(Self.fewestColumns, Self.columnsPerElement * count) else { return nil }
        self.count = count
        transposesRight = product.transposesRight
        self.indexType = indexType
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let product = MatMul(transposesLeft: false, transposesRight: transposesRight)
        let shape = PartialShape([try product.outputs(for: inputs)[0].shape.dimension(0), count])
        return [TensorFact(inputs[0].dtype, shape), TensorFact(indexType, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (left, right) = (try spec.inputShape(0).dimensions, try spec.inputShape(1).dimensions)
        guard left[0] > 0 else { return .nothing }
        let kernel = TopProducts(
            count, rows: left[0], columns: right[transposesRight ? 0 : 1], depth: left[1],
            transposesRight: transposesRight, indices: indexType
        ).kernel()
        guard let kernel else { throw OpError(.resourceExhausted, "the product is too large") }
        return kernel
    }
}
