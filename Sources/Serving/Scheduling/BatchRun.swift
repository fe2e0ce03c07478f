internal import Execution
internal import Operations
internal import Threads

/// Runs prepared tasks of one queue: as few times as their graphs allow. Answers them, and does not finish them.
package struct BatchRun {
    private let queue: ModelQueue
    private let waits: MemoryWaits?
    private let helpers: (any HelperSource)?

    /// - Parameter queue: Where the tasks waited: what they cost is noted there.
    package init(_ queue: ModelQueue) {
        self.queue = queue
        waits = nil
        helpers = nil
    }

    /// - Parameters:
    ///   - queue: Where the tasks waited: what they cost is noted there.
    ///   - turns: Where those may wait for whose run there is not enough memory, and where helpers come from.
    init(_ queue: ModelQueue, _ turns: Turns) {
        self.queue = queue
        waits = turns.memoryWaits
        helpers = turns
    }

    /// A task that could not be run for want of memory, and that is not answered.
    struct Deferred {
        let task: any InferenceTask
        let neededBytes: Int
    }

    /// Runs, and answers, tasks that are prepared; those that fit together as one.
    ///
    /// A batch that fails is run again task by task, so that a bad one fails alone. Tasks without a callable are left alone.
    package func run(_ tasks: [any InferenceTask]) {
        var deferred: [Deferred] = []
        run(tasks, deferred: &deferred)
    }

    /// The same.
    ///
    /// - Parameters:
    ///   - tasks: The tasks.
    ///   - deferred: Gets those that have to wait for memory, if they may.
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

    /// A task that may be run together with others.
    private struct Member {
        let task: any InferenceTask
        let callable: Callable
        /// Valid until the task changes.
        let feeds: UnsafeBufferPointer<TensorView>
        let rows: Int

        /// Gives nil for a task that is run alone.
        init?(_ task: any InferenceTask) {
            guard let callable = task.callable else { return nil }
            var found: (feeds: UnsafeBufferPointer<TensorView>, rows: Int)?
            task.withFeeds { feeds in
                if let rows = callable.batchRows(of: feeds) { found = (feeds, rows) }
            }
            guard let found else { return nil }
            self.task = task
            self.callable = callable
            feeds = found.feeds
            rows = found.rows
        }

        func isJoinable(with other: Member) -> Bool {
            callable === other.callable && callable.areJoinable(feeds, other.feeds)
        }
    }

    /// Brings those to the front that can be run together with the first, in their order.
    ///
    /// - Returns: How many they are.
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

    /// - Returns: false where nothing was answered.
    private func runAsOne(_ members: UnsafeMutableBufferPointer<Member>) -> Bool {
        withUnsafeTemporaryAllocation(of: UnsafeBufferPointer<TensorView>.self, capacity: members.count) { requests in
            for (index, member) in members.enumerated() { requests.initializeElement(at: index, to: member.feeds) }
            let start = MonotonicClock.nanoseconds
            var runEnd = start
            var last = start
            do throws(OpError) {
                // One client that goes away does not end the others' run.
                let limits = RunLimits(deadline: deadline(of: members))
                let isRun = try members[0].callable.runBatch(
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

    /// When nobody waits for the batch any more; nil where somebody waits for ever.
    private func deadline(of members: UnsafeMutableBufferPointer<Member>) -> Deadline? {
        var latest: Deadline?
        for member in members {
            guard let deadline = member.task.deadline else { return nil }
            latest = max(latest ?? deadline, deadline)
        }
        return latest
    }

    /// Runs and answers a task by itself.
    ///
    /// - Parameters:
    ///   - task: The task.
    ///   - deferred: Gets it if it has to wait for memory, and may.
    func runAlone(_ task: any InferenceTask, deferred: inout [Deferred]) {
        guard let callable = task.callable else { return }
        let start = MonotonicClock.nanoseconds
        var runEnd = start
        var rows = 0
        var failure: OpError?
        task.withFeeds { feeds in
            do throws(OpError) {
                // Who came first runs first, unless it needs little.
                if let waits, waits.isAny {
                    try waits.requireTurn(task, neededBytes: callable.neededBytes(for: feeds))
                }
                try callable.run(feeds, limits: task.limits, helpers: helpers) { outputs in
                    runEnd = MonotonicClock.nanoseconds
                    rows = callable.rowCount(of: feeds)
                    task.deliver(outputs)
                }
            } catch {
                runEnd = MonotonicClock.nanoseconds
                failure = error
            }
        }
        // Out of that call: who fails looks at the feeds again.
        if let failure {
            if waits != nil, let neededBytes = failure.neededBytes {
                deferred.append(Deferred(task: task, neededBytes: neededBytes))
                return
            }
            task.fail(ModelError(failure))
        }
        let end = MonotonicClock.nanoseconds
        task.times.run = runEnd &- start
        task.times.write = end &- runEnd
        task.times.rows = rows
        task.times.runRows = rows
        task.times.leadsRun = rows > 0
        note(task, end &- start)
        queue.statistics.recordExecution(ofRequests: 1)
    }

    /// Notes what a task has cost.
    private func note(_ task: any InferenceTask, _ nanoseconds: UInt64) {
        queue.cost.note(nanoseconds: task.times.parse &+ nanoseconds, byteCount: task.byteCount)
    }
}
