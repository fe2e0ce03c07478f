internal import Glibc

/// The system's clock that nobody sets. Its zero is some time in the past.
package enum MonotonicClock {
    /// Now, in nanoseconds.
    package static var nanoseconds: UInt64 { read(CLOCK_MONOTONIC) }

    /// Now or some milliseconds ago, in nanoseconds: as of the kernel's last tick, which costs less to read.
    package static var coarseNanoseconds: UInt64 { read(CLOCK_MONOTONIC_COARSE) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        // Clocks that every Linux has; an error would leave zero, and no deadline would ever be past.
        clock_gettime(clock, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: time.tv_nsec)
    }
}
