import Glibc
import Synchronization
import Threads

// Safety: written once, before the handler is there; afterwards only read.
/// Where the handler writes the numbers of signals.
nonisolated(unsafe) private var signalDescriptor: Int32 = -1

/// SIGINT and SIGTERM. The handler only writes to a pipe, which a thread reads: whichever thread gets the signal, also one of a library
/// that was there before `main`.
///
/// Until ``beginServing()`` the first one ends the process; afterwards the first one wakes who ``wait()``s, and the second ends the
/// process.
final class StopSignals: Sendable {
    /// What the reading thread and the others share.
    private final class State: Sendable {
        let isServing = Atomic<Bool>(false)
        /// The signal that came; 0 before.
        let received = Atomic<Int32>(0)
        let permits = Permits()
    }

    /// Why signals cannot be handled.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let state = State()

    /// Handles the signals from now on.
    ///
    /// - Parameter early: Called with a signal's name before it ends a process that does not serve yet.
    /// - Throws: ``Failure``, `SystemThread.Failure` if there are no files or threads left.
    init(early: @escaping @Sendable (String) -> Void) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure(description: "signals: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let source = ends[0]
        signalDescriptor = ends[1]
        try SystemThread { [state] in
            let first = Self.next(source)
            guard state.isServing.load(ordering: .sequentiallyConsistent) else {
                early(Self.name(first))
                // Nobody's request is lost; what is being loaded need not be tidied up.
                _exit(0)
            }
            state.received.store(first, ordering: .sequentiallyConsistent)
            state.permits.signal()
            _exit(128 + Self.next(source))
        }.detach()
        Self.handle()
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

    /// Waits for a signal's number in the calling thread.
    private static func next(_ source: Int32) -> Int32 {
        var number: UInt8 = 0
        while read(source, &number, 1) != 1 {}
        return Int32(number)
    }

    private static func handle() {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM] {
            // Safety: captures nothing, and calls only what may be called while a signal is handled.
            signal(number) { number in
                let code = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(signalDescriptor, &byte, 1)
                errno = code
            }
            sigaddset(&set, number)
        }
        // Who started this program may have left them blocked.
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
