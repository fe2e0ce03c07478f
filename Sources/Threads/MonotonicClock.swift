internal import Glibc

/// The system's monotonic clock. Its zero is an arbitrary time in the past.
package enum MonotonicClock {
    /// Now, in nanoseconds.
    package static var nanoseconds: UInt64 { read(CLOCK_MONOTONIC) }

    /// The time of the kernel's last tick, in nanoseconds. It is a few milliseconds old at most, and cheaper to read.
    package static var coarseNanoseconds: UInt64 { read(CLOCK_MONOTONIC_COARSE) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        // Every Linux has these clocks. After an error, the time would be zero, and no deadline would ever pass.
        clock_gettime(clock, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: time.tv_nsec)
    }
}
