internal import Glibc
internal import Synchronization

/// Counts readers that are about to take a reference to an object that other threads may replace or remove. Entering and leaving take no
/// lock.
///
/// Each reader enters and leaves one of two turns. After replacing an object, a writer directs new readers to the other turn, and waits until
/// both turns are empty. No reader can then still be about to take a reference to the old object.
struct Readers: ~Copyable, Sendable {
    private let turn = Atomic<Int>(0)
    private let readers0 = Atomic<Int>(0)
    private let readers1 = Atomic<Int>(0)

    /// Counts a reader in.
    ///
    /// - Returns: The reader's turn, for ``leave(_:)``.
    @inline(__always)
    func enter() -> Bool {
        let isOdd = turn.load(ordering: .relaxed) & 1 == 1
        if isOdd {
            readers1.add(1, ordering: .sequentiallyConsistent)
        } else {
            readers0.add(1, ordering: .sequentiallyConsistent)
        }
        return isOdd
    }

    /// Counts a reader out.
    @inline(__always)
    func leave(_ isOdd: Bool) {
        if isOdd { readers1.subtract(1, ordering: .releasing) } else { readers0.subtract(1, ordering: .releasing) }
    }

    /// Waits a few nanoseconds, until all earlier readers have left. Two threads must not call this at once.
    func waitForAll() {
        // A reader that chooses a turn just before the turn changes is counted late. Both turns are therefore awaited twice.
        for _ in 0..<2 {
            turn.add(1, ordering: .sequentiallyConsistent)
            while readers0.load(ordering: .sequentiallyConsistent) != 0, turn.load(ordering: .relaxed) & 1 == 1 {
                sched_yield()
            }
            while readers1.load(ordering: .sequentiallyConsistent) != 0, turn.load(ordering: .relaxed) & 1 == 0 {
                sched_yield()
            }
        }
    }
}
