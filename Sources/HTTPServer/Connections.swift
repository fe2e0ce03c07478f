internal import Threads

/// The open connections of a worker, for checks by other threads. The worker does not wait for them.
final class Connections: Sendable {
    /// Connections that were opened since the last check.
    private let new = Locked<[Connection]>([])
    /// The connections to check, and the position of the current round of checks.
    private let known = Locked<Round>(Round())

    private struct Round {
        var connections: [Connection] = []
        var next = 0
    }

    /// The number of connections that are checked at a time.
    private static let sliceCount = 500
    /// The maximum number of connections that are closed at once to make room.
    private static let roomCount = 32
    /// How long a connection may wait for a request.
    private let idleSeconds: Int

    /// - Parameter idleSeconds: How long a connection may wait for a request.
    init(idleSeconds: Int) { self.idleSeconds = idleSeconds }

    /// Adds a connection. It is removed some time after it was closed.
    func add(_ connection: Connection) { new.withLock { $0.append(connection) } }

    /// Whether any client has sent bytes that have not been read yet.
    func haveUnreadBytes() -> Bool { all().contains { $0.hasUnreadBytes() } }

    /// Checks deferred exchanges: tells those whose clients have disconnected, and sends the responses of late ones.
    func lookAtDeferred() {
        let now = Pace.nowNanoseconds
        for connection in all() {
            connection.tellIfGone()
            connection.respondIfLate(at: now)
        }
    }

    /// Tells deferred exchanges that the server waits no longer.
    func abandon() { for connection in all() { connection.abandon() } }

    /// Sends the responses of all requests that are still being worked on, and shuts their connections down.
    func cutOff() {
        let response = Refusal.closing.whole
        for connection in all() { connection.cutOff(response) }
    }

    /// Shuts all connections down.
    func shut() { for connection in all() { connection.shut() } }

    /// Shuts the connections down that have been idle longest, to make room for others. Several are closed at once, because clients often
    /// arrive together, but none that was used in the last second.
    func cutIdlest() {
        let waiting = all().compactMap { connection in connection.idleDeadline.map { (connection, $0) } }
        let newest = Pace.now + idleSeconds - 1
        for (connection, deadline) in waiting.sorted(by: { $0.1 < $1.1 }).prefix(Self.roomCount) where deadline < newest
        {
            connection.shut()
        }
    }

    /// Shuts connections down whose deadline has passed or whose clients have disconnected. Checks a few hundred; the next call continues
    /// with the following ones.
    ///
    /// - Returns: Whether the round is complete.
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
