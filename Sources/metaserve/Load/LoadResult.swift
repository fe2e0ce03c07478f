/// What became of the requests of a load.
struct LoadResult: Sendable {
    /// The latencies of responses with a status of 200 to 299.
    var latencies = LogHistogram()
    /// The latencies of all other responses.
    var otherLatencies = LogHistogram()
    /// The number of responses by status, from 0 to 999.
    var statuses = [Int](repeating: 0, count: 1000)
    /// The responses of 200 to 299 that came before the end of the load.
    var responsesInTime = 0
    /// The requests whose connection ended before their response.
    var broken = 0
    /// The responses that were not HTTP/1.1.
    var malformed = 0
    /// The requests without a connection, and the failed attempts to open one.
    var failedConnections = 0
    /// The requests without a response when the generator stopped waiting.
    var unanswered = 0
    /// The requests that were due, but not sent, because no connection was free until the end.
    var unsent = 0
    /// The requests that were sent a millisecond or more after they were due.
    var late = 0
    /// The bytes that were received.
    var receivedBytes = 0

    /// The requests that were not answered with a status of 200 to 299.
    var errorCount: Int { otherLatencies.count + broken + malformed + failedConnections + unanswered + unsent }

    /// Adds the result of another thread.
    mutating func add(_ other: LoadResult) {
        latencies.add(other.latencies)
        otherLatencies.add(other.otherLatencies)
        for (status, count) in other.statuses.enumerated() { statuses[status] += count }
        responsesInTime += other.responsesInTime
        broken += other.broken
        malformed += other.malformed
        failedConnections += other.failedConnections
        unanswered += other.unanswered
        unsent += other.unsent
        late += other.late
        receivedBytes += other.receivedBytes
    }

    /// The errors in words, with their numbers.
    var errors: [(name: String, count: Int)] {
        let byStatus = statuses.enumerated().filter { $0.element > 0 && !(200..<300).contains($0.offset) }
        return byStatus.map { ("status \($0.offset)", $0.element) }
            + [
                ("connection closed before the response", broken), ("not HTTP/1.1", malformed),
                ("no response", unanswered), ("not sent, no connection was free", unsent),
                ("no connection", failedConnections),
            ].filter { $0.1 > 0 }
    }
}
