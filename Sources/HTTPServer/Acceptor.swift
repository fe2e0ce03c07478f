internal import Glibc
internal import Synchronization
internal import Threads

/// The thread that accepts connections, gives each to the worker with the fewest connections, and closes those of slow clients. It tells
/// deferred exchanges that their clients have disconnected, and sends the responses of late ones.
///
/// The library could accept connections itself. The first thread to wake would then take all of them.
final class Acceptor: Sendable {
    private let loop: Loop
    private let thread: SystemThread
    private let isStopped = Atomic<Bool>(false)

    /// Starts the thread.
    ///
    /// - Throws: ``HTTPServerError``.
    init(
        _ listener: consuming Listener, _ daemons: [Daemon], _ configuration: HTTPServer.Configuration, alarm: Alarm,
        lingering: LingeringQueue, certificates: Certificates?
    ) throws(HTTPServerError) {
        let loop = Loop(
            listener, daemons, maxConnections: Self.connectionLimit(configuration.maxConnections), alarm: alarm,
            lingering: lingering, certificates: certificates)
        self.loop = loop
        do throws(SystemThread.Failure) { thread = try SystemThread { loop.run() } } catch {
            throw HTTPServerError(.system, "cannot create a thread: \(error.reason)")
        }
    }

    /// Accepts the clients that have connected already, closes the listening socket, and ends the thread.
    func stop() {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        loop.stop()
        thread.join()
    }

    /// The number of connections that file descriptors allow, up to the wanted number. Raises the process's soft limit if needed.
    private static func connectionLimit(_ wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        // The process needs some descriptors itself: files, epoll, the listener, lingering sockets.
        return min(wanted, max(16, Int(clamping: limit.rlim_cur) - 400))
    }
}

/// The loop of the thread.
// Safety: all variables are used by the thread alone, which runs once; all else is immutable or synchronised.
private final class Loop: @unchecked Sendable {
    private var listener: Listener?
    private let daemons: [Daemon]
    private let maxConnections: Int
    private let alarm: Alarm
    private let certificates: Certificates?
    private let lingeringQueue: LingeringQueue
    private var lingering = LingeringSockets()
    private var nextRound = 0
    private var nextLook = 0
    /// The time of the next check for clients without room.
    private var nextRoom = 0
    /// The time until which the thread sleeps only briefly, because exchanges were deferred recently.
    private var awakeUntil = 0
    /// The worker whose connections are being checked, during a round of checks.
    private var round: Int?
    private let isStopped = Atomic<Bool>(false)

    init(
        _ listener: consuming Listener, _ daemons: [Daemon], maxConnections: Int, alarm: Alarm,
        lingering: LingeringQueue, certificates: Certificates?
    ) {
        self.certificates = certificates
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
        listener?.removeFile()
        while accept() {}
        listener = nil
    }

    private func turn() {
        let timeout = timeoutMilliseconds
        // Clients without room are checked for only now and then, because poll would report them again immediately.
        let looksForClients = openCount < maxConnections || Pace.nowNanoseconds / 1_000_000 >= nextRoom
        var polled = [
            alarm.polled,
            pollfd(fd: looksForClients ? listener?.descriptor ?? -1 : -1, events: Int16(POLLIN), revents: 0),
        ]
        polled += lingering.polled
        poll(&polled, nfds_t(polled.count), looksForClients ? timeout : min(timeout, Self.roomMilliseconds))
        alarm.wakeUp()
        let now = Pace.nowNanoseconds / 1_000_000
        if polled[0].revents != 0 { alarm.silence() }
        if polled[1].revents != 0 { acceptSome(now) }
        lingering.add(lingeringQueue.take())
        lingering.read()
        lookAtDeferred(now)
        cutSome(now)
    }

    /// The time to wait: without limit if no client can be late or disconnect.
    private var timeoutMilliseconds: Int32 {
        if round != nil { return 0 }
        if Pace.nowNanoseconds / 1_000_000 < awakeUntil { return Self.lookMilliseconds }
        alarm.fallAsleep()
        // A thread that defers an exchange after this rings the alarm.
        if haveDeferred { return Self.lookMilliseconds }
        return openCount > 0 || !lingering.isEmpty ? 1000 : -1
    }

    private var haveDeferred: Bool { daemons.contains { $0.worker.hasUnfinished } }

    /// Checks deferred exchanges at intervals, while there are any.
    private func lookAtDeferred(_ now: Int) {
        guard haveDeferred else { return }
        awakeUntil = now + 1000
        guard now >= nextLook else { return }
        nextLook = now + Int(Self.lookMilliseconds)
        for daemon in daemons { daemon.worker.connections.lookAtDeferred() }
    }

    /// Checks all connections once a second, a few in each turn, so that new clients need not wait.
    private func cutSome(_ now: Int) {
        if round == nil, now >= nextRound {
            nextRound = now + 1000
            round = 0
            certificates?.refresh()
        }
        guard let current = round else { return }
        guard daemons.indices.contains(current) else {
            round = nil
            return
        }
        if daemons[current].worker.connections.cutSome() { round = current + 1 }
    }

    private func acceptSome(_ now: Int) {
        certificates?.refresh()
        guard openCount < maxConnections else {
            nextRoom = now + Int(Self.roomMilliseconds)
            for daemon in daemons { daemon.worker.connections.cutIdlest() }
            return
        }
        var count = 0
        while count < Self.maxAccepted, openCount < maxConnections, accept() { count += 1 }
    }

    private static let lookMilliseconds: Int32 = 100
    private static let roomMilliseconds: Int32 = 20
    /// The maximum number of connections to accept before other work.
    private static let maxAccepted = 256

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
            // There are no descriptors or no memory. Other connections may free some.
            usleep(20_000)
            return false
        }
    }
}
