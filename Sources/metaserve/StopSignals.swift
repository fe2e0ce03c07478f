import Glibc
import LockFree
import Synchronization

/// SIGINT and SIGTERM, waited for by a thread rather than handled: so nothing needs to be safe inside of a signal handler.
///
/// Until ``beginServing()`` the first one ends the process; afterwards the first one wakes who ``wait()``s, and the second ends the
/// process.
final class StopSignals: Sendable {
    /// What the waiting thread and the others share.
    private final class State: Sendable {
        let isServing = Atomic<Bool>(false)
        /// The signal that came; 0 before.
        let received = Atomic<Int32>(0)
        let permits = Permits()
    }

    private let state = State()

    /// Blocks the signals for this thread and those that it makes from now on, and waits for them on another.
    ///
    /// - Parameter early: Called with a signal's name before it ends a process that does not serve yet.
    /// - Throws: `SystemThread.Failure` if there are no threads left.
    init(early: @escaping @Sendable (String) -> Void) throws {
        var set = Self.set
        pthread_sigmask(SIG_BLOCK, &set, nil)
        _ = try SystemThread { [state] in
            let first = Self.next()
            guard state.isServing.load(ordering: .sequentiallyConsistent) else {
                early(Self.name(first))
                // Nobody's request is lost; what is being loaded need not be tidied up.
                _exit(0)
            }
            state.received.store(first, ordering: .sequentiallyConsistent)
            state.permits.signal()
            _exit(128 + Self.next())
        }
    }

    /// From now on there are requests, which a signal must not cut off.
    func beginServing() { state.isServing.store(true, ordering: .sequentiallyConsistent) }

    /// Waits for the first signal.
    ///
    /// - Returns: Its name.
    func wait() -> String {
        state.permits.wait()
        return Self.name(state.received.load(ordering: .sequentiallyConsistent))
    }

    private static func name(_ number: Int32) -> String { number == SIGINT ? "SIGINT" : "SIGTERM" }

    /// Waits for a signal in the calling thread.
    private static func next() -> Int32 {
        var set = set
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return number
    }

    private static var set: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        return set
    }
}
