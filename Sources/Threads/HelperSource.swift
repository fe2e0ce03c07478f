internal import Synchronization

/// Where a run gets helpers from: processors that are not in use, and threads to use them.
package protocol HelperSource: AnyObject, Sendable {
    /// The threads.
    var team: Team { get }

    /// Takes processors that nobody uses or waits for. Never waits itself.
    ///
    /// - Parameter count: How many at most.
    /// - Returns: How many were taken; each is to be given back by ``giveBack(_:)``.
    func borrow(upTo count: Int) -> Int

    /// Gives processors back.
    func giveBack(_ count: Int)

    /// Whether somebody waits for a processor: then a helper stops before it is done.
    var isWanted: Bool { get }
}

/// The processors besides that of the calling thread, where there is no scheduler.
package final class SpareProcessors: HelperSource {
    package let team: Team
    private let spare: Atomic<Int>

    /// - Parameter processors: How many threads may compute at once, the calling one among them.
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

    /// How many nobody has borrowed.
    package var spareCount: Int { spare.load(ordering: .relaxed) }
}
