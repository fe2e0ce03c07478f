package import Tensors

/// The first few of a row in their order: a heap whose root is the last of them.
// Safety: the memory is the kernel's scratch, which has room for `capacity` entries.
struct TopKHeap {
    struct Entry {
        var key: UInt64
        var index: Int

        /// Whether it comes after another one; of equal ones, the one that stands later.
        func follows(_ other: Entry) -> Bool { key == other.key ? index > other.index : key > other.key }
    }

    /// Bytes that the entries need; nil if they are too many.
    static func byteCount(_ capacity: Int) -> Int? {
        let (bytes, overflow) = capacity.multipliedReportingOverflow(by: MemoryLayout<Entry>.stride)
        return overflow ? nil : bytes
    }

    let entries: UnsafeMutablePointer<Entry>
    let capacity: Int
    var count = 0

    /// - `isFull`: Whether the memory holds a heap of `capacity` entries already.
    init(_ scratch: UnsafeMutableRawPointer, capacity: Int, isFull: Bool = false) {
        entries = scratch.bindMemory(to: Entry.self, capacity: capacity)
        self.capacity = capacity
        if isFull { count = capacity }
    }

    @inline(__always)
    mutating func add(_ entry: Entry) {
        if count < capacity {
            entries[count] = entry
            count += 1
            rise()
        } else if entries[0].follows(entry) {
            entries[0] = entry
            sink(within: count)
        }
    }

    private func rise() {
        var place = count - 1
        while place > 0, entries[place].follows(entries[(place - 1) / 2]) {
            swap(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private func sink(within limit: Int) {
        var place = 0
        while true {
            var last = place
            for child in 2 * place + 1..<2 * place + 3 where child < limit {
                if entries[child].follows(entries[last]) { last = child }
            }
            if last == place { return }
            swap(place, last)
            place = last
        }
    }

    private func swap(_ left: Int, _ right: Int) {
        (entries[left], entries[right]) = (entries[right], entries[left])
    }

    /// Puts the entries into their order.
    ///
    /// Stops when the run's time is over.
    func sort(_ frame: KernelFrame) {
        var limit = count
        while limit > 1 {
            if frame.isOver(after: 16) { return }
            limit -= 1
            swap(0, limit)
            sink(within: limit)
        }
    }
}

extension Kernel {
    /// The largest elements of each row, from the largest one on, and where they stand; of equal ones the first come first.
    ///
    /// - Parameters:
    ///   - count: How many of each row, at most `columns`.
    ///   - rows: How many rows.
    ///   - columns: Elements of a row.
    ///   - dtype: The elements' dtype.
    ///   - indices: That of output 1.
    /// - Returns: nil if the elements have no order, or indices are no integers.
    package static func largest(
        _ count: Int, rows: Int, columns: Int, _ dtype: DataType, indices: DataType
    ) -> Kernel? {
        guard let reader = OrderReader(dtype), let scratch = TopKHeap.byteCount(count),
            [.int16, .int32, .int64].contains(indices)
        else { return nil }
        let width = dtype.stride
        let phase = sortingPhase(rows: rows, columns: columns, kept: count) { frame, row, own in
            let source = frame.rawInput(0) + row &* columns &* width
            var heap = TopKHeap(own, capacity: count)
            // The order is that of the complements: the largest comes first.
            frame.eachElement(of: columns, work: 4) { column in
                heap.add(.init(key: ~reader.key(source, at: column), index: column))
            }
            heap.sort(frame)
            if frame.isOver(after: 4 &* columns) { return }
            for number in 0..<count {
                let index = heap.entries[number].index
                let place = row &* count &+ number
                (frame.rawOutput(0) + place &* width).copyShort(from: source + index &* width, byteCount: width)
                frame.writeIndex(index, output: 1, at: place, as: indices)
            }
        }
        return Kernel("topK", scratchBytesPerWorker: scratch, phases: [phase])
    }

    /// A phase that computes each row by itself, with memory of its own.
    @inline(__always)
    private static func sortingPhase(
        rows: Int, columns: Int, kept: Int,
        _ body: @escaping @Sendable (_ frame: KernelFrame, _ row: Int, _ own: UnsafeMutableRawPointer) -> Void
    ) -> Phase {
        // An element is read in two nanoseconds; one that is kept is sorted as well.
        let nanoseconds = max(1, columns.saturatingProduct(2).saturatingSum(kept.saturatingProduct(20)))
        let size = max(1, loopUnitNanoseconds / nanoseconds)
        return Phase(units: max(1, (rows + size - 1) / size), unitNanoseconds: size.saturatingProduct(nanoseconds)) {
            frame, units, own in
            for row in units.lowerBound &* size..<min(rows, units.upperBound &* size) {
                body(frame, row, own)
                if frame.hasFault { return }
            }
        }
    }

    /// The element of each row that has `number` smaller ones before it in order, or larger ones.
    ///
    /// - Parameters:
    ///   - number: Below `columns`.
    ///   - isReversed: Whether larger ones come first.
    ///   - rows: How many rows.
    ///   - columns: Elements of a row.
    ///   - dtype: The elements' dtype.
    /// - Returns: nil if the elements have no order.
    package static func element(
        _ number: Int, isReversed: Bool, rows: Int, columns: Int, _ dtype: DataType
    ) -> Kernel? {
        guard let reader = OrderReader(dtype), let scratch = TopKHeap.byteCount(number + 1) else { return nil }
        let width = dtype.stride
        let flip: UInt64 = isReversed ? .max : 0
        let phase = sortingPhase(rows: rows, columns: columns, kept: number) { frame, row, own in
            let source = frame.rawInput(0) + row &* columns &* width
            var heap = TopKHeap(own, capacity: number + 1)
            frame.eachElement(of: columns, work: 4) { column in
                heap.add(.init(key: reader.key(source, at: column) ^ flip, index: column))
            }
            if frame.isOver(after: 4 &* columns) { return }
            (frame.rawOutput() + row &* width).copyShort(
                from: source + heap.entries[0].index &* width, byteCount: width)
        }
        return Kernel("nthElement", scratchBytesPerWorker: scratch, phases: [phase])
    }

    /// Where each value of input 1 would go into its sorted row of input 0.
    ///
    /// - Parameters:
    ///   - rows: How many rows both have.
    ///   - sorted: Elements of a row of input 0.
    ///   - values: Elements of a row of input 1.
    ///   - isUpper: Whether behind equal elements, not before them.
    ///   - dtype: The elements' dtype.
    ///   - output: int32 or int64.
    /// - Returns: nil if the elements have no order.
    package static func search(
        rows: Int, sorted: Int, values: Int, isUpper: Bool, _ dtype: DataType, output: DataType
    ) -> Kernel? {
        guard let reader = OrderReader(dtype) else { return nil }
        let width = dtype.stride
        return Kernel { frame in
            for row in 0..<rows {
                let source = frame.rawInput(0) + row &* sorted &* width
                for number in row &* values..<(row + 1) &* values {
                    if frame.isOver(after: 16) { return }
                    let key = reader.key(frame.rawInput(1), at: number)
                    var (low, high) = (0, sorted)
                    while low < high {
                        let middle = (low + high) / 2
                        let other = reader.key(source, at: middle)
                        if other < key || isUpper && other == key { low = middle + 1 } else { high = middle }
                    }
                    frame.writeIndex(low, at: number, as: output)
                }
            }
        }
    }
}
