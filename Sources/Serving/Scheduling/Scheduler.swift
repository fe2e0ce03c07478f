package import Memory
package import Threads

/// Decides which thread runs a task, and when.
///
/// The executors are threads that take tasks from the models' queues in turn. The submitting thread runs a task itself if the task is known to
/// be short, no task waits, and a processor is free, because a hand-over would take longer.
///
/// The number of tasks that are processed at once never exceeds the number of executors. Threads with slots that no task wants may help a long
/// run. Therefore at most as many processors are in use as there are executors. There is one exception: if long runs hold all executors, one
/// more task runs, of a model that would otherwise have to wait (``Reserve``).
package final class Scheduler: Sendable {
    /// The number of threads, and the limits for short tasks.
    package struct Configuration: Sendable {
        /// The thread budget.
        package var executors = 4
        /// The maximum cost of tasks that the submitting thread runs, because that thread also serves other connections.
        package var longestInlineNanoseconds: UInt64 = 200_000
        /// The maximum cost of tasks that the submitting thread runs even while other tasks of the model run, because a hand-over costs about as
        /// much.
        package var alwaysInlineNanoseconds: UInt64 = 30_000
        /// The time for which all executors must be busy with the same tasks before a task of another model runs beside them; `.max` for
        /// never.
        package var reserveNanoseconds: UInt64 = 50_000_000

        /// The account of the server's memory. With it, runs that do not fit wait until they do.
        package var memory: MemoryAccount?

        package init(executors: Int = 4) { self.executors = executors }
    }

    /// The outcome of submitting a task.
    package enum Submission: Sendable {
        /// The task is answered.
        case done
        /// The task waits, or another thread runs it and calls ``InferenceTask/finish()``.
        case queued
        /// The model's queue is full. The task was not touched.
        case refused
    }

    private let configuration: Configuration
    private let turns: Turns
    private let threads: [SystemThread]

    /// Starts the threads, as many as possible.
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

    /// Whether any thread was started.
    private let hasExecutors: Bool

    /// Runs the waiting tasks, then ends the threads.
    deinit {
        turns.memoryWaits?.stop()
        turns.stop()
        for thread in threads { thread.join() }
    }

    /// The slots that no task wants, with threads for them.
    package var helpers: any HelperSource { turns }

    /// Runs a task, or adds it to its model's queue. Never waits for another task.
    package func submit(_ task: any InferenceTask, to queue: ModelQueue) -> Submission {
        if mayRunHere(task, queue) || !hasExecutors, turns.takeSpareSlot() {
            let isDone = Executor.runHere(task, queue, turns)
            turns.giveSlot()
            return isDone ? .done : .queued
        }
        task.willWait()
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

    /// The expected time in seconds until a new task runs, at least one.
    package func waitingSeconds(of queue: ModelQueue) -> Int {
        let cost = queue.cost.nanoseconds
        guard cost != .max else { return 1 }
        let (total, isHuge) = cost.multipliedReportingOverflow(by: UInt64(max(0, queue.waiting)))
        guard !isHuge else { return Self.longestWait }
        return min(max(Int(total / UInt64(turns.slotCount) / 1_000_000_000), 1), Self.longestWait)
    }

    private static let longestWait = 60
}
