internal import Memory
internal import Operations
internal import Synchronization
internal import Threads

/// Prepared tasks that wait for memory: in order of arrival, without a slot, until their deadlines.
///
/// A thread checks every few milliseconds while tasks wait, so code that frees memory need not notify them.
// Safety: `entries` and `isStopping` are used under the monitor's mutex alone.
final class MemoryWaits: @unchecked Sendable {
    private struct Entry {
        let task: any InferenceTask
        let queue: ModelQueue
        let neededBytes: Int
    }

    private let memory: MemoryAccount
    private let monitor = Monitor(conditions: 1)
    private var entries: [Entry] = []
    private var isStopping = false
    private let count = Atomic<Int>(0)
    /// The arrival of the first task; `.max` if none waits.
    private let firstNanoseconds = Atomic<UInt64>(.max)

    private static let pause: UInt64 = 3_000_000
    /// Runs that need less do not wait for earlier tasks.
    private static let smallBytes = 16 << 20

    init(_ memory: MemoryAccount) { self.memory = memory }

    /// Whether any task waits.
    var isAny: Bool { count.load(ordering: .relaxed) > 0 }

    /// Checks that no earlier task waits for memory.
    ///
    /// - Throws: ``OpError`` of kind `memoryShort`, as if there were no memory.
    func requireTurn(_ task: any InferenceTask, neededBytes: Int) throws(OpError) {
        guard neededBytes >= Self.smallBytes, task.startNanoseconds > firstNanoseconds.load(ordering: .relaxed) else {
            return
        }
        throw OpError.notBegun(
            MemoryRefusal(byteCount: neededBytes, remainingBytes: memory.remainingBytes, isPassing: true),
            neededBytes: neededBytes)
    }

    /// Adds a task. The caller must not touch it afterwards.
    ///
    /// - Returns: false if the maximum number of tasks waits. The task is answered then, and must be finished.
    func add(_ deferred: BatchRun.Deferred, to queue: ModelQueue) -> Bool {
        monitor.lock()
        guard !isStopping, entries.count(where: { $0.queue === queue }) < queue.maxWaiting else {
            monitor.unlock()
            deferred.task.fail(refusal(deferred.neededBytes))
            return false
        }
        let start = deferred.task.startNanoseconds
        let index = entries.firstIndex { $0.task.startNanoseconds > start } ?? entries.count
        entries.insert(Entry(task: deferred.task, queue: queue, neededBytes: deferred.neededBytes), at: index)
        note()
        monitor.unlock()
        queue.addWaiting(1)
        memory.countWait()
        monitor.signal(0)
        return true
    }

    private func refusal(_ neededBytes: Int) -> ModelError {
        ModelError(
            OpError(
                MemoryRefusal(byteCount: neededBytes, remainingBytes: memory.remainingBytes, isPassing: true)))
    }

    private func note() {
        count.store(entries.count, ordering: .relaxed)
        firstNanoseconds.store(entries.first?.task.startNanoseconds ?? .max, ordering: .relaxed)
    }

    /// Answers all waiting tasks, and ends ``run(_:)``.
    func stop() {
        monitor.lock()
        isStopping = true
        monitor.unlock()
        monitor.signal(0)
    }

    /// Returns tasks to their queues when there is memory, and answers those whose deadline has passed, until ``stop()``.
    func run(_ turns: Turns) {
        var isEnding = false
        while !isEnding {
            monitor.lock()
            while entries.isEmpty, !isStopping { monitor.wait(0) }
            if !isStopping { monitor.wait(0, until: MonotonicClock.nanoseconds &+ Self.pause) }
            isEnding = isStopping
            let stale = takeStale(all: isEnding)
            let ready = takeReady()
            note()
            monitor.unlock()
            for entry in stale {
                entry.queue.addWaiting(-1)
                if isEnding { entry.task.fail(refusal(entry.neededBytes)) } else { entry.task.failStale() }
                entry.task.finish()
            }
            for entry in ready { putBack(entry, turns) }
        }
    }

    private func takeStale(all: Bool) -> [Entry] {
        let now = MonotonicClock.nanoseconds
        let stale = entries.filter { all || $0.task.isStale(at: now) }
        entries.removeAll { all || $0.task.isStale(at: now) }
        return stale
    }

    /// Takes the first tasks that fit together into the remaining memory.
    private func takeReady() -> [Entry] {
        guard let first = entries.first else { return [] }
        // Pooled memory is available for the run.
        if memory.remainingBytes < first.neededBytes { memory.freeIdleMemory() }
        var left = memory.remainingBytes
        var ready: [Entry] = []
        while let entry = entries.first, entry.neededBytes <= left {
            left -= entry.neededBytes
            ready.append(entry)
            entries.removeFirst()
        }
        return ready
    }

    private func putBack(_ entry: Entry, _ turns: Turns) {
        entry.queue.addWaiting(-1)
        var stale: [any InferenceTask] = []
        let isAdded = turns.add(entry.task, to: entry.queue, stale: &stale)
        for task in stale { Executor.rejectStale(task) }
        guard !isAdded else { return }
        if !add(BatchRun.Deferred(task: entry.task, neededBytes: entry.neededBytes), to: entry.queue) {
            entry.task.finish()
        }
    }
}
