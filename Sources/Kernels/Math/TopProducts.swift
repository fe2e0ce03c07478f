internal import CKernels
package import Tensors

/// The largest elements of each row of a product of two float32 matrices, which is never written as a whole.
///
/// The right matrix is read once for all rows, block by block; of each block only what is larger than the last of the best so far is
/// looked at one by one.
package struct TopProducts: Sendable {
    private let rows: Int
    private let columns: Int
    private let depth: Int
    private let transposesRight: Bool
    private let count: Int
    private let indices: DataType
    /// Columns of the product that are computed at once.
    private let block: Int
    /// Columns of a unit of work.
    private let part: Int

    /// Whether the rows of the left matrix lie in panels: then rows of the right matrix are read as they lie, and each meets all of these.
    private let usesPanels: Bool

    /// Rows whose scores of a block stay in the first cache.
    private static let rowsAtOnce = Int(CK_MAX_SCORED)
    /// With fewer rows, most lanes of a vector would be idle.
    private static let fewestInPanels = 5
    /// Bytes of the right matrix that stay in a cache while all rows meet them.
    private static let blockBytes = 64 << 10
    /// About how long a multiplication takes, and an element that is read from memory.
    private static let picosecondsOfProduct = 9
    private static let picosecondsOfElement = 40
    private static let unitNanoseconds = 60_000
    private static let maxParts = 64
    private static let maxPartsOfPanels = 16
    /// Candidates of all parts that are kept until they are merged.
    private static let maxCandidates = 1 << 20

    /// - Parameters:
    ///   - count: How many of each row, at most `columns`.
    ///   - rows: Of the left matrix.
    ///   - columns: Of the product.
    ///   - depth: Over how many products each element sums.
    ///   - transposesRight: The right matrix lies as [columns, depth].
    ///   - indices: The dtype of output 1: int16, int32 or int64.
    package init(
        _ count: Int, rows: Int, columns: Int, depth: Int, transposesRight: Bool, indices: DataType
    ) {
        self.rows = rows
        self.columns = columns
        self.depth = depth
        self.transposesRight = transposesRight
        self.count = count
        self.indices = indices
        usesPanels = transposesRight && rows >= Self.fewestInPanels
        block = max(48, min(1024, Self.blockBytes / 4 / max(1, depth)) / 48 * 48)
        let elements = columns.saturatingProduct(depth)
        let picoseconds = max(
            elements.saturatingProduct(rows).saturatingProduct(Self.picosecondsOfProduct),
            elements.saturatingProduct(Self.picosecondsOfElement))
        // Each part finds the best of its own: many parts look at too many.
        let most = max(
            1,
            min(
                usesPanels ? Self.maxPartsOfPanels : Self.maxParts,
                Self.maxCandidates / max(1, rows.saturatingProduct(count))))
        let parts = max(1, min(picoseconds / 1000 / Self.unitNanoseconds, most))
        part = ((columns + parts - 1) / parts + block - 1) / block * block
    }

    private var parts: Int { max(1, (columns + part - 1) / part) }

    private var nanoseconds: Int {
        let picoseconds = columns.saturatingProduct(depth).saturatingProduct(
            max(Self.picosecondsOfElement, rows.saturatingProduct(Self.picosecondsOfProduct)))
        return picoseconds / 1000 / parts
    }

    /// The kernel: inputs are the left and the right matrix; outputs the values, from the largest one on, and their columns.
    ///
    /// - Returns: nil where a size is more than can be counted.
    package func kernel() -> Kernel? {
        guard let candidateBytes = TopKHeap.byteCount(parts.saturatingProduct(rows).saturatingProduct(count)),
            let heapBytes = TopKHeap.byteCount(count), Int32(exactly: columns) != nil, Int32(exactly: depth) != nil,
            let panelBytes
        else { return nil }
        let heapOffset = candidateBytes.roundedUp(to: TensorStorage.alignment)
        let panelOffset = (heapOffset + heapBytes).roundedUp(to: TensorStorage.alignment)
        // Behind the scores lie the bounds of rows that are multiplied at once, and the floors of all rows.
        let scores = min(rows, Self.rowsAtOnce).roundedUp(to: Int(CK_LANES)) * block
        let scoreBytes = (scores + Self.rowsAtOnce).saturatingSum(rows).saturatingProduct(MemoryLayout<Float>.stride)
        let packing = Kernel.Phase { frame in
            if usesPanels { pack(frame, (frame.scratch + panelOffset).assumingMemoryBound(to: Float.self)) }
        }
        let scoring = Kernel.Phase(units: parts, unitNanoseconds: nanoseconds) { frame, units, own in
            let panels = (frame.scratch + panelOffset).assumingMemoryBound(to: Float.self)
            let own = own.assumingMemoryBound(to: Float.self)
            let floors = own + scores + Self.rowsAtOnce
            floors.update(repeating: .nan, count: rows)
            for unit in units {
                score(frame, unit, UnsafePointer(panels), own, floors)
                if frame.hasFault { return }
            }
        }
        let merging = Kernel.Phase { frame in merge(frame, frame.scratch + heapOffset) }
        return Kernel(
            "topK.products", scratchBytes: panelOffset + panelBytes, scratchBytesPerWorker: scoreBytes,
            phases: [packing, scoring, merging])
    }

    /// Bytes of the left matrix in panels; nil where they cannot be counted.
    private var panelBytes: Int? {
        guard usesPanels else { return 0 }
        let rowBytes = depth.saturatingProduct(MemoryLayout<Float>.stride)
        let (bytes, overflow) = rows.roundedUp(to: Int(CK_LANES)).multipliedReportingOverflow(by: rowBytes)
        return overflow ? nil : bytes
    }

    /// The panels of some rows of the left matrix, at most ``rowsAtOnce``.
    private func format(_ size: Int) -> PanelFormat { PanelFormat(depth: depth, columns: size) }

    private func pack(_ frame: KernelFrame, _ panels: UnsafeMutablePointer<Float>) {
        for row in stride(from: 0, to: rows, by: Self.rowsAtOnce) {
            let format = format(min(Self.rowsAtOnce, rows &- row))
            format.pack(
                frame.input(0, as: Float.self) + row &* depth, transposed: true, panels: 0..<format.panelCount,
                into: panels + row &* depth)
        }
    }

    /// The best of a part of the columns, for each row.
    private func score(
        _ frame: KernelFrame, _ unit: Int, _ panels: UnsafePointer<Float>, _ scores: UnsafeMutablePointer<Float>,
        _ floors: UnsafeMutablePointer<Float>
    ) {
        let candidates = frame.scratch + unit &* rows &* count &* MemoryLayout<TopKHeap.Entry>.stride
        let end = min(columns, (unit &+ 1) &* part)
        for row in 0..<rows { fill(heap(candidates, row)) }
        var first = unit &* part
        while first < end {
            let width = min(block, end &- first)
            for row in stride(from: 0, to: rows, by: Self.rowsAtOnce) {
                let size = min(Self.rowsAtOnce, rows &- row)
                if usesPanels {
                    scoreRows(frame, row..<row &+ size, first, width, candidates, panels, scores, floors + row)
                } else {
                    multiply(frame, row..<row &+ size, first, width, scores)
                    for other in 0..<size {
                        var heap = heap(candidates, row &+ other)
                        keep(scores + other &* block, width, first, in: &heap)
                    }
                }
                if frame.isOver(after: size &* width &* max(1, depth / 64)) { return }
            }
            first &+= width
        }
        for row in 0..<rows { floors[row] = heap(candidates, row).bound(above: floors[row]) }
    }

    private func heap(_ candidates: UnsafeMutableRawPointer, _ row: Int) -> TopKHeap {
        TopKHeap(candidates + row &* count &* MemoryLayout<TopKHeap.Entry>.stride, capacity: count, isFull: true)
    }

    /// Entries that any other one comes before.
    private func fill(_ heap: TopKHeap) {
        for place in 0..<count { heap.entries[place] = .last }
    }

    private func multiply(
        _ frame: KernelFrame, _ some: Range<Int>, _ first: Int, _ width: Int, _ scores: UnsafeMutablePointer<Float>
    ) {
        let (left, right) = (frame.input(0, as: Float.self), frame.input(1, as: Float.self))
        guard transposesRight else {
            for row in stride(from: some.lowerBound, to: some.upperBound, by: Int(CK_MAX_FEW_ROWS)) {
                var task = ck_few_rows(
                    rows: Int32(truncatingIfNeeded: min(Int(CK_MAX_FEW_ROWS), some.upperBound &- row)),
                    depth: Int32(truncatingIfNeeded: depth), columns: Int32(truncatingIfNeeded: width),
                    left_stride: Int32(truncatingIfNeeded: depth), right_stride: Int32(truncatingIfNeeded: columns),
                    result_stride: Int32(truncatingIfNeeded: block))
                ck_few_rows_f32(
                    &task, left + row &* depth, right + first, scores + (row &- some.lowerBound) &* block)
            }
            return
        }
        var task = ck_row_scores(
            queries: some.count, rows: width, depth: depth, query_stride: depth, row_stride: depth, stride: block,
            goes_on: first &+ 2 &* width <= columns)
        ck_row_scores_f32(&task, left + some.lowerBound &* depth, right + first &* depth, scores)
    }

    /// Multiplies some rows of the right matrix with some of the left one, which lie in panels, and keeps the best.
    private func scoreRows(
        _ frame: KernelFrame, _ some: Range<Int>, _ first: Int, _ width: Int, _ candidates: UnsafeMutableRawPointer,
        _ panels: UnsafePointer<Float>, _ scores: UnsafeMutablePointer<Float>, _ floors: UnsafePointer<Float>
    ) {
        let step = some.count.roundedUp(to: Int(CK_LANES))
        let bounds = scores + step &* block
        for place in 0..<step {
            bounds[place] =
                place < some.count
                ? heap(candidates, some.lowerBound &+ place).bound(above: floors[place]) : .infinity
        }
        var task = ck_row_scores(
            queries: some.count, rows: width, depth: depth, query_stride: depth, row_stride: depth, stride: step,
            goes_on: true)
        let level = PanelFormat.Level.best.code
        ck_table_scores(
            level, &task, panels + some.lowerBound &* depth, frame.input(1, as: Float.self) + first &* depth, scores)
        var row = ck_next_row_above(level, &task, scores, 0, bounds)
        while row < width {
            let found = scores + row &* step
            for place in 0..<some.count where !(found[place] <= bounds[place]) {
                var heap = heap(candidates, some.lowerBound &+ place)
                heap.add(TopKHeap.Entry(found[place], at: first &+ row))
                bounds[place] = heap.bound(above: floors[place])
            }
            row = ck_next_row_above(level, &task, scores, row &+ 1, bounds)
        }
    }

    private func keep(_ scores: UnsafePointer<Float>, _ width: Int, _ first: Int, in heap: inout TopKHeap) {
        var place = ck_next_above_f32(scores, 0, width, heap.entries[0].score)
        while place < width {
            heap.add(TopKHeap.Entry(scores[place], at: first &+ place))
            place = ck_next_above_f32(scores, place &+ 1, width, heap.entries[0].score)
        }
    }

    /// The best of all parts.
    private func merge(_ frame: KernelFrame, _ own: UnsafeMutableRawPointer) {
        let values = frame.output(0, as: Float.self)
        for row in 0..<rows {
            var best = TopKHeap(own, capacity: count)
            for unit in 0..<parts {
                let part = heap(frame.scratch, unit &* rows &+ row)
                for place in 0..<count where !part.entries[place].isLast { best.add(part.entries[place]) }
            }
            best.sort(frame)
            if frame.isOver(after: 4 &* parts &* count) { return }
            for number in 0..<count {
                let entry = best.entries[number]
                values[row &* count &+ number] = entry.score
                frame.writeIndex(entry.column, output: 1, at: row &* count &+ number, as: indices)
            }
        }
    }
}

extension TopKHeap {
    /// What a score of a later column has to exceed: the last of the best so far, here or of columns before, which is the floor. NaN bounds
    /// nothing.
    fileprivate func bound(above floor: Float) -> Float {
        let last = entries[0].score
        if last.isNaN { return floor }
        return floor.isNaN ? last : max(last, floor)
    }
}

extension TopKHeap.Entry {
    private static let negativeZero: UInt32 = 1 << 31

    /// Of a score. The two zeros are equal in order, so that the sign of a zero is kept beside the column.
    fileprivate init(_ score: Float, at column: Int) {
        let bits = score.bitPattern
        let ordered = bits & Self.negativeZero == 0 ? bits | Self.negativeZero : ~bits
        let isNegativeZero = bits == Self.negativeZero
        // The order is that of the complements: the largest comes first.
        self.init(key: UInt64(~(isNegativeZero ? bits : ordered)), index: column << 1 | (isNegativeZero ? 1 : 0))
    }

    /// What stands for no score.
    fileprivate static let last = TopKHeap.Entry(key: .max, index: .max)

    fileprivate var isLast: Bool { index == .max }

    fileprivate var column: Int { index >> 1 }

    /// The score; NaN, which bounds nothing, where there is none.
    fileprivate var score: Float {
        guard !isLast else { return .nan }
        let ordered = ~UInt32(truncatingIfNeeded: key)
        if ordered == Self.negativeZero { return index & 1 == 0 ? 0 : -0.0 }
        return Float(bitPattern: ordered & Self.negativeZero == 0 ? ~ordered : ordered & ~Self.negativeZero)
    }
}
