package import Threads

/// How the tensors of a checkpoint are read into memory.
package struct ReadingOptions: Sendable {
    /// Whether a tensor is read when somebody asks for it. The files stay open, and memory that nobody uses is given back.
    package var isOnDemand = false
    /// The source of threads that help with reading; nil for none.
    package var helpers: (any HelperSource)?
    /// Counts what is read for the first time.
    package var progress: ReadingProgress?

    package init(isOnDemand: Bool = false, helpers: (any HelperSource)? = nil, progress: ReadingProgress? = nil) {
        self.isOnDemand = isOnDemand
        self.helpers = helpers
        self.progress = progress
    }
}

/// Takes the bytes of a part of a tensor, and their offset in the tensor. Several threads may call it at once.
package typealias PartTaking = @Sendable (UnsafeRawBufferPointer, Int) -> Void

/// Counts the tensors that are read and verified, and reports the count now and then.
package final class ReadingProgress: Sendable {
    /// Tensors, and their bytes in the files.
    package struct Count: Hashable, Sendable {
        package var tensors = 0
        package var bytes = 0

        package init(tensors: Int = 0, bytes: Int = 0) {
            self.tensors = tensors
            self.bytes = bytes
        }
    }

    private struct State {
        var done = Count()
        var total = Count()
        /// The time of the last report, or of the start.
        var last: UInt64
    }

    private let state: Locked<State>
    private let intervalNanoseconds: UInt64
    private let report: @Sendable (_ done: Count, _ total: Count) -> Void

    /// - Parameters:
    ///   - intervalNanoseconds: The minimum time between two reports, and before the first one.
    ///   - report: Gets what is done and what there is to do. Any of the reading threads calls it.
    package init(
        intervalNanoseconds: UInt64 = 1_000_000_000, report: @escaping @Sendable (_ done: Count, _ total: Count) -> Void
    ) {
        self.intervalNanoseconds = intervalNanoseconds
        self.report = report
        state = Locked(State(last: MonotonicClock.nanoseconds))
    }

    /// Adds tensors that will be read.
    func expect(_ count: Count) {
        state.withLock { state in
            state.total.tensors += count.tensors
            state.total.bytes += count.bytes
        }
    }

    /// Counts what was read.
    func add(_ count: Count) {
        let now = MonotonicClock.nanoseconds
        let due = state.withLock { state -> (Count, Count)? in
            state.done.tensors += count.tensors
            state.done.bytes += count.bytes
            guard now &- state.last >= intervalNanoseconds else { return nil }
            state.last = now
            return (state.done, state.total)
        }
        if let (done, total) = due { report(done, total) }
    }
}
