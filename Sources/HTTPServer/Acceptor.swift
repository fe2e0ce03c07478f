internal import Glibc
internal import Synchronization
internal import Threads

/// The thread that accepts connections, gives each to the worker that has the fewest, and cuts clients that are too slow;
/// it tells exchanges that are deferred when their clients are gone, and answers for those that are late.
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
    /// When clients for whom there is no room are looked for again.
    private var nextRoom = 0
    /// Until when the thread does not sleep long, as exchanges were deferred just now.
    private var awakeUntil = 0
    /// The worker whose connections are being looked at, in a round of looks.
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
        // Clients for whom there is no room are looked for now and then only: they would be seen again at once.
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

    /// How long to wait: for ever, if there is nobody who could be late or gone.
    private var timeoutMilliseconds: Int32 {
        if round != nil { return 0 }
        if Pace.nowNanoseconds / 1_000_000 < awakeUntil { return Self.lookMilliseconds }
        alarm.fallAsleep()
        // Whoever defers an exchange after this rings.
        if haveDeferred { return Self.lookMilliseconds }
        return openCount > 0 || !lingering.isEmpty ? 1000 : -1
    }

    private var haveDeferred: Bool { daemons.contains { $0.worker.hasUnfinished } }

    /// Every so often, while there are exchanges that are deferred, looks at them.
    private func lookAtDeferred(_ now: Int) {
        guard haveDeferred else { return }
        awakeUntil = now + 1000
        guard now >= nextLook else { return }
        nextLook = now + Int(Self.lookMilliseconds)
        for daemon in daemons { daemon.worker.connections.lookAtDeferred() }
    }

    /// Once a second looks at all connections; at some in each turn, so that clients who connect need not wait.
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
    /// As many are accepted before the rest is looked at.
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
            // No descriptors or no memory: others may give some back.
            usleep(20_000)
            return false
        }
    }
}
