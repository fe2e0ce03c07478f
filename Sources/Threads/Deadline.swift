/// When a run has to end, by ``MonotonicClock``.
package struct Deadline: Hashable, Comparable, Sendable {
    /// The time.
    package let nanoseconds: UInt64

    /// A time from now, or from another time.
    ///
    /// - Parameters:
    ///   - seconds: How long; what is longer than a century is a century.
    ///   - start: From when.
    package init(after seconds: Double, from start: UInt64 = MonotonicClock.nanoseconds) {
        let capped = min(max(seconds, 0), 3_155_760_000)
        nanoseconds = start &+ UInt64(capped * 1e9)
    }

    package static func < (one: Deadline, other: Deadline) -> Bool { one.nanoseconds < other.nanoseconds }

    /// Whether the time is over.
    package var isPast: Bool { isPast(at: MonotonicClock.nanoseconds) }

    /// Whether the time is over at another time.
    package func isPast(at now: UInt64) -> Bool { now >= nanoseconds }
}
