internal import Glibc

/// When a run has to end, by the system's monotonic clock.
package struct Deadline: Sendable, Comparable {
    private let nanoseconds: UInt64

    /// A time from now.
    ///
    /// - Parameter seconds: How long; what is longer than a century is a century.
    package init(after seconds: Double) {
        let capped = min(max(seconds, 0), 3_155_760_000)
        nanoseconds = Self.now + UInt64(capped * 1e9)
    }

    package static func < (one: Deadline, other: Deadline) -> Bool { one.nanoseconds < other.nanoseconds }

    /// Whether the time is over.
    package var isPast: Bool { Self.now >= nanoseconds }

    private static var now: UInt64 {
        var time = timespec()
        // A clock that every Linux has; an error would leave zero, and no deadline would ever be past.
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
