internal import Execution
internal import Operations
internal import Threads

/// Runs prepared tasks of one queue in as few runs as possible. It answers them, but does not finish them.
package struct BatchRun {
    private let queue: ModelQueue
    private let waits: MemoryWaits?
    private let helpers: (any HelperSource)?

    /// - Parameter queue: The queue of the tasks, which records their cost.
    package init(_ queue: ModelQueue) {
        self.queue = queue
        waits = nil
        helpers = nil
    }

    /// - Parameters:
    ///   - queue: The queue of the tasks, which records their cost.
    ///   - turns: The turns, in which tasks may wait for memory, and which provide helpers.
    init(_ queue: ModelQueue, _ turns: Turns) {
        self.queue = queue
        waits = turns.memoryWaits
        helpers = turns
    }

    /// A task that could not run because memory is short, and that is not answered yet.
    struct Deferred {
        let task: any InferenceTask
        let neededBytes: Int
    }

    /// Runs and answers prepared tasks. Compatible tasks run as a batch.
    ///
    /// If a batch fails, its tasks are run again one by one, so that only the failing one fails. Tasks without a callable are ignored.
    package func run(_ tasks: [any InferenceTask]) {
        var deferred: [Deferred] = []
        run(tasks, deferred: &deferred)
    }

    /// Runs and answers prepared tasks.
    ///
    /// - Parameters:
    ///   - tasks: The tasks.
    ///   - deferred: Receives the tasks that have to wait for memory, if they may.
    func run(_ tasks: [any InferenceTask], deferred: inout [Deferred]) {
        guard tasks.count > 1 else {
            for task in tasks { runAlone(task, deferred: &deferred) }
            return
        }
        withUnsafeTemporaryAllocation(of: Member.self, capacity: tasks.count) { memory in
            var count = 0
            for task in tasks {
                guard let member = Member(task) else {
                    runAlone(task, deferred: &deferred)
                    continue
                }
                memory.initializeElement(at: count, to: member)
                count += 1
            }
            var members = UnsafeMutableBufferPointer(rebasing: memory[..<count])
            while !members.isEmpty {
                let size = gather(members)
                run(UnsafeMutableBufferPointer(rebasing: members[..<size]), deferred: &deferred)
                members = UnsafeMutableBufferPointer(rebasing: members[size...])
            }
            UnsafeMutableBufferPointer(rebasing: memory[..<count]).deinitialize()
        }
    }

    /// A task that may run in a batch.
    private struct Member {
        let task: any InferenceTask
        /// Kept by the task.
        let callable: Unmanaged<Callable>
        /// Valid until the task changes.
        let feeds: UnsafeBufferPointer<TensorView>
        let rows: Int

        /// Returns nil for a task that runs alone.
        init?(_ task: any InferenceTask) {
            guard let callable = task.callable else { return nil }
            var found: (feeds: UnsafeBufferPointer<TensorView>, rows: Int)?
            task.withFeeds { feeds in
                if let rows = callable._withUnsafeGuaranteedRef({ $0.batchRows(of: feeds) }) { found = (feeds, rows) }
            }
            guard let found else { return nil }
            self.task = task
            self.callable = callable
            feeds = found.feeds
            rows = found.rows
        }

        func isJoinable(with other: Member) -> Bool {
            callable.toOpaque() == other.callable.toOpaque()
                && callable._withUnsafeGuaranteedRef { $0.areJoinable(feeds, other.feeds) }
        }
    }

    /// Moves the tasks that can run together with the first one to the front, in order.
    ///
    /// - Returns: The number of these tasks.
    private func gather(_ members: UnsafeMutableBufferPointer<Member>) -> Int {
        var size = 1
        var rows = members[0].rows
        for index in members.indices.dropFirst() {
            guard rows + members[index].rows <= Callable.maxBatchRows, members[index].isJoinable(with: members[0])
            else {
                continue
            }
            rows += members[index].rows
            members.swapAt(size, index)
            size += 1
        }
        return size
    }

    private func run(_ members: UnsafeMutableBufferPointer<Member>, deferred: inout [Deferred]) {
        if members.count > 1, runAsOne(members) { return }
        for member in members { runAlone(member.task, deferred: &deferred) }
    }

    /// - Returns: false if no task was answered.
    private func runAsOne(_ members: UnsafeMutableBufferPointer<Member>) -> Bool {
        withUnsafeTemporaryAllocation(of: UnsafeBufferPointer<TensorView>.self, capacity: members.count) { requests in
            for (index, member) in members.enumerated() { requests.initializeElement(at: index, to: member.feeds) }
            let start = MonotonicClock.nanoseconds
            var runEnd = start
            var last = start
            do throws(OpError) {
                // A client that disconnects does not end the others' run.
                let limits = RunLimits(deadline: deadline(of: members))
                let isRun = try members[0].callable.takeUnretainedValue().runBatch(
                    UnsafeBufferPointer(requests), limits: limits, helpers: helpers
                ) {
                    if $0 == 0 {
                        runEnd = MonotonicClock.nanoseconds
                        last = runEnd
                    }
                    members[$0].task.deliver($1)
                    let now = MonotonicClock.nanoseconds
                    members[$0].task.times.write = now &- last
                    last = now
                }
                guard isRun else { return false }
            } catch { return false }
            let rows = members.reduce(0) { $0 + $1.rows }
            for (index, member) in members.enumerated() {
                member.task.times.batchSize = members.count
                member.task.times.run = runEnd &- start
                member.task.times.rows = member.rows
                member.task.times.runRows = rows
                member.task.times.leadsRun = index == 0
                note(member.task, (last &- start) / UInt64(members.count))
            }
            queue.statistics.recordExecution(ofRequests: members.count)
            return true
        }
    }

    /// The latest deadline of the batch; nil if a task has none.
    private func deadline(of members: UnsafeMutableBufferPointer<Member>) -> Deadline? {
        var latest: Deadline?
        for member in members {
            guard let deadline = member.task.deadline else { return nil }
            latest = max(latest ?? deadline, deadline)
        }
        return latest
    }

    /// Runs and answers a single task.
    private func runAlone(_ task: any InferenceTask, deferred: inout [Deferred]) {
        Self.runAlone(task, at: MonotonicClock.nanoseconds, queue, waits, helpers, deferred: &deferred)
    }

    /// Runs and answers a single task. Keeps no references, because short requests of several threads would wait for each other to count them.
    ///
    /// - Parameters:
    ///   - task: The task.
    ///   - start: The time now.
    ///   - queue: Its queue, which records its cost.
    ///   - waits: The tasks that wait for memory; nil if this one may not.
    ///   - helpers: The source of helpers.
    ///   - deferred: Receives the task if it has to wait for memory, and may.
    static func runAlone(
        _ task: any InferenceTask, at start: UInt64, _ queue: ModelQueue, _ waits: MemoryWaits?,
        _ helpers: (any HelperSource)?, deferred: inout [Deferred]
    ) {
        guard let callable = task.callable else { return }
        var runEnd = start
        var rows = 0
        var failure: OpError?
        task.withFeeds { feeds in
            failure = callable._withUnsafeGuaranteedRef { callable in
                do throws(OpError) {
                    // Earlier tasks run first, unless this one needs little memory.
                    if let waits, waits.isAny {
                        try waits.requireTurn(task, neededBytes: callable.neededBytes(for: feeds))
                    }
                    try callable.run(feeds, limits: task.limits, helpers: helpers) { outputs in
                        runEnd = MonotonicClock.nanoseconds
                        rows = callable.rowCount(of: feeds)
                        task.deliver(outputs)
                    }
                    return nil
                } catch {
                    runEnd = MonotonicClock.nanoseconds
                    return error
                }
            }
        }
        // Outside of that call, because a failing task reads the feeds again.
        if let failure {
            if waits != nil, let neededBytes = failure.neededBytes {
                deferred.append(Deferred(task: task, neededBytes: neededBytes))
                return
            }
            task.fail(ModelError(failure))
        }
        let end = MonotonicClock.nanoseconds
        var times = task.times
        times.run = runEnd &- start
        times.write = end &- runEnd
        times.rows = rows
        times.runRows = rows
        times.leadsRun = rows > 0
        task.times = times
        queue.cost.note(nanoseconds: times.parse &+ (end &- start), byteCount: task.byteCount)
        queue.statistics.recordExecution(ofRequests: 1)
    }

    /// Records the cost of a task.
    private func note(_ task: any InferenceTask, _ nanoseconds: UInt64) {
        queue.cost.note(nanoseconds: task.times.parse &+ nanoseconds, byteCount: task.byteCount)
    }
}
