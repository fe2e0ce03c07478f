internal import Synchronization

/// Divides requests among versions in fixed proportions, the same in every hundred.
package final class VersionSplit: Sendable {
    /// Counts requests; stays when the versions change.
    final class Turn: Sendable {
        fileprivate let number = Atomic<Int>(0)
    }

    private static let turnCount = 100

    /// The versions of the next hundred requests.
    private let versions: [ModelVersion]
    private let turn: Turn

    /// - Parameters:
    ///   - shares: Versions and their percents; 100 altogether, or less where a version is not loaded.
    ///   - rest: Who gets what is left.
    ///   - turn: Counts the requests.
    init(_ shares: [(version: ModelVersion, percent: Int)], rest: ModelVersion, turn: Turn) {
        let left = max(0, Self.turnCount - shares.reduce(0) { $0 + $1.percent })
        let all = shares + [(rest, left)]
        var credits = all.map { _ in 0 }
        // Each gains its percent a turn; who has the most is next and pays a hundred: so the turns of each are spread evenly.
        versions = (0..<Self.turnCount).map { _ in
            for index in all.indices { credits[index] += all[index].percent }
            let next = credits.indices.max { credits[$0] < credits[$1] } ?? 0
            credits[next] -= Self.turnCount
            return all[next].version
        }
        self.turn = turn
    }

    /// The version of the next request.
    func next() -> ModelVersion {
        let number = UInt(bitPattern: turn.number.wrappingAdd(1, ordering: .relaxed).oldValue)
        return versions[Int(number % UInt(Self.turnCount))]
    }
}
