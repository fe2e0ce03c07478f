import Glibc
import Synchronization
import Testing
import Threads

/// Runs a body on several threads of the operating system at once, and waits for their ends.
///
/// No thread begins before all of them have been started.
func concurrently(_ count: Int, _ body: @escaping @Sendable (_ thread: Int) -> Void) throws {
    let arrived = Tally()
    let threads = try (0..<count).map { index in
        try SystemThread {
            arrived.add(1)
            while arrived.value < count { sched_yield() }
            body(index)
        }
    }
    for thread in threads { thread.join() }
}

/// A barrier for several threads, which can be used repeatedly.
final class MeetingPoint: Sendable {
    private let arrivals = Tally()
    private let count: Int

    /// - Parameter count: The number of threads.
    init(_ count: Int) { self.count = count }

    /// Waits until all threads have arrived as often as this one.
    ///
    /// - Parameter round: The number of earlier arrivals of this thread.
    func wait(_ round: Int) {
        arrivals.add(1)
        var looks = 0
        while arrivals.value < (round + 1) * count {
            // Spins at first instead of yielding, so that all threads continue at the same time.
            looks += 1
            if looks > 1000 { sched_yield() }
        }
    }
}

/// A number that several threads change.
final class Tally: Sendable {
    private let number: Atomic<Int>

    /// - Parameter number: The initial value.
    init(_ number: Int = 0) { self.number = Atomic(number) }

    var value: Int { number.load(ordering: .sequentiallyConsistent) }

    func add(_ amount: Int) { number.add(amount, ordering: .sequentiallyConsistent) }

    func set(_ value: Int) { number.store(value, ordering: .sequentiallyConsistent) }
}

/// An object that is counted while it exists, and whose content is erased when it ends.
final class Tracked: Sendable {
    let number: Int
    private let seal: Atomic<Int>
    private let living: Tally

    init(_ number: Int, countedBy living: Tally) {
        self.number = number
        seal = Atomic(~number)
        self.living = living
        living.add(1)
    }

    deinit {
        seal.store(0, ordering: .relaxed)
        living.add(-1)
    }

    /// False if the object has ended, because the reference was taken too late.
    var isAlive: Bool { seal.load(ordering: .relaxed) == ~number }
}
