internal import Glibc

/// A thread of the server's own.
struct Thread: Sendable {
    private let handle: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread that runs `body`.
    ///
    /// - Throws: ``HTTPServerError`` if there are no threads left.
    init(_ body: @escaping @Sendable () -> Void) throws(HTTPServerError) {
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
            throw HTTPServerError(.system, "a thread cannot be made: \(String(cString: strerror(status)))")
        }
        handle = thread
    }

    /// Waits for its end; to be called once.
    func join() { pthread_join(handle, nil) }
}
