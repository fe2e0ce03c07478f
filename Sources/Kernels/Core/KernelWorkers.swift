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
        claims.next.store(0, ordering: .relaxed)
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
    private final class Claims: Sendable {
        let next = Atomic<Int>(0)
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
        func runHere() { while let unit = claim(), run(unit, frame, own) {} }

        /// A helper works until then, or until somebody waits for his processor.
        func help(_ helper: Int, _ source: any HelperSource) {
            let frame = frame.with(state: states[helper])
            // Without memory of its own a kernel does not touch it.
            let own = memory.map { $0 + helper &* step } ?? own
            while !source.isWanted, let unit = claim(), run(unit, frame, own) {}
        }

        private func claim() -> Int? {
            let unit = claims.next.add(1, ordering: .relaxed).oldValue
            return unit < phase.units ? unit : nil
        }

        /// - Returns: Whether to go on. After a fault nobody begins another unit; all lower ones have been begun, and are computed to
        ///   their end, so that it is always the same fault that counts.
        private func run(_ unit: Int, _ frame: KernelFrame, _ own: UnsafeMutableRawPointer) -> Bool {
            frame.workerState.pointee.unit = unit
            phase.body(frame, unit..<unit + 1, own)
            guard frame.hasFault else { return true }
            claims.next.store(phase.units, ordering: .relaxed)
            return false
        }
    }
}
