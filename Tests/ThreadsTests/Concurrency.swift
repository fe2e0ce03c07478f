import Glibc
import Synchronization
import Testing
import Threads

/// Runs a body on several threads of the operating system at once, and waits for their ends.
///
/// No thread begins before all of them are there.
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

/// Where several threads wait for each other, again and again.
final class MeetingPoint: Sendable {
    private let arrivals = Tally()
    private let count: Int

    /// - Parameter count: How many threads meet.
    init(_ count: Int) { self.count = count }

    /// Waits until all threads have come as often as this one.
    ///
    /// - Parameter round: How often this thread was here before.
    func wait(_ round: Int) {
        arrivals.add(1)
        var looks = 0
        while arrivals.value < (round + 1) * count {
            // Without giving the processor away at first, so that all go on at the same moment.
            looks += 1
            if looks > 1000 { sched_yield() }
        }
    }
}

/// A number that several threads change.
final class Tally: Sendable {
    private let number: Atomic<Int>

    /// - Parameter number: The first value.
    init(_ number: Int = 0) { self.number = Atomic(number) }

    var value: Int { number.load(ordering: .sequentiallyConsistent) }

    func add(_ amount: Int) { number.add(amount, ordering: .sequentiallyConsistent) }

    func set(_ value: Int) { number.store(value, ordering: .sequentiallyConsistent) }
}

/// An object whose end is noticed: it is counted while it lives, and its content is erased when it ends.
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

    /// False if the object ended: its reference was taken too late.
    var isAlive: Bool { seal.load(ordering: .relaxed) == ~number }
}
