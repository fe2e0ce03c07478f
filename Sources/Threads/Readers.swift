internal import Glibc
internal import Synchronization

/// Counts those who are about to take a reference to something that others may replace or remove. Coming and going takes no lock.
///
/// Readers count themselves in and out of one of two turns. Who has replaced something lets new readers take the other turn, and waits for
/// those of both to be gone: then nobody can still be about to take a reference to what was there before.
struct Readers: ~Copyable, Sendable {
    private let turn = Atomic<Int>(0)
    private let readers0 = Atomic<Int>(0)
    private let readers1 = Atomic<Int>(0)

    /// Counts a reader in.
    ///
    /// - Returns: His turn, for ``leave(_:)``.
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

    /// Waits until all who were counted in before are gone: some nanoseconds. Not to be called by two threads at once.
    func waitForAll() {
        // A reader that has chosen a turn just before it changes is counted there late: so both turns are waited for, twice.
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
