internal import Synchronization

/// The source of helpers for runs: processors that are not in use, and threads for them.
package protocol HelperSource: AnyObject, Sendable {
    /// The threads.
    var team: Team { get }

    /// Takes processors that are neither used nor waited for. Does not block.
    ///
    /// - Parameter count: The maximum number.
    /// - Returns: The number taken. Give each back with ``giveBack(_:)``.
    func borrow(upTo count: Int) -> Int

    /// Returns processors.
    func giveBack(_ count: Int)

    /// Whether a task waits for a processor. A helper then stops early.
    var isWanted: Bool { get }
}

/// The processors other than the calling thread's, for programs without a scheduler.
package final class SpareProcessors: HelperSource {
    package let team: Team
    private let spare: Atomic<Int>

    /// - Parameter processors: The number of threads that may compute at once, including the calling thread.
    package init(processors: Int) {
        let others = max(0, processors - 1)
        team = Team(size: others)
        spare = Atomic(others)
    }

    package func borrow(upTo count: Int) -> Int {
        var available = spare.load(ordering: .relaxed)
        while available > 0, count > 0 {
            let taken = min(available, count)
            let (exchanged, original) = spare.compareExchange(
                expected: available, desired: available - taken, ordering: .relaxed)
            if exchanged { return taken }
            available = original
        }
        return 0
    }

    package func giveBack(_ count: Int) { spare.add(count, ordering: .relaxed) }

    package var isWanted: Bool { false }

    /// The number of processors that are not borrowed.
    package var spareCount: Int { spare.load(ordering: .relaxed) }
}
