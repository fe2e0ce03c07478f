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

    /// The whole cut along the outermost axis; nil where it is too short for that.
    func phase(count: Int, picoseconds: Int, _ fault: Fault.Kind) -> Kernel.Phase? {
        let places = table[0]
        let each = count / max(1, places)
        let nanoseconds = each.saturatingProduct(picoseconds) / 1000
        let size = max(1, Self.unitNanoseconds / max(1, nanoseconds))
        guard places > size, places.saturatingProduct(nanoseconds) >= Kernel.leastCutNanoseconds else { return nil }
        let units = (places + size - 1) / size
        return Kernel.Phase(units: units, unitNanoseconds: size &* nanoseconds) { [self] frame, units, _ in
            for unit in units {
                let first = unit &* size
                let part = min(size, places - first)
                let failed = run(frame, places: first..<first + part, each: each)
                if failed != 0 { frame.report(fault) }
                if frame.hasFault { return }
            }
        }
    }

    private static let unitNanoseconds = 25_000

    /// The same for some places of the outermost axis, of which each has `each` elements.
    private func run(_ frame: KernelFrame, places: Range<Int>, each: Int) -> Int32 {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: table.count) { part in
            _ = part.initialize(from: table)
            part[0] = places.count
            guard let axes = part.baseAddress else { return 0 }
            let (first, rank) = (places.lowerBound, table.count / 3)
            return run(
                frame, axes, rank, places.count &* each, frame.rawInput(0) + first &* table[1],
                frame.rawInput(1) + first &* table[2], frame.rawOutput() + first &* each &* outputWidth)
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
