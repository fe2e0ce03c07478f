internal import Glibc

/// A value that one thread at a time may use.
///
/// Not `Synchronization.Mutex`, because the thread sanitizer does not see that one's work and reports races that are none.
// Safety: `value` is used under `mutex` alone, which is allocated and initialised for as long as self lives.
package final class Locked<Value: Sendable>: @unchecked Sendable {
    private var value: Value
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    /// - Parameter value: The first value.
    package init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Lets nobody else use the value during `body`.
    package func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value)
    }
}
