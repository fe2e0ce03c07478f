internal import Threads

/// An exchange for a caller that waits for the response, without a connection.
public final class WaitingExchange: HTTPExchange, @unchecked Sendable {
    // Safety: the semaphore is made for use by many threads.
    private let semaphore = Permits()

    /// Lets the waiting caller continue.
    public override func finish() { semaphore.signal() }

    /// Waits for ``finish()``.
    public func wait() { semaphore.wait() }
}
