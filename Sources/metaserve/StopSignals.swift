import Glibc
import Synchronization
import Threads

// Safety: written once, before the handler is there; afterwards only read.
/// Where the handler writes what came.
nonisolated(unsafe) private var signalDescriptor: Int32 = -1

/// SIGINT, SIGTERM and SIGHUP. The handler only writes to a pipe, which a thread reads: whichever thread gets the signal, also one of a
/// library that was there before `main`.
///
/// Until ``beginServing()`` the first SIGINT or SIGTERM ends the process. Afterwards the first one wakes who ``wait()``s, and the next
/// one ends the process, unless it comes within ``togetherNanoseconds``: process managers signal a process and its group. SIGHUP never
/// ends the process: it rings ``hangUps``. Other signals that would end it without draining are ignored.
final class StopSignals: Sendable {
    /// The state that the reading thread shares with the others.
    private final class State: Sendable {
        let isServing = Atomic<Bool>(false)
        /// The signal that came; 0 before.
        let received = Atomic<Int32>(0)
        let permits = Permits()
        let hangUps: Alarm

        init() throws(SystemThread.Failure) { hangUps = try Alarm() }
    }

    /// A signal, and when it came by the monotonic clock. Small enough for one write to a pipe to be whole.
    private struct Arrival {
        var nanoseconds: UInt64 = 0
        var number: Int32 = 0

        /// Takes the time. For handlers: calls nothing but what may be called there.
        init(now number: Int32) {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            nanoseconds = UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
            self.number = number
        }

        /// Waits for one in the calling thread.
        init(from source: Int32) {
            let size = MemoryLayout<Arrival>.size
            while withUnsafeMutableBytes(of: &self, { Glibc.read(source, $0.baseAddress, size) }) != size {}
        }

        func write(to descriptor: Int32) {
            withUnsafeBytes(of: self) { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    /// Why signals cannot be handled.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// A signal within this time after the first counts as the same signal.
    private static let togetherNanoseconds: UInt64 = 100_000_000

    private let state: State

    /// Rings at a SIGHUP; also at one that came before anybody waited.
    var hangUps: Alarm { state.hangUps }

    /// Handles the signals from now on.
    ///
    /// - Parameter early: Called with a signal's name before it ends a process that does not serve yet.
    /// - Throws: ``Failure``, `SystemThread.Failure` if there are no files or threads left.
    init(early: @escaping @Sendable (String) -> Void) throws {
        state = try State()
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure(description: "signals: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let source = ends[0]
        signalDescriptor = ends[1]
        try SystemThread { [state] in Self.read(source, state, early) }.detach()
        Self.handle()
    }

    private static func read(_ source: Int32, _ state: State, _ early: (String) -> Void) {
        var first: Arrival?
        while true {
            let arrival = Arrival(from: source)
            guard arrival.number != SIGHUP else {
                state.hangUps.ring()
                continue
            }
            guard state.isServing.load(ordering: .sequentiallyConsistent) else {
                early(name(arrival.number))
                // Nobody's request is lost; what is being loaded need not be tidied up.
                _exit(0)
            }
            if let first {
                guard arrival.nanoseconds &- first.nanoseconds > togetherNanoseconds else { continue }
                _exit(128 + arrival.number)
            }
            first = arrival
            state.received.store(arrival.number, ordering: .sequentiallyConsistent)
            state.permits.signal()
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

    /// Signals that would end the process at once without a meaning for it: timers, quotas of files and disks, power, and numbers that
    /// other programs use for requests.
    private static let ignored = [
        SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXFSZ, SIGXCPU, SIGIO, SIGPWR, SIGSTKFLT,
    ]

    private static func handle() {
        for number in ignored { signal(number, SIG_IGN) }
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            // Safety: captures nothing, and calls only what may be called while a signal is handled.
            signal(number) { number in
                let code = errno
                Arrival(now: number).write(to: signalDescriptor)
                errno = code
            }
            sigaddset(&set, number)
        }
        // Who started this program may have left them blocked.
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
