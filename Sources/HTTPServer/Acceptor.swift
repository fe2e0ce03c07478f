internal import Glibc
internal import LockFree
internal import Synchronization

/// The thread that accepts connections, gives each to the worker that has the fewest, and cuts clients that are too slow.
///
/// The library could accept by itself, but then whoever wakes first takes what is there, and one thread may get all the clients.
final class Acceptor: Sendable {
    private let loop: Loop
    private let thread: SystemThread
    private let isStopped = Atomic<Bool>(false)

    /// Starts the thread.
    ///
    /// - Throws: ``HTTPServerError``.
    init(
        _ listener: consuming Listener, _ daemons: [Daemon], maxConnections: Int, alarm: Alarm,
        lingering: LingeringQueue
    ) throws(HTTPServerError) {
        let loop = Loop(
            listener, daemons, maxConnections: Self.connectionLimit(maxConnections), alarm: alarm, lingering: lingering)
        self.loop = loop
        do throws(SystemThread.Failure) { thread = try SystemThread { loop.run() } } catch {
            throw HTTPServerError(.system, "a thread cannot be made: \(error.reason)")
        }
    }

    /// Accepts what is already connected, closes the listening socket, and ends the thread.
    func stop() {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        loop.stop()
        thread.join()
    }

    /// As many connections as are wanted and as file descriptors allow; raises the process's soft limit for it.
    private static func connectionLimit(_ wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        // Some descriptors are the process's own: files, epoll, the listener, sockets that linger.
        return min(wanted, max(16, Int(clamping: limit.rlim_cur) - 400))
    }
}

/// What the thread does.
// Safety: `listener`, `lingering` and `nextLook` are used by the thread alone, which runs once; all else is immutable or
// synchronised.
private final class Loop: @unchecked Sendable {
    private var listener: Listener?
    private let daemons: [Daemon]
    private let maxConnections: Int
    private let alarm: Alarm
    private let lingeringQueue: LingeringQueue
    private var lingering = LingeringSockets()
    private var nextLook = 0
    private let isStopped = Atomic<Bool>(false)

    init(
        _ listener: consuming Listener, _ daemons: [Daemon], maxConnections: Int, alarm: Alarm,
        lingering: LingeringQueue
    ) {
        self.listener = consume listener
        self.daemons = daemons
        self.maxConnections = maxConnections
        self.alarm = alarm
        lingeringQueue = lingering
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        alarm.ring()
    }

    func run() {
        while !isStopped.load(ordering: .acquiring) { turn() }
        while accept() {}
        listener = nil
    }

    private func turn() {
        let hasRoom = openCount < maxConnections
        var polled = [
            alarm.polled, pollfd(fd: hasRoom ? listener?.descriptor ?? -1 : -1, events: Int16(POLLIN), revents: 0),
        ]
        polled += lingering.polled
        poll(&polled, nfds_t(polled.count), hasRoom ? timeoutMilliseconds : 20)
        if polled[0].revents != 0 { alarm.silence() }
        if polled[1].revents != 0 { while openCount < maxConnections, accept() {} }
        lingering.add(lingeringQueue.take())
        lingering.read()
        let now = Pace.now
        guard now >= nextLook else { return }
        nextLook = now + 1
        for daemon in daemons { daemon.worker.connections.cut() }
    }

    /// For ever, if there is nobody who could be late.
    private var timeoutMilliseconds: Int32 { openCount > 0 || !lingering.isEmpty ? 1000 : -1 }

    private var openCount: Int { daemons.reduce(0) { $0 + $1.worker.openCount.load(ordering: .relaxed) } }

    /// Accepts one connection.
    ///
    /// - Returns: Whether there may be more.
    private func accept() -> Bool {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let socket = Glibc.accept(listener?.descriptor ?? -1, address, &length)
                guard socket >= 0 else { return mayRetry(errno) }
                let fewest = daemons.min {
                    $0.worker.openCount.load(ordering: .relaxed) < $1.worker.openCount.load(ordering: .relaxed)
                }
                fewest?.add(socket, address, length)
                return true
            }
        }
    }

    private func mayRetry(_ code: Int32) -> Bool {
        switch code {
        case EINTR, ECONNABORTED, EPROTO: return true
        case EAGAIN: return false
        default:
            // No descriptors or no memory: others may give some back.
            usleep(20_000)
            return false
        }
    }
}
