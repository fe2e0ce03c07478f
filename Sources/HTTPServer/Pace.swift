internal import Glibc

/// How fast a client must be. libmicrohttpd cuts a connection on which nothing moves; one that moves a byte now and then is
/// cut by these deadlines, in seconds of ``now``.
struct Pace {
    private let idleTimeoutSeconds: Int

    /// Bodies must come, and responses be taken, at least this fast, after a grace.
    private static let slowestBytesPerSecond = 1024

    /// How long after its time a request that is still computed is answered by the server: runs that look at the time end before.
    static let lateNanoseconds = 100_000_000

    init(idleTimeoutSeconds: Int) { self.idleTimeoutSeconds = idleTimeoutSeconds }

    /// The clock that never jumps.
    static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return time.tv_sec
    }

    /// The same clock, exactly.
    static var nowNanoseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// When the next request's headers must be complete.
    func deadlineOfHeaders() -> Int { Self.now + headerSeconds }

    /// How long a request's headers may take.
    var headerSeconds: Int { 2 * idleTimeoutSeconds }

    /// When more of a body must have come.
    func deadline(ofBody receivedBytes: Int, since startSeconds: Int) -> Int {
        startSeconds + idleTimeoutSeconds + receivedBytes / Self.slowestBytesPerSecond
    }

    /// When a response of that size must have been taken.
    func deadline(ofResponse bytes: Int) -> Int { Self.now + idleTimeoutSeconds + bytes / Self.slowestBytesPerSecond }
}
