/// The time at which a run has to end, by ``MonotonicClock``.
package struct Deadline: Hashable, Comparable, Sendable {
    /// The time.
    package let nanoseconds: UInt64

    /// Makes a deadline relative to now, or to another time.
    ///
    /// - Parameters:
    ///   - seconds: The duration, limited to a century.
    ///   - start: The start of the duration.
    package init(after seconds: Double, from start: UInt64 = MonotonicClock.nanoseconds) {
        let capped = min(max(seconds, 0), 3_155_760_000)
        nanoseconds = start &+ UInt64(capped * 1e9)
    }

    package static func < (one: Deadline, other: Deadline) -> Bool { one.nanoseconds < other.nanoseconds }

    /// Whether the deadline has passed.
    package var isPast: Bool { isPast(at: MonotonicClock.nanoseconds) }

    /// Whether the deadline has passed at a given time.
    package func isPast(at now: UInt64) -> Bool { now >= nanoseconds }
}
