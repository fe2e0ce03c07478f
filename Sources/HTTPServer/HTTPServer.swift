internal import Glibc
public import HTTPMessages
package import Memory
internal import Synchronization
internal import Threads

/// An HTTP/1.1 server on libmicrohttpd: threads that receive, call the handler, and answer.
///
/// The library implements keep-alive, pipelining and chunked bodies. This type spreads connections evenly over the threads, limits bodies
/// (413), closes the connections of slow clients, and reuses the objects of requests, so that a request allocates no memory of ours in the
/// steady state.
///
/// A client is too slow if it sends nothing for the idle timeout, if a request's headers take twice as long, or if, after that, a body
/// arrives or a response is read at less than 1 KiB per second. Malformed HTTP is refused with one JSON response, and the connection is
/// closed: 400 (a malformed first line, header, length or chunk), 413 (a length of more than 64 bits), 414 and 431 (more than 16 KiB
/// before the body), 505. A connection that begins with anything else is closed.
public final class HTTPServer: Sendable {
    /// The address to listen on, and the limits.
    public struct Configuration: Sendable {
        /// An address or a name of this machine, or `unix:` followed by the path of a socket.
        public var host = "127.0.0.1"
        /// The port; 0 selects a free one.
        public var port = 8501
        /// The number of threads that receive requests, call the handler and send responses.
        public var threads = 2
        /// The largest body.
        public var maxBodyBytes = 64 << 20
        /// The time after which an idle connection is closed.
        public var idleTimeoutSeconds = 30
        /// The maximum number of connections. More wait in the listener's queue. The connections that have been idle longest are closed to make
        /// room. The limit is lower if the process may not open as many files.
        public var maxConnections = 10_000
        /// The certificate and its key; nil for no TLS.
        public var tls: TLS?
        /// Called on one of the server's threads when the files of ``tls`` have changed.
        public var onCertificate: @Sendable (CertificateEvent) -> Void = { _ in }

        /// Called when a request's headers were received, before its body. Several of the server's threads may call it at once. Returns whether
        /// the body is wanted. If not, the exchange has the response, and the connection is closed after it.
        public var admit: @Sendable (HTTPExchange) -> Bool = { _ in true }
        /// Completes and records a response that the server makes itself. Several of the server's threads may call it at once.
        public var onRefusal: @Sendable (HTTPExchange) -> Void = { $0.response.body.append(UInt8(ascii: "\n")) }
        /// The account that counts bodies while they are received and read; nil for none. ``ClientShares/part`` limits the share of one client
        /// address.
        package var memory: MemoryAccount?

        /// The defaults.
        public init() {}
    }

    /// The server's certificate and key: PEM files, which may be replaced while it runs.
    public struct TLS: Sendable {
        /// The server's certificate, followed by the intermediate certificates.
        public var certificatePath: String
        /// The key of the first certificate, not encrypted.
        public var keyPath: String

        /// Makes the paths of a certificate and its key.
        public init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    /// The outcome of reading new files of a certificate.
    public enum CertificateEvent: Sendable {
        /// The files are valid. New connections use them.
        case replaced
        /// The files cannot be used. The certificate stays as it was.
        case refused(HTTPServerError)
    }

    /// Handles a request. Several of the server's threads may call it at once.
    public typealias Handler = @Sendable (HTTPExchange) -> HTTPOutcome

    /// The port that the server listens on; 0 for a Unix socket.
    public let port: Int
    private let daemons: [Daemon]
    private let acceptor: Acceptor
    private let certificates: Certificates?

    /// Starts listening and answering.
    ///
    /// - Throws: ``HTTPServerError``.
    public init(_ configuration: Configuration, handler: @escaping Handler) throws(HTTPServerError) {
        let certificates: Certificates?
        if let tls = configuration.tls {
            certificates = try Certificates(tls, report: configuration.onCertificate)
        } else {
            certificates = nil
        }
        self.certificates = certificates
        let listener = try Listener(host: configuration.host, port: configuration.port)
        port = listener.port
        // A client that disconnects during a response must not end the process.
        signal(SIGPIPE, SIG_IGN)
        let alarm: Alarm
        do throws(SystemThread.Failure) { alarm = try Alarm() } catch {
            throw HTTPServerError(.system, "cannot create a pipe: \(error.reason)")
        }
        let lingering = LingeringQueue(alarm)
        let bodies = ClientShares(configuration.memory)
        var daemons: [Daemon] = []
        for _ in 0..<max(1, configuration.threads) {
            let worker = Worker(configuration, bodies, lingering, alarm, certificates, handler)
            daemons.append(
                try Daemon(
                    worker, idleTimeoutSeconds: configuration.idleTimeoutSeconds, usesTLS: certificates != nil))
        }
        self.daemons = daemons
        acceptor = try Acceptor(
            listener, daemons, configuration, alarm: alarm, lingering: lingering, certificates: certificates)
    }

    deinit { stop(drainSeconds: 0) }

    /// The number of open connections.
    package var openConnectionCount: Int { sum { $0.openCount.load(ordering: .relaxed) } }

    /// The number of requests between the end of their headers and the end of their response.
    package var activeRequestCount: Int { sum { $0.activeCount.load(ordering: .acquiring) } }

    /// Checks the files of the certificate now. They are also checked automatically within a second.
    public func rereadCertificates() { certificates?.refresh(isWanted: true) }

    /// Announces that the server is about to stop. From now on, responses tell clients to close their connections. New connections are
    /// still accepted, and all requests are answered.
    public func beginDraining() {
        for daemon in daemons { daemon.worker.isDraining.store(true, ordering: .relaxed) }
    }

    /// Stops the server: accepts no new connections, answers the requests in flight, then closes all connections.
    ///
    /// Requests that are not complete after `drainSeconds` are cut off. The ``HTTPExchange/abandonment`` of suspended exchanges is raised, and
    /// they have `graceSeconds` to finish. All other waiting clients then get 503. Threads with unfinished exchanges are abandoned;
    /// ``HTTPExchange/finish()`` can still be called.
    ///
    /// - Parameters:
    ///   - drainSeconds: The time to wait for the requests in flight.
    ///   - graceSeconds: The time for requests that are cut off to end, and then for their responses to be sent.
    /// - Returns: Whether all requests in flight were answered.
    @discardableResult
    public func stop(drainSeconds: Double = 30, graceSeconds: Double = 0.04) -> Bool {
        let end = Self.time(after: drainSeconds)
        beginDraining()
        acceptor.stop()
        // Requests that the library has read but not begun are invisible, so one check is not enough.
        var idleLooks = 0
        wait(until: end) {
            idleLooks = isBusy ? 0 : idleLooks + 1
            return idleLooks == 3
        }
        let hasResponded = !isBusy
        if haveUnfinished {
            for daemon in daemons { daemon.worker.connections.abandon() }
            wait(until: Self.time(after: graceSeconds)) { !haveUnfinished }
            for daemon in daemons where daemon.worker.hasUnfinished { daemon.worker.connections.cutOff() }
            wait(until: Self.time(after: graceSeconds / 2)) { activeRequestCount == unfinishedCount }
        }
        return daemons.reduce(hasResponded) { $1.stop() && $0 }
    }

    private static func time(after seconds: Double) -> Int {
        Pace.nowNanoseconds + Int(min(max(0, seconds), 1e9) * 1e9)
    }

    private func wait(until end: Int, _ condition: () -> Bool) {
        while Pace.nowNanoseconds < end, !condition() { usleep(2000) }
    }

    private var unfinishedCount: Int { daemons.reduce(0) { $0 + $1.worker.unfinished } }

    /// Whether the handler has unfinished exchanges.
    private var haveUnfinished: Bool { daemons.contains { $0.worker.hasUnfinished } }

    /// Whether a request is being answered, or has arrived and waits for a thread.
    private var isBusy: Bool { activeRequestCount > 0 || daemons.contains { $0.worker.connections.haveUnreadBytes() } }

    private func sum(_ count: (Worker) -> Int) -> Int { daemons.reduce(0) { $0 + count($1.worker) } }
}
