internal import Execution
internal import Synchronization
internal import Threads

/// The order in which tasks run: a ring of queues with waiting tasks, and the number of tasks that may run at once.
///
/// A slot is the right to compute. The holder of a slot keeps a processor busy. Executors and threads that run a task themselves share the
/// slots, whose number is the thread budget.
// Safety: all variables are used under the monitor's mutex alone.
final class Turns: @unchecked Sendable {
    let slotCount: Int
    let memoryWaits: MemoryWaits?
    /// The number of taken slots in the lower half; in the upper half, the number of times that a slot was returned. One number, because threads
    /// wait for each other to change it.
    private let slots = Atomic<UInt64>(0)
    private static let returned: UInt64 = 1 << 32
    /// The number of tasks in all queues.
    private let waitingCount = Atomic<Int>(0)
    /// The threads for the helpers of runs. Each needs a slot.
    let team: Team
    let monitor = Monitor(conditions: 3)
    private static let work = 0
    private static let timer = 1
    static let reserved = 2

    private(set) var first: ModelQueue?
    private var last: ModelQueue?
    var reserve: Reserve
    /// The number of executors that wait for work.
    private var idleCount = 0
    private(set) var isStopping = false
    /// The time of the timer's next check; `.max` for none.
    private var nextLook = UInt64.max
    /// The time of the last search for stale tasks in a full queue.
    private var lastClearing: UInt64 = 0

    /// The minimum interval between searches for expired tasks, in nanoseconds.
    private static let pause: UInt64 = 2_000_000
    /// The minimum interval between searches of a full queue for stale tasks. Under overload, each refusal would cause one.
    private static let clearingPause: UInt64 = 20_000_000

    /// - Parameters:
    ///   - slotCount: The number of slots.
    ///   - reserveNanoseconds: The time for which all slots must be held before the reserve is used; see ``Reserve``.
    ///   - memoryWaits: The tasks that wait for memory; nil for none.
    init(slotCount: Int, reserveNanoseconds: UInt64 = .max, memoryWaits: MemoryWaits? = nil) {
        self.slotCount = slotCount
        self.memoryWaits = memoryWaits
        // The run that is helped has one slot itself.
        team = Team(size: slotCount - 1)
        reserve = Reserve(delayNanoseconds: reserveNanoseconds)
    }

    /// Whether a task waits, and all slots are held.
    var isFull: Bool { waiting > 0 && takenSlots >= slotCount }

    /// The number of taken slots.
    private var takenSlots: Int { Self.taken(slots.load(ordering: .sequentiallyConsistent)) }

    private static func taken(_ slots: UInt64) -> Int { Int(slots & (returned - 1)) }

    /// The number of times that a slot was returned. If it is unchanged and all slots are held, the same tasks hold them.
    var given: Int { Int(slots.load(ordering: .relaxed) / Self.returned) }

    /// The number of waiting tasks.
    var waiting: Int { waitingCount.load(ordering: .relaxed) }

    /// Takes a slot, if no task waits for one. Return it with ``giveSlot()``.
    func takeSpareSlot() -> Bool { waitingCount.load(ordering: .relaxed) == 0 && takeSlot() }

    private func takeSlot() -> Bool {
        // Pairs with giveSlot(): a thread that finds no slot has already added its task, and a thread that returns one checks for tasks afterwards.
        var old = slots.load(ordering: .sequentiallyConsistent)
        while Self.taken(old) < slotCount {
            let (exchanged, original) = slots.compareExchange(
                expected: old, desired: old + 1, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            old = original
        }
        return false
    }

    /// Returns a slot, and wakes an executor if a task waits.
    func giveSlot() {
        // Wraps around after four billion runs. Only equality matters.
        slots.wrappingAdd(Self.returned - 1, ordering: .sequentiallyConsistent)
        guard waitingCount.load(ordering: .sequentiallyConsistent) > 0 else { return }
        monitor.lock()
        let isWanted = idleCount > 0
        monitor.unlock()
        if isWanted { monitor.signal(Self.work) }
    }

    /// Adds a task to a queue.
    ///
    /// - Parameters:
    ///   - task: The task.
    ///   - queue: The queue.
    ///   - stale: Receives stale tasks that were removed to make room.
    /// - Returns: false if there is no room. The task was not touched.
    func add(_ task: any InferenceTask, to queue: ModelQueue, stale: inout [any InferenceTask]) -> Bool {
        monitor.lock()
        if queue.isFull, task.startNanoseconds > lastClearing &+ Self.clearingPause {
            lastClearing = task.startNanoseconds
            clear(queue, lastClearing, &stale)
        }
        guard !isStopping, !queue.isFull else {
            monitor.unlock()
            return false
        }
        queue.tasks.append(task)
        queue.addWaiting(1)
        waitingCount.add(1, ordering: .sequentiallyConsistent)
        if !queue.isInTurn { append(queue) }
        // If the queue waits for more tasks, its first task has woken an executor, which keeps the time.
        let isWanted =
            idleCount > 0 && takenSlots < slotCount
            && (queue.batchDelayNanoseconds == 0 || queue.tasks.count == 1
                || queue.tasks.count >= queue.maxBatch)
        let isEarlier = task.deadline.map { $0.nanoseconds < nextLook } ?? false
        if isEarlier, let deadline = task.deadline { nextLook = deadline.nanoseconds }
        let isReserveWanted = isFull && reserve.isWanted(for: queue, given: given)
        monitor.unlock()
        if isWanted { monitor.signal(Self.work) }
        if isReserveWanted { monitor.signal(Self.reserved) }
        if isEarlier { monitor.signal(Self.timer) }
        return true
    }

    private func append(_ queue: ModelQueue) {
        queue.isInTurn = true
        queue.next = nil
        if let last { last.next = queue } else { first = queue }
        last = queue
    }

    /// Takes the oldest task of a queue at any place in the ring.
    func pop(_ queue: ModelQueue, after previous: ModelQueue?) -> (any InferenceTask)? {
        guard let previous else { return pop(queue) }
        previous.next = queue.next
        if last === queue { last = previous }
        queue.next = nil
        queue.isInTurn = false
        return popped(from: queue)
    }

    private func removeFirst() {
        guard let queue = first else { return }
        first = queue.next
        if first == nil { last = nil }
        queue.next = nil
        queue.isInTurn = false
    }
}

/// Slots for the helpers of runs.
extension Turns: HelperSource {
    package func borrow(upTo count: Int) -> Int {
        var taken = 0
        while taken < min(count, team.size), takeSpareSlot() { taken += 1 }
        return taken
    }

    package func giveBack(_ count: Int) { for _ in 0..<count { giveSlot() } }

    /// Whether a task waits for a slot.
    package var isWanted: Bool { waiting > 0 }
}

/// The operations of executors.
extension Turns {
    /// Waits for a task and a slot, and takes both.
    ///
    /// - Returns: nil when the scheduler ends and no work is left.
    func next() -> (task: any InferenceTask, queue: ModelQueue)? {
        monitor.lock()
        while true {
            var earliest = UInt64.max
            if waitingCount.load(ordering: .relaxed) > 0, let queue = ready(&earliest), takeSlot() {
                if let task = pop(queue) {
                    // The executor that was woken for the next task may have found no slot, or none may have been woken.
                    let isWanted =
                        waitingCount.load(ordering: .relaxed) > 0 && idleCount > 0
                        && takenSlots < slotCount
                    let isReserveWanted = isFull && reserve.isWanted(given: given)
                    monitor.unlock()
                    if isWanted { monitor.signal(Self.work) }
                    if isReserveWanted { monitor.signal(Self.reserved) }
                    return (task, queue)
                }
                slots.wrappingSubtract(1, ordering: .sequentiallyConsistent)
                continue
            }
            if isFull, reserve.isWanted(given: given) { monitor.signal(Self.reserved) }
            if isStopping, waitingCount.load(ordering: .relaxed) == 0 {
                monitor.unlock()
                return nil
            }
            idleCount += 1
            monitor.wait(Self.work, until: earliest)
            idleCount -= 1
        }
    }

    /// The first queue that is ready to run. It is moved to the front.
    ///
    /// - Parameter earliest: Receives the time when a queue will be ready, if none is now.
    /// - Returns: nil if there is none.
    private func ready(_ earliest: inout UInt64) -> ModelQueue? {
        var now: UInt64 = 0
        var end: ModelQueue?
        while let queue = first, queue !== end {
            guard let oldest = queue.tasks.oldest else {
                removeFirst()
                continue
            }
            let delay = queue.batchDelayNanoseconds
            if delay == 0 || queue.tasks.count >= queue.maxBatch || isStopping { return queue }
            if now == 0 { now = MonotonicClock.nanoseconds }
            let time = oldest.startNanoseconds &+ delay
            if now >= time { return queue }
            earliest = min(earliest, time)
            if end == nil { end = queue }
            removeFirst()
            append(queue)
        }
        return nil
    }

    /// Takes the first queue's oldest task, and moves the queue to the end of the ring.
    private func pop(_ queue: ModelQueue) -> (any InferenceTask)? {
        removeFirst()
        return popped(from: queue)
    }

    private func popped(from queue: ModelQueue) -> (any InferenceTask)? {
        guard let task = queue.tasks.popFirst() else { return nil }
        countOut(1, of: queue)
        if queue.tasks.count > 0 { append(queue) }
        return task
    }

    private func countOut(_ count: Int, of queue: ModelQueue) {
        queue.addWaiting(-count)
        waitingCount.subtract(count, ordering: .relaxed)
    }

    /// Takes more tasks of a queue for a batch, as far as no other executor is free for them.
    func takeMore(from queue: ModelQueue, limit: Int, into tasks: inout [any InferenceTask]) {
        monitor.lock()
        let free = min(idleCount, slotCount - takenSlots)
        let left = queue.batchDelayNanoseconds == 0 ? max(0, free) : 0
        let count = max(0, min(limit, queue.tasks.count - left))
        for _ in 0..<count {
            guard let task = queue.tasks.popFirst() else { break }
            tasks.append(task)
        }
        countOut(count, of: queue)
        monitor.unlock()
    }

    /// Ends waiting executors when no work is left. No task may be added afterwards.
    func stop() {
        monitor.lock()
        isStopping = true
        monitor.unlock()
        monitor.broadcast(Self.work)
        monitor.broadcast(Self.timer)
        monitor.broadcast(Self.reserved)
    }
}

/// Tasks that are no longer worth running.
extension Turns {
    /// Waits until a task's deadline passes, and takes all stale tasks.
    ///
    /// - Returns: false after ``stop()``.
    func nextStale(into stale: inout [any InferenceTask]) -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        while !isStopping {
            let now = MonotonicClock.nanoseconds
            guard now >= nextLook else {
                monitor.wait(Self.timer, until: nextLook)
                continue
            }
            var earliest = UInt64.max
            var queue = first
            while let current = queue {
                clear(current, now, &stale)
                current.tasks.forEach { task in
                    if let deadline = task.deadline { earliest = min(earliest, deadline.nanoseconds) }
                }
                queue = current.next
            }
            nextLook = earliest == .max ? .max : max(earliest, now + Self.pause)
            if !stale.isEmpty { return true }
        }
        return false
    }

    private func clear(_ queue: ModelQueue, _ now: UInt64, _ stale: inout [any InferenceTask]) {
        let before = queue.tasks.count
        queue.tasks.removeAll(into: &stale) { $0.isStale(at: now) }
        countOut(before - queue.tasks.count, of: queue)
    }
}
