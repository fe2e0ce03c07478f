internal import Threads

/// The open connections of a worker, for other threads to look at. The worker does not wait for them.
final class Connections: Sendable {
    /// Those that have come since the last look.
    private let new = Locked<[Connection]>([])
    /// Those that are looked at, and how far the present round of looks has come.
    private let known = Locked<Round>(Round())

    private struct Round {
        var connections: [Connection] = []
        var next = 0
    }

    /// How many connections are looked at in one go.
    private static let sliceCount = 500
    /// How many make room at once, at most.
    private static let roomCount = 32
    /// How long a connection may wait for a request.
    private let idleSeconds: Int

    /// - Parameter idleSeconds: How long a connection may wait for a request.
    init(idleSeconds: Int) { self.idleSeconds = idleSeconds }

    /// Adds one; it is forgotten some time after it was closed.
    func add(_ connection: Connection) { new.withLock { $0.append(connection) } }

    /// Whether any client has sent what has not been read yet.
    func haveUnreadBytes() -> Bool { all().contains { $0.hasUnreadBytes() } }

    /// Looks at the exchanges that are deferred: tells those whose clients are gone, and answers for those that are late.
    func lookAtDeferred() {
        let now = Pace.nowNanoseconds
        for connection in all() {
            connection.tellIfGone()
            connection.respondIfLate(at: now)
        }
    }

    /// Tells the exchanges that are deferred that the server waits no longer.
    func abandon() { for connection in all() { connection.abandon() } }

    /// Answers all requests that are still being worked on, and shuts their connections.
    func cutOff() {
        let response = Refusal.closing.whole
        for connection in all() { connection.cutOff(response) }
    }

    /// Shuts all.
    func shut() { for connection in all() { connection.shut() } }

    /// Shuts those that have waited for a request longest, to make room for others: some at once, as others come together, but
    /// none that was of use in the last second.
    func cutIdlest() {
        let waiting = all().compactMap { connection in connection.idleDeadline.map { (connection, $0) } }
        let newest = Pace.now + idleSeconds - 1
        for (connection, deadline) in waiting.sorted(by: { $0.1 < $1.1 }).prefix(Self.roomCount) where deadline < newest
        {
            connection.shut()
        }
    }

    /// Shuts the connections whose deadline has passed and those whose clients are gone, of some hundred; the next call goes on
    /// with those that follow.
    ///
    /// - Returns: Whether the round is at its end.
    func cutSome() -> Bool {
        let (slice, isEnd) = known.withLock { round -> ([Connection], Bool) in
            if round.next == 0 {
                round.connections.removeAll { !$0.isOpen }
                takeNew(&round)
            }
            let slice = round.connections[round.next...].prefix(Self.sliceCount)
            let isEnd = slice.endIndex == round.connections.endIndex
            round.next = isEnd ? 0 : slice.endIndex
            return (Array(slice), isEnd)
        }
        let now = Pace.now
        for connection in slice where connection.isOpen { connection.cut(at: now) }
        return isEnd
    }

    private func all() -> [Connection] {
        known.withLock { round in
            takeNew(&round)
            return round.connections
        }
    }

    private func takeNew(_ round: inout Round) {
        let added = new.withLock { new in
            defer { new = [] }
            return new
        }
        round.connections += added
    }
}
