internal import Glibc

/// A thread of the operating system, for work that must not wait in a pool or a queue.
package struct SystemThread: Sendable {
    private let handle: pthread_t

    /// The operating system's error number, after it could not make a thread or a pipe.
    package struct Failure: Error {
        package let code: Int32

        /// The meaning of the number.
        package var reason: String { String(cString: strerror(code)) }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread.
    ///
    /// - Parameter body: The work of the thread. The thread ends with it.
    /// - Throws: ``Failure`` if there are no threads left.
    package init(_ body: @escaping @Sendable () -> Void) throws(Failure) {
        var thread = pthread_t()
        // Safety: the reference passed here is taken in the thread's first line; if no thread starts, it is released below.
        let retained = Unmanaged.passRetained(Body(body))
        let status = pthread_create(
            &thread, nil,
            { argument in
                argument.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() }
                return nil
            }, retained.toOpaque())
        guard status == 0 else {
            retained.release()
            throw Failure(code: status)
        }
        handle = thread
    }

    /// Waits for the thread to end. Call either this or ``detach()`` once, otherwise the thread's stack is never freed.
    package func join() { pthread_join(handle, nil) }

    /// Detaches the thread. Its stack is freed when it ends.
    package func detach() { pthread_detach(handle) }
}

/// A semaphore.
package final class Permits: Sendable {
    // Safety: allocated and initialised for as long as self lives, and made for use by many threads.
    nonisolated(unsafe) private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// A semaphore without permits.
    package init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Adds a permit.
    package func signal() { sem_post(semaphore) }

    /// Waits for a permit and takes it.
    package func wait() { while sem_wait(semaphore) != 0, errno == EINTR {} }
}
