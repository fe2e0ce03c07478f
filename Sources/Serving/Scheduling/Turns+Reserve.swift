internal import Threads

/// The rule for running one more task than there are slots.
///
/// If the same tasks have held all slots for a while, a reserve thread runs a task of a model with no running task. Long runs of one model
/// therefore do not delay the others, and there is at most one run too many.
// Used under the monitor's mutex alone.
struct Reserve {
    /// The time for which the same tasks must hold all slots before the reserve is used; `.max` for no reserve.
    let delayNanoseconds: UInt64
    /// The time of the next check whether the reserve is needed; `.max` for none.
    var nextLook = UInt64.max
    /// The number of returned slots at the start of the current delay.
    var given = 0
    /// Whether the same tasks have held all slots since then.
    var isNeeded = false

    init(delayNanoseconds: UInt64) { self.delayNanoseconds = delayNanoseconds }

    /// Schedules a check if tasks wait and all slots are held.
    ///
    /// - Returns: Whether the reserve thread must be woken for it.
    mutating func isWanted(given: Int) -> Bool {
        guard nextLook == .max, delayNanoseconds != .max else { return false }
        begin(given: given, at: MonotonicClock.nanoseconds)
        return true
    }

    /// Schedules a check after a task has arrived. If the reserve is needed already, it may run the task.
    mutating func isWanted(for queue: ModelQueue, given: Int) -> Bool {
        if isNeeded, self.given == given, queue.running == 0 {
            nextLook = 0
            return true
        }
        return isWanted(given: given)
    }

    /// Starts a new delay.
    mutating func begin(given: Int, at now: UInt64) {
        self.given = given
        isNeeded = false
        nextLook = now &+ delayNanoseconds
    }
}

/// The work of the thread in reserve.
extension Turns {
    /// Waits for a task that may run without a slot.
    ///
    /// - Returns: nil when the scheduler ends. The executors then run the waiting tasks.
    func nextInReserve() -> (task: any InferenceTask, queue: ModelQueue)? {
        monitor.lock()
        defer { monitor.unlock() }
        while !isStopping {
            let now = MonotonicClock.nanoseconds
            guard now >= reserve.nextLook else {
                monitor.wait(Self.reserved, until: reserve.nextLook)
                continue
            }
            guard waiting > 0 else {
                reserve.nextLook = .max
                continue
            }
            guard isFull, given == reserve.given else {
                reserve.begin(given: given, at: now)
                continue
            }
            reserve.isNeeded = true
            if let found = popUnserved(at: now) {
                // There may be more tasks afterwards.
                reserve.nextLook = now
                return found
            }
            reserve.nextLook = now &+ reserve.delayNanoseconds
        }
        return nil
    }

    /// Takes a task of the first model in turn with no running task.
    private func popUnserved(at now: UInt64) -> (task: any InferenceTask, queue: ModelQueue)? {
        var previous: ModelQueue?
        var next = first
        while let queue = next {
            if queue.running == 0, let oldest = queue.tasks.oldest,
                queue.batchDelayNanoseconds == 0 || now >= oldest.startNanoseconds &+ queue.batchDelayNanoseconds,
                let task = pop(queue, after: previous)
            {
                return (task, queue)
            }
            previous = queue
            next = queue.next
        }
        return nil
    }
}
