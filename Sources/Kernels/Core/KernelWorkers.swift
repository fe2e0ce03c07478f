internal import Glibc
internal import Synchronization
internal import Tensors
internal import Threads

/// What the helpers of one run need besides what the calling thread has: a state and scratch memory for each.
///
/// Belongs to one run at a time.
package final class KernelWorkers {
    private let account: RunAccount
    /// Those of the helpers.
    private var states: [UnsafeMutablePointer<RunState>] = []
    private var memory: UnsafeMutableRawPointer?
    /// The scratch memory that is kept from run to run; all of it is counted by the account.
    package private(set) var memoryBytes = 0
    private let claims = Claims()

    /// A phase that takes less is not worth a call for help: the helpers would come when it is nearly done.
    private static let leastNanoseconds = 25_000
    /// Of units that a worker takes at once: a helper does not look whether somebody waits for his processor meanwhile.
    private static let longestNanoseconds = 500_000
    /// More memory than this is given back after the run.
    private static let keptBytes = 64 << 20

    /// - Parameter account: Of the run.
    package init(_ account: RunAccount) { self.account = account }

    deinit {
        for state in states {
            state.deinitialize(count: 1)
            state.deallocate()
        }
        free(memory)
    }

    /// Forgets the run.
    package func reset() {
        for state in states { state.pointee.reset() }
        if memoryBytes > Self.keptBytes {
            free(memory)
            memory = nil
            memoryBytes = 0
        }
    }

    /// Computes all phases of a kernel. A fault is in the frame's state afterwards: that of the lowest unit that has one.
    func run(_ cut: Kernel.Cut, _ frame: KernelFrame, _ source: any HelperSource) {
        for phase in cut.phases {
            let isLong = phase.units > 1 && phase.nanoseconds >= Self.leastNanoseconds
            var helpers = isLong ? source.borrow(upTo: phase.units - 1) : 0
            while helpers > 0, !prepare(helpers, cut.scratchBytesPerWorker) {
                // With fewer there may be enough memory.
                source.giveBack((helpers + 1) / 2)
                helpers /= 2
            }
            if helpers > 0 {
                run(phase, cut, frame, source, helpers)
            } else {
                phase.body(frame, 0..<phase.units, frame.scratch + cut.ownOffset)
            }
            if frame.hasFault { return }
        }
    }

    /// Makes room for helpers.
    ///
    /// - Returns: false if there is not enough memory.
    private func prepare(_ helpers: Int, _ scratchBytes: Int) -> Bool {
        while states.count < helpers {
            let state = UnsafeMutablePointer<RunState>.allocate(capacity: 1)
            state.initialize(to: RunState(account))
            states.append(state)
        }
        let (bytes, overflow) = helpers.multipliedReportingOverflow(by: scratchBytes.roundedUp(to: Self.alignment))
        guard !overflow, account.hasRoom(for: bytes) else { return false }
        guard bytes > memoryBytes else { return true }
        guard account.keep(bytes - memoryBytes) == nil else { return false }
        free(memory)
        memory = aligned_alloc(Self.alignment, bytes)
        // What could not be had stays counted until the run ends.
        memoryBytes = memory == nil ? 0 : bytes
        return memory != nil
    }

    private static var alignment: Int { TensorStorage.alignment }

    private func run(
        _ phase: Kernel.Phase, _ cut: Kernel.Cut, _ frame: KernelFrame, _ source: any HelperSource, _ helpers: Int
    ) {
        claims.begin(
            units: phase.units, workers: helpers + 1,
            atOnce: max(1, Self.longestNanoseconds / max(1, phase.unitNanoseconds)))
        let step = cut.scratchBytesPerWorker.roundedUp(to: Self.alignment)
        let task = Task(
            phase: phase, frame: frame, own: frame.scratch + cut.ownOffset, states: states, memory: memory, step: step,
            claims: claims)
        let started = source.team.run(helpers: helpers) { worker in
            guard worker > 0 else { return task.runHere() }
            task.help(worker - 1, source)
            source.giveBack(1)
        }
        if started < helpers { source.giveBack(helpers - started) }
        let state = frame.workerState
        for helper in states.prefix(helpers) { state.pointee.takeFault(of: &helper.pointee) }
    }

    /// Which units have been handed out.
    ///
    /// Each worker has a range of the units, and takes from those of others when its own is used up. Phases that are cut alike thus find
    /// what the one before has written in the cache of the same processor.
    // Safety: the memory is allocated and initialised for as long as self lives, and holds atomics; indices are below `maxRanges`. The number
    // of units and of ranges is set before the helpers begin.
    private final class Claims: @unchecked Sendable {
        private static let maxRanges = 64
        /// Each counter has a cache line of its own.
        private static let spacing = 8
        private let counters: UnsafeMutablePointer<Atomic<Int>>
        private let limit = Atomic<Int>(0)
        private var units = 0
        private var ranges = 1
        private var atOnce = 1

        init() {
            counters = .allocate(capacity: Self.maxRanges * Self.spacing)
            for index in 0..<Self.maxRanges * Self.spacing { (counters + index).initialize(to: Atomic(0)) }
        }

        deinit {
            counters.deinitialize(count: Self.maxRanges * Self.spacing)
            counters.deallocate()
        }

        func begin(units: Int, workers: Int, atOnce: Int) {
            self.units = units
            self.atOnce = atOnce
            ranges = min(workers, Self.maxRanges)
            for range in 0..<ranges { counters[range &* Self.spacing].store(start(range), ordering: .relaxed) }
            limit.store(units, ordering: .relaxed)
        }

        private func start(_ range: Int) -> Int {
            let (each, rest) = units.quotientAndRemainder(dividingBy: ranges)
            return each &* range &+ min(range, rest)
        }

        /// The next units of a worker's range, or of another one: a third of what is left, so that many are computed together, and the last
        /// ones are shared.
        func claim(_ worker: Int) -> Range<Int>? {
            let first = worker % ranges
            for place in 0..<ranges {
                let range = first &+ place < ranges ? first &+ place : first &+ place &- ranges
                let end = min(start(range &+ 1), limit.load(ordering: .relaxed))
                let counter = counters + range &* Self.spacing
                let left = end &- counter.pointee.load(ordering: .relaxed)
                guard left > 0 else { continue }
                let count = min(atOnce, (left &+ 2) / 3)
                let unit = counter.pointee.add(count, ordering: .relaxed).oldValue
                if unit < end { return unit..<min(end, unit &+ count) }
            }
            return nil
        }

        /// Lets nobody begin a unit that is not below this one.
        func stop(at unit: Int) {
            var known = limit.load(ordering: .relaxed)
            while unit < known {
                let (isSet, found) = limit.weakCompareExchange(expected: known, desired: unit, ordering: .relaxed)
                if isSet { return }
                known = found
            }
        }
    }

    /// What the workers do.
    // Safety: each worker uses his own state and memory alone; who computes which unit is decided by the claims; the frame's tables
    // are only read, and outlive the phase, as do the operands, of which each unit writes its own part.
    private struct Task: @unchecked Sendable {
        let phase: Kernel.Phase
        let frame: KernelFrame
        let own: UnsafeMutableRawPointer
        let states: [UnsafeMutablePointer<RunState>]
        let memory: UnsafeMutableRawPointer?
        let step: Int
        let claims: Claims

        /// The calling thread works until all units are handed out.
        func runHere() { work(frame, own) { claims.claim(0) } }

        /// A helper works until then, or until somebody waits for his processor.
        func help(_ helper: Int, _ source: any HelperSource) {
            // Without memory of its own a kernel does not touch it.
            let own = memory.map { $0 + helper &* step } ?? own
            work(frame.with(state: states[helper]), own) { source.isWanted ? nil : claims.claim(helper &+ 1) }
        }

        /// Computes units. After a fault nobody begins units behind it. All lower ones are computed, so that it is always the same fault that
        /// counts. Of units that are computed together, the first fault ends them.
        @inline(__always)
        private func work(_ frame: KernelFrame, _ own: UnsafeMutableRawPointer, _ next: () -> Range<Int>?) {
            var lowest: RunState.UnitFault?
            while let units = next() {
                frame.workerState.pointee.unit = units.lowerBound
                phase.body(frame, units, own)
                guard let found = frame.workerState.pointee.setFaultAside() else { continue }
                claims.stop(at: units.lowerBound)
                if found.unit < lowest?.unit ?? .max { lowest = found }
            }
            if let lowest { frame.workerState.pointee.restore(lowest) }
        }
    }
}
