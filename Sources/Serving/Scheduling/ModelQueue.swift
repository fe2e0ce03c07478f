internal import Synchronization

/// The tasks that wait for a model, in the order in which they came.
///
/// A queue is used with one ``Scheduler`` only.
// Safety: `tasks` and the two fields after it are used only under the mutex of the scheduler's `Turns`; all else is immutable or
// atomic.
package final class ModelQueue: @unchecked Sendable {
    /// The limits of the queue and of batches.
    package struct Limits: Hashable, Sendable {
        /// The most tasks that wait; further ones are refused.
        package var waiting = 256
        /// The most tasks that are run as one.
        package var batch = 32
        /// How many nanoseconds a task waits for others to be run with, while there are fewer than ``batch``.
        package var batchDelayNanoseconds: UInt64 = 0

        package init() {}
    }

    private let waitingLimit: Atomic<Int>
    private let batchLimit: Atomic<Int>
    private let batchDelay: Atomic<UInt64>
    /// Where executions are recorded.
    package let statistics: ModelStatistics
    let cost = RunCost()
    private let waitingCount = Atomic<Int>(0)
    private let runningCount = Atomic<Int>(0)

    var tasks: TaskRing
    /// The queue that gets its turn after this one, of those in which tasks wait.
    var next: ModelQueue?
    /// Whether it waits for its turn.
    var isInTurn = false

    package init(_ limits: Limits = Limits(), statistics: ModelStatistics = ModelStatistics()) {
        waitingLimit = Atomic(max(1, limits.waiting))
        batchLimit = Atomic(limits.batch)
        batchDelay = Atomic(limits.batchDelayNanoseconds)
        self.statistics = statistics
        tasks = TaskRing(capacity: max(1, limits.waiting))
    }

    /// The limits of the queue and of batches. They may be set at any time. Tasks that already wait stay.
    package var limits: Limits {
        get {
            var limits = Limits()
            limits.waiting = maxWaiting
            limits.batch = maxBatch
            limits.batchDelayNanoseconds = batchDelayNanoseconds
            return limits
        }
        set {
            waitingLimit.store(max(1, newValue.waiting), ordering: .relaxed)
            batchLimit.store(newValue.batch, ordering: .relaxed)
            batchDelay.store(newValue.batchDelayNanoseconds, ordering: .relaxed)
        }
    }

    /// See ``Limits/waiting``.
    var maxWaiting: Int { waitingLimit.load(ordering: .relaxed) }
    /// See ``Limits/batch``.
    var maxBatch: Int { batchLimit.load(ordering: .relaxed) }
    /// See ``Limits/batchDelayNanoseconds``.
    var batchDelayNanoseconds: UInt64 { batchDelay.load(ordering: .relaxed) }
    /// Whether there is no room for another task.
    var isFull: Bool { tasks.count >= maxWaiting }

    /// How many tasks wait.
    package var waiting: Int { waitingCount.load(ordering: .relaxed) }
    /// How many tasks are being read, run and answered.
    package var running: Int { runningCount.load(ordering: .relaxed) }

    func addWaiting(_ change: Int) { waitingCount.add(change, ordering: .relaxed) }
    func addRunning(_ change: Int) { runningCount.add(change, ordering: .relaxed) }
}

/// The recent cost of a model's requests. It rises at once and falls slowly, so that it reflects the longer ones if they differ.
///
/// Several threads may note at once; a note may get lost.
struct RunCost: ~Copyable, Sendable {
    private let nanosecondsNow = Atomic<UInt64>(unknown)
    private let bytesNow = Atomic<Int>(0)
    private static let unknown = UInt64.max

    /// Nanoseconds from the beginning of the parse to the end of the writing; the largest number where nothing is known.
    var nanoseconds: UInt64 { nanosecondsNow.load(ordering: .relaxed) }

    /// Whether a request of that size may be expected to cost no more than those before.
    func covers(byteCount: Int) -> Bool { byteCount <= 2 * bytesNow.load(ordering: .relaxed) &+ 1024 }

    /// Takes in what a request has cost.
    func note(nanoseconds: UInt64, byteCount: Int) {
        let old = nanosecondsNow.load(ordering: .relaxed)
        let new: UInt64 =
            if old == Self.unknown { nanoseconds } else if nanoseconds > old { old + (nanoseconds - old + 1) / 2 } else
            {
                old - (old - nanoseconds + 15) / 16
            }
        if new != old { nanosecondsNow.store(new, ordering: .relaxed) }
        let oldBytes = bytesNow.load(ordering: .relaxed)
        let newBytes = oldBytes + (byteCount - oldBytes) / 16
        if newBytes != oldBytes { bytesNow.store(byteCount > oldBytes ? byteCount : newBytes, ordering: .relaxed) }
    }
}

/// Tasks in their order, in memory that is taken once, unless more is needed than was expected.
struct TaskRing {
    private var slots: [(any InferenceTask)?]
    private var first = 0
    private(set) var count = 0

    init(capacity: Int) { slots = Array(repeating: nil, count: capacity) }

    /// The oldest.
    var oldest: (any InferenceTask)? { count > 0 ? slots[first] : nil }

    /// Adds the newest.
    mutating func append(_ task: any InferenceTask) {
        if count == slots.count { grow() }
        slots[index(count)] = task
        count += 1
    }

    private mutating func grow() {
        slots = (0..<count).map { slots[index($0)] } + Array(repeating: nil, count: max(16, count))
        first = 0
    }

    /// Takes the oldest.
    mutating func popFirst() -> (any InferenceTask)? {
        guard count > 0 else { return nil }
        let task = slots[first]
        slots[first] = nil
        first = index(1)
        count -= 1
        return task
    }

    /// Takes all that `shouldBeRemoved` says so of; the others keep their order.
    mutating func removeAll(
        into removed: inout [any InferenceTask], where shouldBeRemoved: (any InferenceTask) -> Bool
    ) {
        var kept = 0
        for position in 0..<count {
            guard let task = slots[index(position)] else { continue }
            slots[index(position)] = nil
            if shouldBeRemoved(task) {
                removed.append(task)
            } else {
                slots[index(kept)] = task
                kept += 1
            }
        }
        count = kept
    }

    func forEach(_ body: (any InferenceTask) -> Void) {
        for position in 0..<count { if let task = slots[index(position)] { body(task) } }
    }

    private func index(_ position: Int) -> Int {
        let index = first + position
        return index < slots.count ? index : index - slots.count
    }
}
