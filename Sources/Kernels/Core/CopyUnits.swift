/// Copies that do not depend on each other, cut into units of about the same duration.
struct CopyUnits: Sendable {
    /// A copy between two places.
    struct Move: Sendable {
        let copy: StridedCopy
        /// The number of an operand, for the kernel that copies.
        var operand = 0
        /// Where it begins in the source, in bytes.
        var source = 0
        /// Where it begins in the destination, in bytes.
        var destination = 0
    }

    private let moves: [Move]
    /// The first move of each unit, then the number of moves.
    private let starts: [Int]
    private let nanoseconds: Int

    init(_ copies: [Move]) {
        let moves = copies.flatMap { whole in
            whole.copy.parts.map { part in
                Move(
                    copy: part.copy, operand: whole.operand, source: whole.source &+ part.source,
                    destination: whole.destination &+ part.destination)
            }
        }
        var (starts, sum, total) = ([0], 0, 0)
        for index in moves.indices {
            sum = sum.saturatingSum(moves[index].copy.picoseconds / 1000)
            guard sum >= Kernel.loopUnitNanoseconds || index == moves.count - 1 else { continue }
            starts.append(index + 1)
            total = total.saturatingSum(sum)
            sum = 0
        }
        if starts.count == 1 { starts.append(0) }
        self.moves = moves
        self.starts = starts
        nanoseconds = total / (starts.count - 1)
    }

    /// The phase that copies everything.
    ///
    /// - Parameters:
    ///   - source: The memory that a move's source is a part of.
    ///   - destination: The memory that a move's destination is a part of.
    /// - Returns: The phase.
    @inline(__always)
    func phase(
        from source: @escaping @Sendable (KernelFrame, _ operand: Int) -> UnsafeRawPointer,
        to destination: @escaping @Sendable (KernelFrame, _ operand: Int) -> UnsafeMutableRawPointer
    ) -> Kernel.Phase {
        Kernel.Phase(units: starts.count - 1, unitNanoseconds: nanoseconds) { frame, units, _ in
            for index in starts[units.lowerBound]..<starts[units.upperBound] {
                let move = moves[index]
                move.copy.run(
                    frame, from: source(frame, move.operand) + move.source,
                    to: destination(frame, move.operand) + move.destination)
                if frame.hasFault { return }
            }
        }
    }
}
