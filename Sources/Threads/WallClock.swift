internal import Glibc

/// The time of day. It jumps when the clock is set. Use it to show the time, never to wait.
package enum WallClock {
    /// The seconds since 1970, to the microsecond.
    package static var seconds: Double {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec / 1000) / 1e6
    }
}
