internal import Execution
internal import Glibc
internal import Threads

/// A mutex with condition variables.
///
/// It uses pthread's, because the thread sanitizer understands them.
// Safety: the memory is allocated and initialised for as long as self lives, and made for use by many threads.
final class Monitor: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let conditions: UnsafeMutablePointer<pthread_cond_t>
    private let conditionCount: Int

    /// - Parameter count: The number of conditions.
    init(conditions count: Int) {
        pthread_mutex_init(mutex, nil)
        conditions = .allocate(capacity: count)
        conditionCount = count
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        for index in 0..<count { pthread_cond_init(conditions + index, &attributes) }
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        for index in 0..<conditionCount { pthread_cond_destroy(conditions + index) }
        conditions.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }

    func unlock() { pthread_mutex_unlock(mutex) }

    /// Wakes one thread that waits for a condition.
    func signal(_ condition: Int) { pthread_cond_signal(conditions + condition) }

    /// Wakes all threads that wait for a condition.
    func broadcast(_ condition: Int) { pthread_cond_broadcast(conditions + condition) }

    /// Waits for a condition, and releases the mutex meanwhile. May return early.
    ///
    /// - Parameters:
    ///   - condition: The condition.
    ///   - end: The latest time, by ``MonotonicClock``; `.max` for none.
    func wait(_ condition: Int, until end: UInt64 = .max) {
        guard end != .max else {
            pthread_cond_wait(conditions + condition, mutex)
            return
        }
        var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        pthread_cond_timedwait(conditions + condition, mutex, &time)
    }
}
