/// Copies boxes between dense arrays.
enum SliceCopy {
    /// The intersection of two boxes; nil if it is empty.
    static func intersection(_ left: [Range<Int>], _ right: [Range<Int>]) -> [Range<Int>]? {
        let common = zip(left, right).map { $0.clamped(to: $1) }
        return common.contains(where: \.isEmpty) ? nil : common
    }

    /// Whether two boxes overlap.
    static func overlap(_ left: [Range<Int>], _ right: [Range<Int>]) -> Bool { intersection(left, right) != nil }

    /// Copies the common elements of the box `from` of one array and the box `to` of another, row by row.
    ///
    /// The boxes are in the coordinates of the whole tensor. Each buffer holds exactly its box.
    static func copy(
        from source: UnsafeRawBufferPointer, _ from: [Range<Int>], to target: UnsafeMutableRawBufferPointer,
        _ to: [Range<Int>], width: Int
    ) {
        guard let common = intersection(from, to) else { return }
        guard let last = common.last else {
            target.copyMemory(from: source)
            return
        }
        var position = common.map(\.lowerBound)
        let rowBytes = last.count * width
        while true {
            let sourceStart = offset(of: position, in: from) * width
            let targetStart = offset(of: position, in: to) * width
            UnsafeMutableRawBufferPointer(rebasing: target[targetStart..<targetStart + rowBytes])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[sourceStart..<sourceStart + rowBytes]))
            guard advance(&position, in: common) else { return }
        }
    }

    private static func offset(of position: [Int], in box: [Range<Int>]) -> Int {
        zip(position, box).reduce(0) { $0 * $1.1.count + $1.0 - $1.1.lowerBound }
    }

    /// Advances to the next row; false after the last.
    private static func advance(_ position: inout [Int], in box: [Range<Int>]) -> Bool {
        for axis in position.indices.dropLast().reversed() {
            position[axis] += 1
            if position[axis] < box[axis].upperBound { return true }
            position[axis] = box[axis].lowerBound
        }
        return false
    }
}
