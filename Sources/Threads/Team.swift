internal import CProcessors
internal import Synchronization

/// Helper threads. Each runs one piece of work at a time. A helper sleeps when it has not been called for a few hundredths of a
/// millisecond.
///
/// Calling helpers takes no lock. A thread is started when it is first needed.
package final class Team: Sendable {
    /// The maximum number of helpers.
    package let size: Int
    private let helpers: [Helper]
    private let startedCount = Atomic<Int>(0)
    private let threads = Locked<[SystemThread]>([])

    /// - Parameter size: The maximum number of helpers.
    package init(size: Int) {
        self.size = max(0, size)
        helpers = (0..<max(0, size)).map { _ in Helper() }
    }

    /// Ends the threads. No helper is in use any more.
    deinit {
        for helper in helpers { helper.stop() }
        for thread in threads.withLock({ $0 }) { thread.join() }
    }

    /// Runs `body` on this thread, and at the same time on the threads of free helpers. Returns when all that have begun have ended.
    ///
    /// A helper that has not begun by the time this thread ends does not begin.
    ///
    /// - Parameters:
    ///   - count: The maximum number of helpers.
    ///   - body: Gets 0 on this thread, and other numbers up to `count` on the others.
    /// - Returns: The number of helpers that ran the body.
    package func run(helpers count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Int {
        let count = min(count, size)
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: max(1, count)) { taken in
            let takenCount = take(count, taken)
            let processor = Int(cprocessors_current())
            for (place, index) in taken[..<takenCount].enumerated() {
                helpers[index].begin(body, as: place + 1, awayFrom: processor)
            }
            body(0)
            var begun = 0
            for index in taken[..<takenCount] where helpers[index].end() { begun += 1 }
            return begun
        }
    }

    /// Takes free helpers. Starts threads if there are too few.
    private func take(_ count: Int, _ taken: UnsafeMutableBufferPointer<Int>) -> Int {
        var found = 0
        while true {
            let started = startedCount.load(ordering: .acquiring)
            for index in 0..<started where found < count && helpers[index].take() {
                taken[found] = index
                found += 1
            }
            guard found < count, started < size, start(after: started) else { return found }
        }
    }

    /// - Returns: false if no thread can be started.
    private func start(after known: Int) -> Bool {
        threads.withLock { threads in
            // Another thread may have started one meanwhile.
            guard threads.count == known else { return true }
            let helper = helpers[known]
            guard let thread = try? SystemThread({ helper.work() }) else { return false }
            threads.append(thread)
            startedCount.store(threads.count, ordering: .releasing)
            return true
        }
    }
}

/// One helper.
// Safety: `body`, `number` and `avoided` are written by who has taken the helper, before `state` says that there is work, and read by the helper after
// that; they are written again only after the helper has ended.
private final class Helper: @unchecked Sendable {
    /// The states, in the order in which they come.
    private static let free = 0
    /// It is taken, but there is no work yet.
    private static let taken = 1
    /// There is work that has not begun.
    private static let called = 2
    private static let working = 3
    /// Working, and the caller waits for the end.
    private static let awaited = 4
    private static let done = 5
    private static let stopped = 6

    private let state = Atomic<Int>(free)
    /// The thread sleeps, or is about to. Who sets it to false is the one that wakes the thread, or the thread itself if it sees the call first.
    private let sleeps = Atomic<Bool>(false)
    /// The thread, and where it ran last; -1 if it has not run since it was moved.
    private let thread = Atomic<Int>(0)
    private let processor = Atomic<Int>(-1)
    /// The processor that the thread was moved away from last. Belongs to who has taken the helper.
    private var avoided = -1
    private var body: (@Sendable (Int) -> Void)?
    private var number = 0
    private let calls = Permits()
    private let ends = Permits()

    private func change(_ old: Int, to new: Int) -> Bool {
        state.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
    }

    /// - Returns: Whether it was free.
    func take() -> Bool { state.load(ordering: .relaxed) == Self.free && change(Self.free, to: Self.taken) }

    /// Gives work to the helper, which is taken.
    ///
    /// The system wakes a thread where it ran last, and leaves it there for seconds though another processor is free. So a helper that
    /// ran on its caller's processor is moved.
    func begin(_ body: @escaping @Sendable (Int) -> Void, as number: Int, awayFrom processor: Int) {
        self.body = body
        self.number = number
        leave(processor)
        call(Self.called)
    }

    private func leave(_ processor: Int) {
        let last = self.processor.load(ordering: .relaxed)
        let thread = thread.load(ordering: .relaxed)
        guard thread != 0, last == processor || last < 0 && avoided != processor else { return }
        cprocessors_move_away(Int32(thread), Int32(processor))
        avoided = processor
        self.processor.store(-1, ordering: .relaxed)
    }

    /// Sets the state, and wakes the thread if it sleeps. A thread that polls is not woken: that would take longer than many phases.
    private func call(_ new: Int) {
        state.store(new, ordering: .sequentiallyConsistent)
        if sleeps.exchange(false, ordering: .sequentiallyConsistent) { calls.signal() }
    }

    /// Waits until the helper has ended. A helper that has not begun does not begin any more. It is free afterwards.
    ///
    /// - Returns: Whether it had begun.
    func end() -> Bool {
        let hasBegun = !change(Self.called, to: Self.taken)
        if hasBegun { waitForEnd() }
        body = nil
        state.store(Self.free, ordering: .releasing)
        return hasBegun
    }

    private func waitForEnd() {
        if poll(until: { $0 == Self.done }) { return }
        if change(Self.working, to: Self.awaited) { ends.wait() }
    }

    /// Polls for a while: the phases of a run follow each other closely, and waking a thread takes longer.
    ///
    /// - Returns: false if the state has not come.
    @inline(__always)
    private func poll(until isThere: (Int) -> Bool) -> Bool {
        for _ in 0..<64 where isThere(state.load(ordering: .acquiring)) { return true }
        let end = MonotonicClock.nanoseconds &+ Self.pollNanoseconds
        repeat {
            for _ in 0..<64 where isThere(state.load(ordering: .acquiring)) { return true }
        } while MonotonicClock.nanoseconds < end
        return false
    }

    private static let pollNanoseconds: UInt64 = 50_000

    /// Sleeps until somebody calls. Also returns when the call is over already.
    private func sleep() {
        sleeps.store(true, ordering: .sequentiallyConsistent)
        let state = state.load(ordering: .sequentiallyConsistent)
        let isCalled = state == Self.called || state == Self.stopped
        if isCalled, sleeps.exchange(false, ordering: .sequentiallyConsistent) { return }
        calls.wait()
    }

    /// The work of the thread.
    func work() {
        thread.store(Int(cprocessors_thread()), ordering: .relaxed)
        while true {
            if !poll(until: { $0 == Self.called || $0 == Self.stopped }) { sleep() }
            processor.store(Int(cprocessors_current()), ordering: .relaxed)
            if change(Self.called, to: Self.working) {
                runBody()
                if state.exchange(Self.done, ordering: .acquiringAndReleasing) == Self.awaited { ends.signal() }
            } else if state.load(ordering: .relaxed) == Self.stopped {
                return
            }
        }
    }

    /// A separate function, so that no reference to the body is kept when the caller may continue.
    @inline(never)
    private func runBody() { body?(number) }

    /// Ends the thread.
    func stop() { call(Self.stopped) }
}
