import Glibc
import Synchronization
import Threads

// Safety: written once, before the handler is there; afterwards only read.
/// The descriptor to which the handler writes signals.
nonisolated(unsafe) private var signalDescriptor: Int32 = -1

/// Handles SIGINT, SIGTERM and SIGHUP. The handler only writes to a pipe, which a thread reads. Any thread may receive the signal, also a
/// library's thread that was started before `main`.
///
/// Until ``beginServing()``, the first SIGINT or SIGTERM ends the process. Afterwards, the first one wakes ``wait()``, and the next one ends
/// the process, unless it arrives within ``togetherNanoseconds``, because process managers signal a process and its group. SIGHUP never
/// ends the process. It rings ``hangUps``. Other signals that would end the process without draining are ignored.
final class StopSignals: Sendable {
    /// The state that the reading thread shares with the others.
    private final class State: Sendable {
        let isServing = Atomic<Bool>(false)
        /// The received signal; 0 if there was none.
        let received = Atomic<Int32>(0)
        let permits = Permits()
        let hangUps: Alarm

        init() throws(SystemThread.Failure) { hangUps = try Alarm() }
    }

    /// A signal, and the time of its arrival by the monotonic clock. It is small enough for an atomic write to a pipe.
    private struct Arrival {
        var nanoseconds: UInt64 = 0
        var number: Int32 = 0

        /// Takes the time. Async-signal-safe.
        init(now number: Int32) {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            nanoseconds = UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
            self.number = number
        }

        /// Waits for a signal in the calling thread.
        init(from source: Int32) {
            let size = MemoryLayout<Arrival>.size
            while withUnsafeMutableBytes(of: &self, { Glibc.read(source, $0.baseAddress, size) }) != size {}
        }

        func write(to descriptor: Int32) {
            withUnsafeBytes(of: self) { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    /// The reason why signals cannot be handled.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// A signal within this time after the first counts as the same signal.
    private static let togetherNanoseconds: UInt64 = 100_000_000

    private let state: State

    /// Rings at a SIGHUP, including one that arrived before any thread waited.
    var hangUps: Alarm { state.hangUps }

    /// Handles the signals from now on.
    ///
    /// - Parameter early: Called with the name of a signal that ends the process before it serves.
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
                // No request is lost, and loads need no cleanup.
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

    /// From now on, a signal must not cut off requests.
    func beginServing() { state.isServing.store(true, ordering: .sequentiallyConsistent) }

    /// Waits for the first signal.
    ///
    /// - Returns: Its name.
    func wait() -> String {
        state.permits.wait()
        return Self.name(state.received.load(ordering: .sequentiallyConsistent))
    }

    private static func name(_ number: Int32) -> String { number == SIGINT ? "SIGINT" : "SIGTERM" }

    /// Ignored signals, which would otherwise end the process: timers, quotas of files and disks, power, and signals with other meanings in other
    /// programs.
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
        // The parent process may have blocked them.
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
