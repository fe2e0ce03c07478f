internal import CMicrohttpd
internal import Glibc
public import HTTPMessages
internal import Synchronization

/// An HTTP/1.1 server on libmicrohttpd: epoll threads that receive, call the handler, and answer.
///
/// Keep-alive, pipelining and chunked bodies are the library's. Here: bodies are limited (413), slow clients are cut, and what a
/// request needs is kept for the next one, so that a request in the steady state allocates nothing of ours.
public final class HTTPServer: Sendable {
    /// How to listen, and what to allow.
    public struct Configuration: Sendable {
        /// An address or a name of this machine.
        public var host = "127.0.0.1"
        /// 0 takes a free one.
        public var port = 8501
        /// Threads that receive, handle and answer.
        public var threads = 2
        /// The largest body.
        public var maxBodyBytes = 64 << 20
        /// A connection on which nothing moves for so long is cut.
        public var idleTimeoutSeconds = 30
        /// More connections wait in the listener's queue.
        public var maxConnections = 10_000

        /// The defaults.
        public init() {}
    }

    /// Answers a request; called on the server's threads, by many at once.
    public typealias Handler = @Sendable (HTTPRequest, inout HTTPResponse) -> Void

    /// The port that is listened on.
    public let port: Int
    private let context: ServerContext
    private let daemon: Mutex<Daemon?>
    private let watch: Watch

    /// The library's own handle.
    // Safety: an opaque pointer, used under the mutex by start and stop only.
    private struct Daemon: @unchecked Sendable {
        let handle: OpaquePointer
    }

    /// The memory that the library gives a connection: first line and headers must fit.
    private static let connectionMemoryBytes = 32 << 10

    /// Starts listening and answering.
    ///
    /// - Throws: ``HTTPServerError``.
    public init(_ configuration: Configuration, handler: @escaping Handler) throws(HTTPServerError) {
        let listener = try Listener(host: configuration.host, port: configuration.port)
        port = listener.port
        let context = ServerContext(configuration, handler)
        self.context = context
        // A client that goes away while it is answered must not end the process.
        signal(SIGPIPE, SIG_IGN)
        let flags = MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_USE_ITC.rawValue
        // Safety: the context is kept by self, which stops the daemon before it lets go of it.
        let started = cmicrohttpd_start(
            UInt32(flags), listener.release(), receiveRequest, Unmanaged.passUnretained(context).toOpaque(),
            completeRequest, changeConnection, leaveEscaped, UInt32(max(1, configuration.threads)),
            UInt32(max(1, configuration.idleTimeoutSeconds)),
            UInt32(ServerContext.connectionLimit(configuration.maxConnections)), Self.connectionMemoryBytes)
        guard let started else {
            throw HTTPServerError(.system, "libmicrohttpd cannot start: \(String(cString: strerror(errno)))")
        }
        daemon = Mutex(Daemon(handle: started))
        watch = Watch(context.connections, idleTimeoutSeconds: configuration.idleTimeoutSeconds)
    }

    deinit { stop(drainSeconds: 0) }

    /// Stops: no new connections; requests in flight are answered; then all connections are closed.
    ///
    /// - Parameter drainSeconds: How long to wait for the requests in flight.
    public func stop(drainSeconds: Int = 30) {
        let stopped = daemon.withLock { daemon in
            defer { daemon = nil }
            return daemon
        }
        guard let handle = stopped?.handle else { return }
        let listening = MHD_quiesce_daemon(handle)
        context.isStopping.store(true, ordering: .relaxed)
        let end = Connections.nowSeconds() + drainSeconds
        while context.activeCount.load(ordering: .acquiring) > 0, Connections.nowSeconds() < end { usleep(5000) }
        MHD_stop_daemon(handle)
        if listening >= 0 { close(listening) }
        watch.stop()
    }
}
