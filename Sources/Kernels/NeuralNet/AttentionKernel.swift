internal import CKernels
internal import Tensors

/// softmax(queries * keys^T * factor / divisor + mask) * values, for each of a batch of float32 matrices. The scores of some queries at a
/// time stay in the cache; those of all are never written.
package struct AttentionKernel: Sendable {
    /// Where the elements of an operand lie.
    package struct Operand: Sendable {
        /// Elements from one matrix to the next along each axis of the batch; 0 where it repeats.
        package let batch: [Int]
        /// Elements from one row to the next, and from one column to the next.
        package let row: Int
        package let column: Int

        package init(batch: [Int], row: Int, column: Int) {
            self.batch = batch
            self.row = row
            self.column = column
        }

        /// Elements between adjacent rows, or adjacent columns; nil where neither are adjacent elements.
        fileprivate var matrix: (stride: Int, isTransposed: Bool)? {
            if column == 1 { return (row, false) }
            return row == 1 ? (column, true) : nil
        }
    }

    /// The sizes of the matrices.
    package struct Sizes: Sendable {
        /// Of the batch.
        package let batch: [Int]
        package let queries: Int
        package let keys: Int
        /// Columns of queries and keys.
        package let depth: Int
        /// Columns of the values.
        package let width: Int

        package init(batch: [Int], queries: Int, keys: Int, depth: Int, width: Int) {
            self.batch = batch
            self.queries = queries
            self.keys = keys
            self.depth = depth
            self.width = width
        }
    }

    private let sizes: Sizes
    private let operands: [Operand]
    private let mask: Operand?
    private let result: Operand
    private let factor: Float
    private let divisor: Float
    /// Queries of a unit.
    private let block: Int
    private let softmax: Loop<ck_rows_fn>

    /// Bytes of scores that stay in the second cache, beside what they are multiplied with.
    private static let scoreBytes = 256 << 10
    private static let smallestBlock = 16
    /// With fewer queries, keys and values are read as they lie: packing them would not pay.
    private static let leastPacked = 8
    /// About how long a multiplication takes, and the softmax of an element.
    private static let picosecondsOfProduct = 15
    private static let picosecondsOfElement = 800

    /// - Parameters:
    ///   - sizes: Of the matrices.
    ///   - operands: Inputs 0, 1 and 2: the queries, [queries, depth]; the keys, [keys, depth]; the values, [keys, width].
    ///   - mask: Input 3, if there is one.
    ///   - result: The output, [queries, width].
    ///   - factor: What scores are multiplied with.
    ///   - divisor: What they are divided by.
    package init?(
        _ sizes: Sizes, _ operands: [Operand], mask: Operand?, result: Operand, factor: Float, divisor: Float
    ) {
        guard let softmax = Loop(ck_softmax_loop(DataType.float32.rawValue)), result.column == 1 else { return nil }
        self.sizes = sizes
        self.operands = operands
        self.mask = mask
        self.result = result
        self.factor = factor
        self.divisor = divisor
        self.softmax = softmax
        block = min(sizes.queries, max(Self.smallestBlock, Self.scoreBytes / 4 / max(1, sizes.keys)))
    }

    private var blocks: Int { (sizes.queries + block - 1) / block }

    private var unitNanoseconds: Int {
        let scores = block.saturatingProduct(sizes.keys)
        let products = scores.saturatingProduct(sizes.depth.saturatingSum(sizes.width))
        return products.saturatingProduct(Self.picosecondsOfProduct).saturatingSum(
            scores.saturatingProduct(Self.picosecondsOfElement)) / 1000
    }

    /// The kernel.
    ///
    /// - Returns: nil where a matrix lies as no product takes it, or is too large.
    package func kernel() -> Kernel? {
        let rest = sizes.queries - (blocks - 1) * block
        guard let whole = products(queries: block), let last = products(queries: rest),
            let matrices = Shape(sizes.batch)?.elementCount
        else { return nil }
        let phase = Kernel.Phase(units: matrices.saturatingProduct(blocks), unitNanoseconds: unitNanoseconds) {
            frame, units, own in
            for unit in units {
                let (matrix, place) = (unit / blocks, unit % blocks)
                let isLast = place == blocks - 1
                attend(
                    frame, matrix, first: place &* block, isLast ? rest : block, isLast ? last : whole,
                    own.assumingMemoryBound(to: Float.self))
                if frame.hasFault { return }
            }
        }
        return Kernel(
            "attention", scratchBytesPerWorker: block.saturatingProduct(sizes.keys.saturatingProduct(4)),
            phases: [phase])
    }

    /// The product of queries and keys, and that of scores and values.
    private func products(queries: Int) -> (scores: MatrixProduct, values: MatrixProduct)? {
        guard let query = operands[0].matrix, let key = operands[1].matrix, let value = operands[2].matrix,
            let scores = MatrixProduct(
                rows: queries, columns: sizes.keys, depth: sizes.depth, transposesLeft: query.isTransposed,
                transposesRight: !key.isTransposed, leftStride: query.stride, rightStride: key.stride),
            let values = MatrixProduct(
                rows: queries, columns: sizes.width, depth: sizes.keys, transposesRight: value.isTransposed,
                rightStride: value.stride, resultStride: result.row)
        else { return nil }
        return (scores, values)
    }

    private func attend(
        _ frame: KernelFrame, _ matrix: Int, first: Int, _ queries: Int,
        _ products: (scores: MatrixProduct, values: MatrixProduct), _ scores: UnsafeMutablePointer<Float>
    ) {
        let query = frame.input(0, as: Float.self) + offset(of: matrix, operands[0]) + first &* operands[0].row
        let key = frame.input(1, as: Float.self) + offset(of: matrix, operands[1])
        let value = frame.input(2, as: Float.self) + offset(of: matrix, operands[2])
        let areFew = queries < Self.leastPacked
        if areFew, operands[0].column == 1, operands[1].column == 1 {
            var task = ck_row_scores(
                queries: queries, rows: sizes.keys, depth: sizes.depth, query_stride: operands[0].row,
                row_stride: operands[1].row, stride: sizes.keys, goes_on: false)
            ck_row_scores_f32(&task, query, key, scores)
        } else {
            Float.multiply(frame, products.scores, query, key, scores)
        }
        var terms = ck_score_terms(mask: nil, row_step: 0, step: 0, factor: factor, divisor: divisor)
        if let mask {
            terms.mask = frame.input(3, as: Float.self) + offset(of: matrix, mask) + first &* mask.row
            terms.row_step = mask.row
            terms.step = mask.column
        }
        ck_add_score_terms_f32(&terms, scores, queries, sizes.keys)
        softmax.call(scores, scores, queries, sizes.keys)
        let target = frame.output(0, as: Float.self) + offset(of: matrix, result) + first &* result.row
        guard areFew, operands[2].column == 1 else {
            return Float.multiply(frame, products.values, scores, value, target)
        }
        let task = ck_few_rows(
            rows: Int32(CK_MAX_FEW_ROWS), depth: products.values.depth, columns: products.values.columns,
            left_stride: products.values.leftStride, right_stride: products.values.rightStride,
            result_stride: products.values.resultStride)
        for row in stride(from: 0, to: queries, by: Int(CK_MAX_FEW_ROWS)) {
            var part = task
            part.rows = Int32(truncatingIfNeeded: min(Int(CK_MAX_FEW_ROWS), queries &- row))
            ck_few_rows_f32(&part, scores + row &* sizes.keys, value, target + row &* result.row)
            if frame.isOver(after: sizes.keys &* max(1, sizes.width / 8)) { return }
        }
    }

    /// Where a matrix of the batch begins.
    private func offset(of matrix: Int, _ operand: Operand) -> Int {
        var (rest, offset) = (matrix, 0)
        for axis in sizes.batch.indices.reversed() {
            offset &+= rest % sizes.batch[axis] &* operand.batch[axis]
            rest /= sizes.batch[axis]
        }
        return offset
    }
}
