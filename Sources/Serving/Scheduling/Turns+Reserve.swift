internal import Threads

/// When one task more may be run than there are slots.
///
/// Where all slots have been held by the same tasks for a while, a task of a model of which none is run does not wait for them: it is run
/// by a thread that is kept in reserve. So one model's long runs do not hold up the others, and there is never more than one run too many.
// Used under the monitor's mutex alone.
struct Reserve {
    /// How long all slots are held by the same before the reserve is used; `.max` for no reserve.
    let delayNanoseconds: UInt64
    /// When it is looked whether the reserve is needed; `.max` for not at all.
    var nextLook = UInt64.max
    /// How often a slot had been given back when the present delay began.
    var given = 0
    /// Whether all slots are held by the same since then.
    var isNeeded = false

    init(delayNanoseconds: UInt64) { self.delayNanoseconds = delayNanoseconds }

    /// Sees to it that somebody looks, where tasks wait and all slots are held.
    ///
    /// - Returns: Whether the reserve must be woken for it.
    mutating func isWanted(given: Int) -> Bool {
        guard nextLook == .max, delayNanoseconds != .max else { return false }
        begin(given: given, at: MonotonicClock.nanoseconds)
        return true
    }

    /// The same when a task has just come; where the reserve is needed already, it is for the task.
    mutating func isWanted(for queue: ModelQueue, given: Int) -> Bool {
        if isNeeded, self.given == given, queue.running == 0 {
            nextLook = 0
            return true
        }
        return isWanted(given: given)
    }

    /// From now on slots have to be held for the whole delay.
    mutating func begin(given: Int, at now: UInt64) {
        self.given = given
        isNeeded = false
        nextLook = now &+ delayNanoseconds
    }
}

/// The work of the thread in reserve.
extension Turns {
    /// Waits for a task that may be run without a slot.
    ///
    /// - Returns: nil when the scheduler ends: then the executors run what waits.
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
                // There may be more when it is done.
                reserve.nextLook = now
                return found
            }
            reserve.nextLook = now &+ reserve.delayNanoseconds
        }
        return nil
    }

    /// Takes a task of the first model in turn of which none is run.
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
