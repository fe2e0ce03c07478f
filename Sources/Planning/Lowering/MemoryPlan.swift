internal import Tensors

/// Places values in one block of memory, by the steps between which each is alive.
///
/// Values are placed in the order of the steps; memory that a dead value leaves is taken again, best fit first.
struct MemoryPlan {
    /// The size of the block so far.
    private(set) var byteCount = 0
    /// Gaps, by offset.
    private var gaps: [(offset: Int, size: Int)] = []

    /// Finds a place.
    ///
    /// - Returns: Its offset, a multiple of the alignment; nil where the block would be larger than `limitBytes`.
    mutating func allocate(_ size: Int, limitBytes: Int) -> Int? {
        guard size <= limitBytes else { return nil }
        let size = max(size, 1).roundedUp(to: TensorStorage.alignment)
        let fitting = gaps.indices.filter { gaps[$0].size >= size }.min { gaps[$0].size < gaps[$1].size }
        if let index = fitting {
            let offset = gaps[index].offset
            gaps[index].offset += size
            gaps[index].size -= size
            if gaps[index].size == 0 { gaps.remove(at: index) }
            return offset
        }
        let offset: Int
        if let last = gaps.last, last.offset + last.size == byteCount {
            offset = last.offset
            gaps.removeLast()
        } else {
            offset = byteCount
        }
        guard size <= limitBytes - offset else { return nil }
        byteCount = offset + size
        return offset
    }

    /// Gives a place back.
    mutating func release(_ offset: Int, _ size: Int) {
        var gap = (offset: offset, size: max(size, 1).roundedUp(to: TensorStorage.alignment))
        var index = gaps.firstIndex { $0.offset > offset } ?? gaps.count
        if index < gaps.count, gap.offset + gap.size == gaps[index].offset {
            gap.size += gaps.remove(at: index).size
        }
        if index > 0, gaps[index - 1].offset + gaps[index - 1].size == gap.offset {
            index -= 1
            gap = (gaps[index].offset, gaps[index].size + gap.size)
            gaps.remove(at: index)
        }
        gaps.insert(gap, at: index)
    }
}
