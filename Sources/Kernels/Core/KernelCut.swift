/// A kernel that several threads can compute together.
extension Kernel {
    /// Units of work that do not depend on each other.
    ///
    /// How a kernel is cut is decided when it is made, by its shapes alone. So the outputs are the same, bit for bit, whoever
    /// computes which unit, and however many help.
    package struct Phase: Sendable {
        /// Computes some units, one after another.
        ///
        /// - `own`: Memory that only this worker uses meanwhile, as much as the kernel said.
        package typealias Body =
            @Sendable (_ frame: KernelFrame, _ units: Range<Int>, _ own: UnsafeMutableRawPointer)
            -> Void

        /// How many units there are.
        package let units: Int
        /// About how long one takes.
        package let unitNanoseconds: Int
        package let body: Body

        /// - Parameters:
        ///   - units: How many units there are; at least one.
        ///   - unitNanoseconds: About how long one takes.
        ///   - body: Computes some of them.
        package init(units: Int, unitNanoseconds: Int, _ body: @escaping Body) {
            self.units = units
            self.unitNanoseconds = unitNanoseconds
            self.body = body
        }

        /// A phase of one unit: it is short, or its steps depend on each other.
        package init(_ body: @escaping @Sendable (KernelFrame) -> Void) {
            self.init(units: 1, unitNanoseconds: 0) { frame, _, _ in body(frame) }
        }

        /// About how long all units take, one after another.
        package var nanoseconds: Int { units.saturatingProduct(unitNanoseconds) }

        /// Whether a second thread can help.
        var isWorthCutting: Bool { units > 1 && nanoseconds >= Kernel.leastCutNanoseconds }
    }

    /// Phases one after another.
    package struct Cut: Sendable {
        package let phases: [Phase]
        /// Where in the call's scratch memory that of its first worker lies.
        package let ownOffset: Int
        /// Bytes of temporary memory that each worker needs for himself.
        package let scratchBytesPerWorker: Int

        /// Computes everything on this thread.
        package func run(_ frame: KernelFrame) {
            for phase in phases {
                phase.body(frame, 0..<phase.units, frame.scratch + ownOffset)
                if frame.hasFault { return }
            }
        }
    }

    /// What takes less than this is not cut: nobody would come in time to help.
    package static let leastCutNanoseconds = 20_000
    /// About how long a unit of a loop takes: long enough that handing it out costs nothing.
    static let loopUnitNanoseconds = 8_000

    /// A kernel of a loop over elements that do not depend on each other.
    ///
    /// - Parameters:
    ///   - name: The way it computes.
    ///   - count: How many elements there are.
    ///   - picoseconds: About how long an element takes.
    ///   - work: How much work an element is, for looks at the clock.
    ///   - overwritableInputs: See ``Kernel/overwritableInputs``.
    ///   - body: Computes some elements: the first, and how many. All blocks but the last have a multiple of 64.
    /// - Returns: The kernel, cut if it takes long.
    @inline(__always)
    static func elements(
        _ name: Name, count: Int, picoseconds: Int, work: Int = 1, overwritableInputs: [Int] = [],
        _ body: @escaping @Sendable (_ frame: KernelFrame, _ first: Int, _ count: Int) -> Void
    ) -> Kernel {
        guard count / 2 >= Phase.size(picoseconds: picoseconds) else {
            return Kernel(name, overwritableInputs: overwritableInputs) { frame in
                frame.inBlocks(of: count, work: work) { body(frame, $0, $1) }
            }
        }
        let phase = Phase(elements: count, picoseconds: picoseconds, work: work, body)
        return Kernel(name, overwritableInputs: overwritableInputs, phases: [phase])
    }

    /// A kernel of a loop over rows that do not depend on each other.
    ///
    /// - Parameters:
    ///   - name: The way it computes.
    ///   - count: How many rows there are.
    ///   - nanoseconds: About how long a row takes.
    ///   - work: How much work a row is, for looks at the clock.
    ///   - overwritableInputs: See ``Kernel/overwritableInputs``.
    ///   - body: Computes some rows: the first, and how many.
    /// - Returns: The kernel, cut if it takes long.
    @inline(__always)
    static func rows(
        _ name: Name, count: Int, nanoseconds: Int, work: Int, overwritableInputs: [Int] = [],
        _ body: @escaping @Sendable (_ frame: KernelFrame, _ first: Int, _ count: Int) -> Void
    ) -> Kernel {
        let size = max(1, loopUnitNanoseconds / max(1, nanoseconds))
        guard count > size, count.saturatingProduct(nanoseconds) >= leastCutNanoseconds else {
            return Kernel(name, overwritableInputs: overwritableInputs) { frame in
                frame.inBlocks(ofRows: count, work: work) { body(frame, $0, $1) }
            }
        }
        let phase = Phase(units: (count + size - 1) / size, unitNanoseconds: size &* nanoseconds) { frame, units, _ in
            // Each by itself: where a block of rows ends may show in the last bits.
            for unit in units {
                let rows = unit &* size..<min(count, (unit &+ 1) &* size)
                frame.inBlocks(ofRows: rows, work: work) { body(frame, $0, $1) }
                if frame.hasFault { return }
            }
        }
        return Kernel(name, overwritableInputs: overwritableInputs, phases: [phase])
    }
}

extension Kernel.Phase {
    /// How many elements a unit has.
    fileprivate static func size(picoseconds: Int) -> Int {
        max(64, Kernel.loopUnitNanoseconds * 1000 / max(1, picoseconds) & ~63)
    }

    /// A phase of a loop over elements that do not depend on each other.
    ///
    /// - Parameters:
    ///   - count: How many elements there are.
    ///   - picoseconds: About how long an element takes.
    ///   - work: How much work an element is, for looks at the clock.
    ///   - body: Computes some elements: the first, and how many. All blocks but the last have a multiple of 64.
    @inline(__always)
    init(
        elements count: Int, picoseconds: Int, work: Int = 1,
        _ body: @escaping @Sendable (_ frame: KernelFrame, _ first: Int, _ count: Int) -> Void
    ) {
        let size = Self.size(picoseconds: picoseconds)
        let units = max(1, (count + size - 1) / size)
        self.init(units: units, unitNanoseconds: min(size, count).saturatingProduct(picoseconds) / 1000) {
            frame, units, _ in
            let elements = units.lowerBound &* size..<min(count, units.upperBound &* size)
            frame.inBlocks(of: elements, work: work) { body(frame, $0, $1) }
        }
    }
}

extension Int {
    /// The product of two numbers that are not negative; the largest number where it would be larger.
    func saturatingProduct(_ other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }

    /// The sum of two numbers that are not negative; the largest number where it would be larger.
    func saturatingSum(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
