package import Memory
internal import Threads

/// Decides which thread runs a task, and when.
///
/// Threads of its own, the executors, take tasks from the models' queues in turn. A task that is known to be short is run by the
/// thread that submits it, if nobody waits and a processor is free: handing it over would take longer than running it.
///
/// At no time are more tasks read, run and answered than there are executors, wherever they run; a run that takes long may be helped
/// by threads that hold slots which no task wants. So there are never more processors in use than executors. There is one exception: where long runs hold all executors, one task more is run of models
/// that would have to wait for them (``Reserve``).
package final class Scheduler: Sendable {
    /// How many threads, and which tasks are short.
    package struct Configuration: Sendable {
        /// The thread budget.
        package var executors = 4
        /// A task is run by the thread that submits it only if tasks like it cost at most so much. That thread has other connections
        /// to see to.
        package var longestInlineNanoseconds: UInt64 = 200_000
        /// Up to here, also while other tasks of the model run: handing it over would cost about as much.
        package var alwaysInlineNanoseconds: UInt64 = 30_000
        /// Where all executors have been busy with the same tasks for so long, a task of another model is run beside them; `.max` for
        /// never.
        package var reserveNanoseconds: UInt64 = 50_000_000

        /// The account of the server's memory: with it, runs that do not fit wait until they do.
        package var memory: MemoryAccount?

        package init(executors: Int = 4) { self.executors = executors }
    }

    /// The outcome of submitting a task.
    package enum Submission: Sendable {
        /// It is answered.
        case done
        /// It waits, or is run by another thread, which calls ``InferenceTask/finish()``.
        case queued
        /// There is no room in the model's queue; the task was not touched.
        case refused
    }

    private let configuration: Configuration
    private let turns: Turns
    private let threads: [SystemThread]

    /// Starts the threads, as many as there can be.
    package init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        let turns = Turns(
            slotCount: max(1, configuration.executors), reserveNanoseconds: configuration.reserveNanoseconds,
            memoryWaits: configuration.memory.map { MemoryWaits($0) })
        self.turns = turns
        var threads: [SystemThread] = []
        for _ in 0..<turns.slotCount {
            guard let thread = try? SystemThread({ Executor(turns).run() }) else { break }
            threads.append(thread)
        }
        hasExecutors = !threads.isEmpty
        if configuration.reserveNanoseconds != .max,
            let thread = try? SystemThread({ Executor(turns).runInReserve() })
        {
            threads.append(thread)
        }
        if let thread = try? SystemThread({ Executor.rejectStale(turns) }) { threads.append(thread) }
        if let waits = turns.memoryWaits, let thread = try? SystemThread({ waits.run(turns) }) {
            threads.append(thread)
        }
        self.threads = threads
    }

    /// Whether there was a thread left to be made.
    private let hasExecutors: Bool

    /// Runs what waits, then ends the threads.
    deinit {
        turns.memoryWaits?.stop()
        turns.stop()
        for thread in threads { thread.join() }
    }

    /// Runs a task, or puts it into its model's queue. Never waits for another task.
    package func submit(_ task: any InferenceTask, to queue: ModelQueue) -> Submission {
        if mayRunHere(task, queue) || !hasExecutors, turns.takeSpareSlot() {
            let isDone = Executor.runHere(task, queue, turns)
            turns.giveSlot()
            return isDone ? .done : .queued
        }
        var stale: [any InferenceTask] = []
        let isAdded = turns.add(task, to: queue, stale: &stale)
        for task in stale { Executor.rejectStale(task) }
        return isAdded ? .queued : .refused
    }

    private func mayRunHere(_ task: any InferenceTask, _ queue: ModelQueue) -> Bool {
        let cost = queue.cost.nanoseconds
        guard cost <= configuration.longestInlineNanoseconds, queue.batchDelayNanoseconds == 0 else {
            return false
        }
        return (cost <= configuration.alwaysInlineNanoseconds || queue.running == 0)
            && queue.cost.covers(byteCount: task.byteCount)
    }

    /// How many seconds it may take until a task that comes now is run, at least one.
    package func waitingSeconds(of queue: ModelQueue) -> Int {
        let cost = queue.cost.nanoseconds
        guard cost != .max else { return 1 }
        let (total, isHuge) = cost.multipliedReportingOverflow(by: UInt64(max(0, queue.waiting)))
        guard !isHuge else { return Self.longestWait }
        return min(max(Int(total / UInt64(turns.slotCount) / 1_000_000_000), 1), Self.longestWait)
    }

    private static let longestWait = 60
}
