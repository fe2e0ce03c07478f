internal import Synchronization

/// Divides requests among versions in fixed proportions, the same in every hundred.
package final class VersionSplit: Sendable {
    /// A counter of requests, which stays when the versions change.
    final class Turn: Sendable {
        fileprivate let number = Atomic<Int>(0)
    }

    private static let turnCount = 100

    /// A share of the requests.
    package struct Share: Sendable {
        /// The version of the share.
        package let version: ModelVersion
        package let percent: Int
        /// The label of the share; nil for the rest.
        package let label: LabelStatistics?

        package init(_ version: ModelVersion, percent: Int, label: LabelStatistics? = nil) {
            self.version = version
            self.percent = percent
            self.label = label
        }
    }

    /// All shares with requests.
    package let shares: [Share]
    /// The shares of the next hundred requests, by their indices.
    private let order: [Int]
    private let turn: Turn

    /// - Parameters:
    ///   - shares: Versions and their percentages: 100 in all, or less if a version is not loaded.
    ///   - rest: The version for the rest.
    ///   - turn: The counter of requests.
    init(_ shares: [Share], rest: ModelVersion, turn: Turn) {
        let left = max(0, Self.turnCount - shares.reduce(0) { $0 + $1.percent })
        let all = shares + [Share(rest, percent: left)]
        var credits = all.map { _ in 0 }
        // Each share gains its percentage per turn. The share with the most is next, and pays a hundred, so that the turns are spread evenly.
        order = (0..<Self.turnCount).map { _ in
            for index in all.indices { credits[index] += all[index].percent }
            let next = credits.indices.max { credits[$0] < credits[$1] } ?? 0
            credits[next] -= Self.turnCount
            return next
        }
        self.shares = all
        self.turn = turn
    }

    /// The share of the next request.
    func next() -> Share {
        let number = UInt(bitPattern: turn.number.wrappingAdd(1, ordering: .relaxed).oldValue)
        return shares[order[Int(number % UInt(Self.turnCount))]]
    }
}
