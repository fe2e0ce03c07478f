internal import Execution
internal import Operations

/// Runs tasks that wait together: as few times as their models allow.
package enum BatchRun {
    /// Runs, and answers, tasks that are prepared; those that fit together as one.
    ///
    /// A batch that fails is run again task by task, so that a bad one fails alone. Tasks without a callable are left alone.
    package static func run(_ tasks: [any InferenceTask]) {
        guard tasks.count > 1 else {
            for task in tasks { runAlone(task) }
            return
        }
        withUnsafeTemporaryAllocation(of: Member.self, capacity: tasks.count) { memory in
            var count = 0
            for task in tasks {
                guard let member = Member(task) else {
                    runAlone(task)
                    continue
                }
                memory.initializeElement(at: count, to: member)
                count += 1
            }
            var members = UnsafeMutableBufferPointer(rebasing: memory[..<count])
            while !members.isEmpty {
                let size = gather(members)
                run(UnsafeMutableBufferPointer(rebasing: members[..<size]))
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
    private static func gather(_ members: UnsafeMutableBufferPointer<Member>) -> Int {
        var size = 1
        var rows = members[0].rows
        for index in members.indices.dropFirst() {
            guard rows + members[index].rows <= Callable.mostBatchRows, members[index].isJoinable(with: members[0])
            else {
                continue
            }
            rows += members[index].rows
            members.swapAt(size, index)
            size += 1
        }
        return size
    }

    private static func run(_ members: UnsafeMutableBufferPointer<Member>) {
        if members.count > 1, runAsOne(members) { return }
        for member in members { runAlone(member.task) }
    }

    /// - Returns: false where nothing was answered.
    private static func runAsOne(_ members: UnsafeMutableBufferPointer<Member>) -> Bool {
        withUnsafeTemporaryAllocation(of: UnsafeBufferPointer<TensorView>.self, capacity: members.count) { requests in
            for (index, member) in members.enumerated() { requests.initializeElement(at: index, to: member.feeds) }
            do throws(CompileError) {
                return try members[0].callable.runBatch(UnsafeBufferPointer(requests), deadline: deadline(of: members))
                {
                    members[$0].task.times.batchSize = members.count
                    members[$0].task.deliver($1)
                }
            } catch {
                return false
            }
        }
    }

    /// When nobody waits for the batch any more; nil where somebody waits for ever.
    private static func deadline(of members: UnsafeMutableBufferPointer<Member>) -> Deadline? {
        var latest: Deadline?
        for member in members {
            guard let deadline = member.task.deadline else { return nil }
            latest = max(latest ?? deadline, deadline)
        }
        return latest
    }

    private static func runAlone(_ task: any InferenceTask) {
        guard let callable = task.callable else { return }
        task.withFeeds { feeds in
            do throws(CompileError) {
                try callable.run(feeds, deadline: task.deadline) { task.deliver($0) }
            } catch { task.fail(ModelError(error)) }
        }
    }
}
