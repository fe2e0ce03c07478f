internal import Glibc

/// A turn that one thread at a time holds. Others wait for it until their limits end the wait.
// Safety: `isTaken` is used under `mutex` alone; the memory is allocated and initialised for as long as self lives, and made for use by
// many threads.
package final class ExclusiveTurn: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isTaken = false

    /// The interval in nanoseconds at which a waiting thread checks its limits: it is not notified that a client has disconnected.
    private static let lookNanoseconds: UInt64 = 5_000_000

    /// Makes a turn that no thread holds.
    package init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Waits for the turn, and takes it.
    ///
    /// - Returns: false if the limits were reached first.
    package func take(within limits: RunLimits) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while isTaken {
            if limits.isReached { return false }
            if limits.isNone {
                pthread_cond_wait(condition, mutex)
            } else {
                let end = MonotonicClock.nanoseconds &+ Self.lookNanoseconds
                var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
                pthread_cond_timedwait(condition, mutex, &time)
            }
        }
        isTaken = true
        return true
    }

    /// Gives the turn back. Only its holder may call this.
    package func give() {
        pthread_mutex_lock(mutex)
        isTaken = false
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }
}
