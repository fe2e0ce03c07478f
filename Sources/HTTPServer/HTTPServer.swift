internal import Glibc
public import HTTPMessages
package import Memory
internal import Synchronization
internal import Threads

/// An HTTP/1.1 server on libmicrohttpd: threads that receive, call the handler, and answer.
///
/// Keep-alive, pipelining and chunked bodies are the library's. Here: connections are spread evenly over the threads, bodies are
/// limited (413), slow clients are cut, and what a request needs is kept for the next one, so that a request in the steady state
/// allocates nothing of ours.
///
/// A client is too slow when it sends nothing for the idle timeout, when a request's headers take twice that, or when, after
/// that grace, a body comes or a response is taken at less than 1 KiB a second. What is no HTTP is refused with one response in JSON,
/// and the connection is closed: 400 (a malformed first line, header, length or chunk), 413 (a length of more than 64 bits), 414 and
/// 431 (more than 16 KiB before the body), 505. A connection that begins with anything else is closed.
public final class HTTPServer: Sendable {
    /// How to listen, and what to allow.
    public struct Configuration: Sendable {
        /// An address or a name of this machine, or `unix:` and the path of a socket.
        public var host = "127.0.0.1"
        /// 0 takes a free one.
        public var port = 8501
        /// Threads that receive, handle and answer.
        public var threads = 2
        /// The largest body.
        public var maxBodyBytes = 64 << 20
        /// A connection on which nothing moves for so long is cut.
        public var idleTimeoutSeconds = 30
        /// More connections wait in the listener's queue until others are closed; those that have been idle longest are closed
        /// for them. Fewer if the process may not open as many files.
        public var maxConnections = 10_000
        /// The certificate and its key; nil for no TLS.
        public var tls: TLS?
        /// Called when the files of ``tls`` have changed, on a thread of the server's.
        public var onCertificate: @Sendable (CertificateEvent) -> Void = { _ in }

        /// Called when a request's headers have come and its body is still to come, on the server's threads, by many at once: says
        /// whether the body is wanted. If not, the exchange has the response, and the connection is closed after it.
        public var admit: @Sendable (HTTPExchange) -> Bool = { _ in true }
        /// Completes and notes a response that the server gives by itself; called on the server's threads, by many at once.
        public var onRefusal: @Sendable (HTTPExchange) -> Void = { $0.response.body.append(UInt8(ascii: "\n")) }
        /// The account that bodies are counted in while they are received and read; nil for none. One client address may have
        /// ``ClientShares/part`` of it.
        package var memory: MemoryAccount?

        /// The defaults.
        public init() {}
    }

    /// Who the server is: PEM files, which may be replaced while it runs.
    public struct TLS: Sendable {
        /// The server's certificate, and those that lead from it to one that clients know.
        public var certificatePath: String
        /// The key of the first certificate, not encrypted.
        public var keyPath: String

        /// Makes it.
        public init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    /// What came of new files of a certificate.
    public enum CertificateEvent: Sendable {
        /// New connections use them.
        case replaced
        /// They cannot be used; the certificate stays as it was.
        case refused(HTTPServerError)
    }

    /// Answers a request; called on the server's threads, by many at once.
    public typealias Handler = @Sendable (HTTPExchange) -> HTTPOutcome

    /// The port that is listened on; 0 for a unix socket.
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
        // A client that goes away while it is answered must not end the process.
        signal(SIGPIPE, SIG_IGN)
        let alarm: Alarm
        do throws(SystemThread.Failure) { alarm = try Alarm() } catch {
            throw HTTPServerError(.system, "a pipe cannot be made: \(error.reason)")
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

    /// How many connections are open.
    package var openConnectionCount: Int { sum { $0.openCount.load(ordering: .relaxed) } }

    /// How many requests are between the end of their headers and the end of their response.
    package var activeRequestCount: Int { sum { $0.activeCount.load(ordering: .acquiring) } }

    /// Looks at the files of the certificate now. They are looked at by themselves, within a second.
    public func rereadCertificates() { certificates?.refresh(isWanted: true) }

    /// Says that the server is about to stop: from now on responses tell clients to close their connections. New connections are
    /// still accepted, and all requests answered.
    public func beginDraining() {
        for daemon in daemons { daemon.worker.isDraining.store(true, ordering: .relaxed) }
    }

    /// Stops: no new connections; requests in flight are answered; then all connections are closed.
    ///
    /// What is not answered after `drainSeconds` is cut off: exchanges that were deferred have their ``HTTPExchange/abandonment``
    /// raised, and `graceSeconds` to be finished. Whoever waits for another response then gets 503. Threads that an exchange keeps from
    /// ending are left behind; ``HTTPExchange/finish()`` can still be called.
    ///
    /// - Parameters:
    ///   - drainSeconds: How long to wait for the requests in flight.
    ///   - graceSeconds: How long what is cut off may take to end by itself, and then its response to be sent.
    /// - Returns: Whether all requests in flight were answered.
    @discardableResult
    public func stop(drainSeconds: Double = 30, graceSeconds: Double = 0.04) -> Bool {
        let end = Self.time(after: drainSeconds)
        beginDraining()
        acceptor.stop()
        // What the library has read and not yet begun with is not seen: one look is not enough.
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

    /// Whether the handler has exchanges that are not finished.
    private var haveUnfinished: Bool { daemons.contains { $0.worker.hasUnfinished } }

    /// Whether a request is being answered, or has come and waits for a thread.
    private var isBusy: Bool { activeRequestCount > 0 || daemons.contains { $0.worker.connections.haveUnreadBytes() } }

    private func sum(_ count: (Worker) -> Int) -> Int { daemons.reduce(0) { $0 + count($1.worker) } }
}
