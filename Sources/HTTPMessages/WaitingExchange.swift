internal import Glibc

/// An exchange whose maker waits for the answer: for who asks without a connection.
public final class WaitingExchange: HTTPExchange, @unchecked Sendable {
    // Safety: the semaphore is allocated and initialised for as long as self lives, and made for use by many threads.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// An exchange without a request.
    public override init() {
        sem_init(semaphore, 0, 0)
        super.init()
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets the one who waits go on.
    public override func finish() { sem_post(semaphore) }

    /// Waits for ``finish()``.
    public func wait() { while sem_wait(semaphore) != 0, errno == EINTR {} }
}
