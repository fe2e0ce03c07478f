internal import CKernels

/// A function of two operands that repeat along some axes of the output.
struct BroadcastLoop: Sendable {
    let loop: Loop<ck_binary_fn>
    /// As ``BroadcastAxes/table(operandWidth:)`` gives it: of two axes or more.
    let table: [Int]
    /// Bytes of an element of the operands.
    let width: Int
    /// Bytes of an element of the output.
    let outputWidth: Int

    /// Computes output 0 of inputs 0 and 1, until the run's time is over.
    ///
    /// - Parameters:
    ///   - frame: Of the call.
    ///   - count: Elements of the output.
    /// - Returns: Not 0 where the function failed.
    func run(_ frame: KernelFrame, count: Int) -> Int32 {
        table.withUnsafeBufferPointer { axes in
            guard let axes = axes.baseAddress else { return 0 }
            return run(
                frame, axes, table.count / 3, count, frame.rawInput(0), frame.rawInput(1), frame.rawOutput())
        }
    }

    /// As deep as there are axes: at most ``BroadcastAxes/limit``.
    private func run(
        _ frame: KernelFrame, _ axes: UnsafePointer<Int>, _ rank: Int, _ count: Int, _ left: UnsafeRawPointer,
        _ right: UnsafeRawPointer, _ output: UnsafeMutableRawPointer
    ) -> Int32 {
        guard count > RunState.lookWork else {
            let failed = ck_broadcast(loop.call, axes, Int32(rank), left, right, output, width, outputWidth)
            _ = frame.isOver(after: count)
            return failed
        }
        guard rank > 1 else { return runRow(frame, axes, left, right, output) }
        let each = count / axes[0]
        guard each <= RunState.lookWork else {
            var failed: Int32 = 0
            for index in 0..<axes[0] {
                if frame.isOver(after: 0) { return failed }
                failed |= run(
                    frame, axes + 3, rank - 1, each, left + index &* axes[1], right + index &* axes[2],
                    output + index &* each &* outputWidth)
            }
            return failed
        }
        return runBlocks(frame, axes, rank, each, left, right, output)
    }

    /// The last axis, which is long.
    private func runRow(
        _ frame: KernelFrame, _ axis: UnsafePointer<Int>, _ left: UnsafeRawPointer, _ right: UnsafeRawPointer,
        _ output: UnsafeMutableRawPointer
    ) -> Int32 {
        var failed: Int32 = 0
        let (leftStep, rightStep) = (axis[1], axis[2])
        frame.inBlocks(of: axis[0]) { first, count in
            failed |= loop.call(
                left + first &* leftStep &* width, leftStep, right + first &* rightStep &* width, rightStep,
                output + first &* outputWidth, count)
        }
        return failed
    }

    /// Some places of the first axis at a time; each has `each` elements.
    private func runBlocks(
        _ frame: KernelFrame, _ axes: UnsafePointer<Int>, _ rank: Int, _ each: Int, _ left: UnsafeRawPointer,
        _ right: UnsafeRawPointer, _ output: UnsafeMutableRawPointer
    ) -> Int32 {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 3 &* rank) { block in
            _ = block.initialize(from: UnsafeBufferPointer(start: axes, count: 3 &* rank))
            var failed: Int32 = 0
            let size = RunState.lookWork / max(1, each)
            for first in stride(from: 0, to: axes[0], by: size) {
                if frame.isOver(after: size &* each) { return failed }
                block[0] = min(size, axes[0] - first)
                failed |= ck_broadcast(
                    loop.call, block.baseAddress, Int32(rank), left + first &* axes[1], right + first &* axes[2],
                    output + first &* each &* outputWidth, width, outputWidth)
            }
            return failed
        }
    }
}
