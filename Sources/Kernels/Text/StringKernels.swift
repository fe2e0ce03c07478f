internal import Glibc
internal import Tensors

extension Kernel {
    /// Strings: joined, or compared byte by byte.
    ///
    /// - Returns: nil for formulas that strings do not have.
    static func strings(_ formula: BinaryFormula, _ axes: BroadcastAxes) -> Kernel? {
        switch formula {
        case .add: joinedStrings(axes)
        case .equal: comparedStrings(axes, equal: true)
        case .notEqual: comparedStrings(axes, equal: false)
        default: nil
        }
    }

    private static func joinedStrings(_ axes: BroadcastAxes) -> Kernel {
        Kernel("string.join") { frame in
            let left = frame.input(0, as: TensorString.self)
            let right = frame.input(1, as: TensorString.self)
            let output = frame.output(as: TensorString.self)
            for index in 0..<axes.elementCount {
                let at = axes.operands(of: index)
                if frame.isOver(after: 8) { return }
                output[index] = join(left[at.left], right[at.right], frame)
            }
        }
    }

    static func join(_ left: TensorString, _ right: TensorString, _ frame: KernelFrame) -> TensorString {
        let (count, overflow) = left.count.addingReportingOverflow(right.count)
        guard !overflow, let memory = frame.allocateString(byteCount: count) else {
            return TensorString(start: nil, count: 0)
        }
        if let source = left.start { memory.copyMemory(from: source, byteCount: left.count) }
        if let source = right.start { (memory + left.count).copyMemory(from: source, byteCount: right.count) }
        return TensorString(start: UnsafePointer(memory.bindMemory(to: UInt8.self, capacity: count)), count: count)
    }

    private static func comparedStrings(_ axes: BroadcastAxes, equal: Bool) -> Kernel {
        Kernel("string.compare") { frame in
            let left = frame.input(0, as: TensorString.self)
            let right = frame.input(1, as: TensorString.self)
            let output = frame.output(as: Bool.self)
            for index in 0..<axes.elementCount {
                let at = axes.operands(of: index)
                if frame.isOver(after: 8 &+ left[at.left].count / 16) { return }
                output[index] = areEqual(left[at.left], right[at.right]) == equal
            }
        }
    }

    static func areEqual(_ left: TensorString, _ right: TensorString) -> Bool {
        guard left.count == right.count else { return false }
        guard left.count > 0, let mine = left.start, let theirs = right.start else { return left.count == 0 }
        return memcmp(mine, theirs, left.count) == 0
    }
}
