internal import Glibc
internal import Synchronization

/// Counts readers that are about to take a reference to an object that other threads may replace or remove. Entering and leaving take no
/// lock.
///
/// Each reader enters and leaves one of two turns. After replacing an object, a writer directs new readers to the other turn, and waits until
/// both turns are empty. No reader can then still be about to take a reference to the old object.
///
/// Readers are counted in stripes. A reader leaves in the thread that entered, so each stripe is empty in the end.
struct Readers: ~Copyable, Sendable {
    private let turn = Atomic<Int>(0)
    /// The numbers of readers in the even and in the odd turn.
    private let numbers = StripedNumbers(2)

    /// Counts a reader in.
    ///
    /// - Returns: The reader's turn, for ``leave(_:)``.
    @inline(__always)
    func enter() -> Int {
        let parity = turn.load(ordering: .relaxed) & 1
        numbers.ofThread[parity].add(1, ordering: .sequentiallyConsistent)
        return parity
    }

    /// Counts a reader out, in the thread that it was counted in.
    @inline(__always)
    func leave(_ parity: Int) { numbers.ofThread[parity].subtract(1, ordering: .releasing) }

    /// Waits a few nanoseconds, until all earlier readers have left. Two threads must not call this at once.
    func waitForAll() {
        // A reader that chooses a turn just before the turn changes is counted late. Both turns are therefore awaited twice.
        for _ in 0..<2 {
            let (_, new) = turn.add(1, ordering: .sequentiallyConsistent)
            let parity = (new & 1) ^ 1
            for stripe in 0..<numbers.count {
                while numbers[stripe][parity].load(ordering: .sequentiallyConsistent) != 0 { sched_yield() }
            }
        }
    }
}
