internal import Execution
internal import Threads

/// The loop of a thread that runs tasks.
struct Executor: ~Copyable {
    private let turns: Turns
    /// The running tasks. The array is reused.
    private var tasks: [any InferenceTask] = []

    init(_ turns: Turns) { self.turns = turns }

    /// Runs tasks until the scheduler ends.
    consuming func run() {
        while let (task, queue) = turns.next() {
            execute(task, queue)
            turns.giveSlot()
        }
    }

    /// Runs tasks that do not need a slot, until the scheduler ends.
    consuming func runInReserve() {
        while let (task, queue) = turns.nextInReserve() { execute(task, queue) }
    }

    /// Runs a task with its slot, together with compatible tasks of its queue.
    private mutating func execute(_ task: any InferenceTask, _ queue: ModelQueue) {
        queue.addRunning(1)
        guard Self.begin(task, queue) else { return }
        tasks.append(task)
        let limit = Self.maxTogether(with: task, queue) - 1
        if limit > 0 {
            var more: [any InferenceTask] = []
            turns.takeMore(from: queue, limit: limit, into: &more)
            queue.addRunning(more.count)
            for task in more where Self.begin(task, queue) { tasks.append(task) }
        }
        run(queue)
        tasks.removeAll(keepingCapacity: true)
    }

    /// Prepares a task that has waited.
    ///
    /// - Returns: false if it is already finished.
    private static func begin(_ task: any InferenceTask, _ queue: ModelQueue) -> Bool {
        let now = MonotonicClock.nanoseconds
        task.times.queue = now &- task.startNanoseconds
        guard !task.isStale(at: now) else {
            task.failStale()
            end(task, queue)
            return false
        }
        guard prepare(task, from: now) != nil else {
            end(task, queue)
            return false
        }
        return true
    }

    /// Reads the request of a task.
    ///
    /// - Returns: The time afterwards; nil if the task has a response already.
    private static func prepare(_ task: any InferenceTask, from start: UInt64) -> UInt64? {
        let isPrepared = task.prepare()
        let end = MonotonicClock.nanoseconds
        task.times.parse = end &- start
        return isPrepared ? end : nil
    }

    private static func end(_ task: any InferenceTask, _ queue: ModelQueue) {
        queue.addRunning(-1)
        task.finish()
    }

    /// Answers waiting tasks whose deadline has passed, until the scheduler ends.
    static func rejectStale(_ turns: Turns) {
        var stale: [any InferenceTask] = []
        while turns.nextStale(into: &stale) {
            for task in stale { rejectStale(task) }
            stale.removeAll()
        }
    }

    /// Answers a task that is no longer worth running.
    static func rejectStale(_ task: any InferenceTask) {
        task.times.queue = MonotonicClock.nanoseconds &- task.startNanoseconds
        task.failStale()
        task.finish()
    }
}

/// Running tasks that are prepared.
extension Executor {
    /// The maximum number of tasks in a batch with this one, including it.
    private static func maxTogether(with task: any InferenceTask, _ queue: ModelQueue) -> Int {
        guard queue.maxBatch > 1, let callable = task.callable else { return 1 }
        var hasRows = false
        task.withFeeds { feeds in hasRows = callable._withUnsafeGuaranteedRef { $0.batchRows(of: feeds) } != nil }
        return hasRows ? queue.maxBatch : 1
    }

    /// Runs prepared tasks of one queue, in batches if possible. Answers and finishes each.
    private func run(_ queue: ModelQueue) {
        var deferred: [BatchRun.Deferred] = []
        BatchRun(queue, turns).run(tasks, deferred: &deferred)
        for task in tasks where !deferred.contains(where: { $0.task === task }) { Self.end(task, queue) }
        for entry in deferred {
            if turns.memoryWaits?.add(entry, to: queue) == true {
                queue.addRunning(-1)
            } else {
                Self.end(entry.task, queue)
            }
        }
    }

    /// Runs a task on the submitting thread, which has a slot for it. Does not finish it.
    ///
    /// - Returns: false if it is not answered, but waits for memory.
    static func runHere(_ task: any InferenceTask, _ queue: ModelQueue, _ turns: Turns) -> Bool {
        queue.addRunning(1)
        defer { queue.addRunning(-1) }
        guard let now = prepare(task, from: task.startNanoseconds) else { return true }
        var deferred: [BatchRun.Deferred] = []
        BatchRun.runAlone(task, at: now, queue, turns.memoryWaits, turns, deferred: &deferred)
        return deferred.allSatisfy { entry in
            entry.task.willWait()
            return turns.memoryWaits?.add(entry, to: queue) != true
        }
    }
}
