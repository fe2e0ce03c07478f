internal import Glibc

/// The minimum speed of a client. libmicrohttpd closes idle connections. These deadlines, in seconds of ``now``, also close connections
/// that transfer a byte now and then.
struct Pace {
    private let idleTimeoutSeconds: Int

    /// The minimum speed of bodies and of the reading of responses, after a grace period.
    private static let slowestBytesPerSecond = 1024

    /// The time after its deadline when the server responds to a request that is still running. Runs that check the time end earlier.
    static let lateNanoseconds = 100_000_000

    init(idleTimeoutSeconds: Int) { self.idleTimeoutSeconds = idleTimeoutSeconds }

    /// The monotonic clock.
    static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return time.tv_sec
    }

    /// The same clock in nanoseconds.
    static var nowNanoseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// The time by which the next request's headers must be complete.
    func deadlineOfHeaders() -> Int { Self.now + headerSeconds }

    /// The time limit for a request's headers.
    var headerSeconds: Int { 2 * idleTimeoutSeconds }

    /// The time by which more of a body must arrive.
    func deadline(ofBody receivedBytes: Int, since startSeconds: Int) -> Int {
        startSeconds + idleTimeoutSeconds + receivedBytes / Self.slowestBytesPerSecond
    }

    /// The time by which a response of that size must have been read.
    func deadline(ofResponse bytes: Int) -> Int { Self.now + idleTimeoutSeconds + bytes / Self.slowestBytesPerSecond }
}
