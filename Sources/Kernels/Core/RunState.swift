internal import Glibc

/// What the kernels of one run share besides the tensors: the first fault, and memory for new strings.
///
/// It belongs to one thread at a time; where several compute one kernel, each has its own.
package struct RunState: ~Copyable {
    /// The first fault that a kernel of the run reported.
    package private(set) var fault: Fault?
    private var blocks: [UnsafeMutableRawPointer] = []
    private var next: UnsafeMutableRawPointer?
    private var remaining = 0
    /// Counts what the run takes.
    package let account: RunAccount

    /// Which unit of a kernel that is cut is being computed, or has the fault.
    var unit = 0
    /// Work that was done since the last look at the clock.
    private var work = 0

    /// How much work is done between looks at the clock: some milliseconds at most.
    static let lookWork = 1 << 18

    private static let blockBytes = 64 << 10

    package init(_ account: RunAccount = RunAccount()) { self.account = account }

    deinit { for block in blocks { free(block) } }

    /// Notes a fault; all but the first are dropped.
    package mutating func report(_ kind: Fault.Kind) {
        if fault == nil { fault = Fault(kind) }
    }

    /// Takes over the fault of a worker of the same kernel, if its unit is a lower one.
    mutating func takeFault(of worker: inout RunState) {
        guard let other = worker.fault else { return }
        worker.fault = nil
        worker.work = 0
        guard fault == nil || worker.unit < unit else { return }
        fault = other
        unit = worker.unit
    }

    /// A fault, and the unit that has it.
    struct UnitFault {
        let fault: Fault
        let unit: Int
    }

    /// Forgets the fault of the unit that has been computed, so that another one can be.
    mutating func setFaultAside() -> UnitFault? {
        guard let found = fault else { return nil }
        fault = nil
        return UnitFault(fault: found, unit: unit)
    }

    /// Notes a fault that was set aside.
    mutating func restore(_ other: UnitFault) {
        fault = other.fault
        unit = other.unit
    }

    /// Whether the run's time is over; a fault says so too. See ``KernelFrame/isOver(after:)``.
    @inline(__always)
    mutating func isOver(after more: Int) -> Bool {
        guard more < Self.lookWork - work else { return look() }
        work += more
        return false
    }

    @inline(never)
    private mutating func look() -> Bool {
        guard account.isOver else {
            work = 0
            return false
        }
        // The next call looks again.
        work = Self.lookWork
        report(.timeOver)
        return true
    }

    /// Forgets the fault and the strings, so that the state serves another run.
    package mutating func reset() {
        fault = nil
        work = 0
        guard !blocks.isEmpty else { return }
        for block in blocks { free(block) }
        blocks.removeAll(keepingCapacity: true)
        next = nil
        remaining = 0
    }

    /// Memory for the bytes of a new string, valid until ``reset()``.
    ///
    /// - Returns: nil, with the fault noted, if there is not enough memory.
    package mutating func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
        if byteCount > remaining || next == nil {
            let size = max(byteCount, Self.blockBytes)
            if let refusal = account.takeShared(size) {
                report(.memoryRefused(refusal))
                return nil
            }
            guard let block = malloc(size) else {
                report(.outOfMemory(byteCount: byteCount))
                return nil
            }
            blocks.append(block)
            next = block
            remaining = size
        }
        defer {
            next = next.map { $0 + byteCount }
            remaining -= byteCount
        }
        return next
    }
}
