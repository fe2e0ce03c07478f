internal import Synchronization

/// Divides requests among versions in fixed proportions, the same in every hundred.
package final class VersionSplit: Sendable {
    /// Counts requests; stays when the versions change.
    final class Turn: Sendable {
        fileprivate let number = Atomic<Int>(0)
    }

    private static let turnCount = 100

    /// A part of the requests.
    package struct Share: Sendable {
        /// The version that gets them.
        package let version: ModelVersion
        package let percent: Int
        /// The label that they are for; nil for what is left.
        package let label: LabelStatistics?

        package init(_ version: ModelVersion, percent: Int, label: LabelStatistics? = nil) {
            self.version = version
            self.percent = percent
            self.label = label
        }
    }

    /// All parts that get requests.
    package let shares: [Share]
    /// The shares of the next hundred requests, by their indices.
    private let order: [Int]
    private let turn: Turn

    /// - Parameters:
    ///   - shares: Versions and their percents; 100 altogether, or less where a version is not loaded.
    ///   - rest: Who gets what is left.
    ///   - turn: Counts the requests.
    init(_ shares: [Share], rest: ModelVersion, turn: Turn) {
        let left = max(0, Self.turnCount - shares.reduce(0) { $0 + $1.percent })
        let all = shares + [Share(rest, percent: left)]
        var credits = all.map { _ in 0 }
        // Each gains its percent a turn; who has the most is next and pays a hundred: so the turns of each are spread evenly.
        order = (0..<Self.turnCount).map { _ in
            for index in all.indices { credits[index] += all[index].percent }
            let next = credits.indices.max { credits[$0] < credits[$1] } ?? 0
            credits[next] -= Self.turnCount
            return next
        }
        self.shares = all
        self.turn = turn
    }

    /// The share that the next request is of.
    func next() -> Share {
        let number = UInt(bitPattern: turn.number.wrappingAdd(1, ordering: .relaxed).oldValue)
        return shares[order[Int(number % UInt(Self.turnCount))]]
    }
}
