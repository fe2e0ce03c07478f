internal import Threads

/// An exchange whose maker waits for the response: for who asks without a connection.
public final class WaitingExchange: HTTPExchange, @unchecked Sendable {
    // Safety: the semaphore is made for use by many threads.
    private let semaphore = Permits()

    /// Lets the one who waits go on.
    public override func finish() { semaphore.signal() }

    /// Waits for ``finish()``.
    public func wait() { semaphore.wait() }
}
