internal import Synchronization
internal import Threads

/// The tasks that wait for a model, in order of arrival.
///
/// Each queue belongs to one ``Scheduler``.
// Safety: `tasks` and the two fields after it are used only under the mutex of the scheduler's `Turns`; all else is immutable or
// atomic.
package final class ModelQueue: @unchecked Sendable {
    /// The limits of the queue and of batches.
    package struct Limits: Hashable, Sendable {
        /// The maximum number of waiting tasks. Further ones are refused.
        package var waiting = 256
        /// The maximum number of tasks in a batch.
        package var batch = 32
        /// The time in nanoseconds that a task waits for a larger batch, while there are fewer than ``batch`` tasks.
        package var batchDelayNanoseconds: UInt64 = 0

        package init() {}
    }

    private let waitingLimit: Atomic<Int>
    private let batchLimit: Atomic<Int>
    private let batchDelay: Atomic<UInt64>
    /// The statistics of executions.
    package let statistics: ModelStatistics
    let cost = RunCost()
    private let waitingCount = Atomic<Int>(0)
    private let runningCount = Counters(1)

    var tasks: TaskRing
    /// The next queue in turn with waiting tasks.
    var next: ModelQueue?
    /// Whether the queue waits for its turn.
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
    /// Whether the queue is full.
    var isFull: Bool { tasks.count >= maxWaiting }

    /// The number of waiting tasks.
    package var waiting: Int { waitingCount.load(ordering: .relaxed) }
    /// The number of tasks that are being read, run or answered. While others begin and end, it may miss some for a moment.
    package var running: Int { max(0, runningCount[0]) }

    func addWaiting(_ change: Int) { waitingCount.add(change, ordering: .relaxed) }
    func addRunning(_ change: Int) { runningCount.add(change, at: 0) }
}

/// The recent cost of a model's requests. It rises immediately and falls slowly, so that it reflects longer requests if they differ.
///
/// Several threads may record at once. A record may be lost. Small changes are not recorded, so that threads seldom write.
struct RunCost: ~Copyable, Sendable {
    private let nanosecondsNow = Atomic<UInt64>(unknown)
    private let bytesNow = Atomic<Int>(0)
    private static let unknown = UInt64.max
    /// A cost that differs by less than one part in this number is the same.
    private static let tolerance: UInt64 = 8

    /// The time in nanoseconds from the start of parsing to the end of writing; the largest number if unknown.
    var nanoseconds: UInt64 { nanosecondsNow.load(ordering: .relaxed) }

    /// Whether a request of that size is expected to cost no more than earlier ones.
    func covers(byteCount: Int) -> Bool { byteCount <= 2 * bytesNow.load(ordering: .relaxed) &+ 1024 }

    /// Records the cost of a request.
    func note(nanoseconds: UInt64, byteCount: Int) {
        let old = nanosecondsNow.load(ordering: .relaxed)
        let new: UInt64 =
            if old == Self.unknown { nanoseconds } else if nanoseconds > old { old + (nanoseconds - old + 1) / 2 } else
            {
                old - (old - nanoseconds + 15) / 16
            }
        let isNear = old != Self.unknown && max(nanoseconds, old) - min(nanoseconds, old) <= old / Self.tolerance
        if !isNear { nanosecondsNow.store(new, ordering: .relaxed) }
        let oldBytes = bytesNow.load(ordering: .relaxed)
        let newBytes = oldBytes + (byteCount - oldBytes) / 16
        if newBytes != oldBytes { bytesNow.store(byteCount > oldBytes ? byteCount : newBytes, ordering: .relaxed) }
    }
}

/// Tasks in order, in a ring buffer that is allocated once unless it must grow.
struct TaskRing {
    private var slots: [(any InferenceTask)?]
    private var first = 0
    private(set) var count = 0

    init(capacity: Int) { slots = Array(repeating: nil, count: capacity) }

    /// The oldest task.
    var oldest: (any InferenceTask)? { count > 0 ? slots[first] : nil }

    /// Adds a task.
    mutating func append(_ task: any InferenceTask) {
        if count == slots.count { grow() }
        slots[index(count)] = task
        count += 1
    }

    private mutating func grow() {
        slots = (0..<count).map { slots[index($0)] } + Array(repeating: nil, count: max(16, count))
        first = 0
    }

    /// Takes the oldest task.
    mutating func popFirst() -> (any InferenceTask)? {
        guard count > 0 else { return nil }
        let task = slots[first]
        slots[first] = nil
        first = index(1)
        count -= 1
        return task
    }

    /// Takes all tasks for which `shouldBeRemoved` returns true. The others keep their order.
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
