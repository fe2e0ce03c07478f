internal import Glibc
internal import HTTPMessages
internal import Synchronization
internal import Threads

/// A connection with a client.
///
/// Its worker's thread owns it. The acceptor's thread looks at it now and then, holding ``state``: the worker waits for that
/// before the socket is closed, and before an exchange that was deferred is its own again.
final class Connection: Sendable {
    let socket: Int32
    /// The address of the client; nil if the connection was closed before it was determined.
    let peer: PeerAddress?
    /// When the client must have moved on, on the clock of ``Pace``.
    let deadline: Atomic<Int>
    /// The event that the server waits for.
    let awaited = Atomic<Awaited>(.request)
    /// The deadline when the client's end was last seen to be closed; -1 if it was not.
    private let deadlineAtEnd = Atomic<Int>(-1)
    /// The bytes of the requests so far; -1 if that is not known, as chunks have come. For the worker's thread.
    private let requestBytes = Atomic<Int>(0)
    private let state = Locked(State())
    /// Copies of `state`, which are read without the lock.
    private let isClosed = Atomic<Bool>(false)
    private let hasDeferred = Atomic<Bool>(false)
    /// Whether the handler works on a request of it, on the connection's own thread.
    let isHandled = Atomic<Bool>(false)

    private let certificates: Certificates?
    // A daemon keeps its worker for as long as there are connections.
    unowned let worker: Worker
    /// The request that is being received or answered. For the worker's thread.
    // Safety: used only in the library's callbacks, which one thread of the library calls; the exchange is kept from its first line
    // to its completion, when this is set to nil.
    nonisolated(unsafe) var exchange: Unmanaged<Exchange>?

    /// An event that a server can wait for.
    enum Awaited: UInt8, AtomicRepresentable {
        /// A request, of which nothing has come or not all headers.
        case request
        /// The rest of a body.
        case body
        /// Nothing from the client.
        case nothing
    }

    private struct State {
        var isOpen = true
        /// The certificate that the client received.
        var certificate: Certificate?
        /// The exchange whose response is deferred.
        var exchange: Exchange?
        /// When the client gets a response in any case.
        var latestResponse = Int.max
    }

    init(_ worker: Worker, socket: Int32, deadline: Int, certificates: Certificates?) {
        self.worker = worker
        self.socket = socket
        peer = PeerAddress(ofSocket: socket)
        self.certificates = certificates
        self.deadline = Atomic(deadline)
    }

    /// Whether the socket is open, and is this connection's.
    var isOpen: Bool { !isClosed.load(ordering: .relaxed) }

    /// When the request must have come that the server waits for; nil if it does not.
    var idleDeadline: Int? {
        isOpen && awaited.load(ordering: .relaxed) == .request ? deadline.load(ordering: .relaxed) : nil
    }

    /// Called before the socket is closed.
    func close() {
        state.withLock { $0 = State(isOpen: false) }
        isClosed.store(true, ordering: .relaxed)
    }

    /// A request is complete.
    func noteRequest(bytes: Int, isChunked: Bool) {
        let sum = requestBytes.load(ordering: .relaxed)
        requestBytes.store(isChunked || sum < 0 ? -1 : sum + bytes, ordering: .relaxed)
    }

    /// Whether the client has sent more than the requests so far, be it read or not. False if that cannot be known, which is so
    /// with TLS and unix sockets.
    var hasSentMore: Bool {
        let sum = requestBytes.load(ordering: .relaxed)
        guard sum >= 0, certificates == nil else { return false }
        return withUnsafeTemporaryAllocation(byteCount: Self.informationBytes, alignment: 8) { information in
            var size = socklen_t(information.count)
            let status = getsockopt(socket, Int32(IPPROTO_TCP), TCP_INFO, information.baseAddress, &size)
            guard status == 0, size >= information.count else { return false }
            let received = information.load(fromByteOffset: Self.receivedBytesOffset, as: UInt64.self)
            return received > UInt64(sum)
        }
    }

    /// The start of linux/tcp.h's struct tcp_info, to tcpi_bytes_received, which glibc's leaves out.
    private static let informationBytes = 136
    private static let receivedBytesOffset = 128

    /// The certificate for a handshake, which is kept as long as the connection is open.
    func chooseCertificate() -> Certificate? {
        state.withLock {
            $0.certificate = certificates?.current
            return $0.certificate
        }
    }

    /// The exchange's response comes later.
    func deferResponse(_ exchange: Exchange) {
        let (latest, isNever) = exchange.respondBy.addingReportingOverflow(Pace.lateNanoseconds)
        state.withLock { state in
            state.exchange = exchange
            state.latestResponse = isNever ? .max : latest
        }
        hasDeferred.store(true, ordering: .relaxed)
    }

    /// The exchange that was deferred is the worker's again.
    func takeBack() {
        hasDeferred.store(false, ordering: .relaxed)
        state.withLock { $0.exchange = nil }
    }

    /// Shuts the connection if its deadline has passed or its client is gone. libmicrohttpd then sees its end.
    func cut(at now: Int) {
        whileOpen {
            if deadline.load(ordering: .relaxed) < now || isAbandoned() { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    /// Shuts the connection.
    func shut() { whileOpen { shutdown(socket, Int32(SHUT_RDWR)) } }

    /// Whether the client has sent what the library has not read yet.
    func hasUnreadBytes() -> Bool {
        var hasBytes = false
        whileOpen { hasBytes = peek() > 0 }
        return hasBytes
    }

    /// Tells an exchange that is deferred if its client is gone.
    func tellIfGone() {
        guard hasDeferred.load(ordering: .relaxed) else { return }
        state.withLock { if let exchange = $0.exchange, isClientGone { exchange.abandonment.raise() } }
    }

    /// Tells an exchange that is deferred that the server waits for it no longer.
    func abandon() {
        state.withLock { state in
            state.exchange?.isCutOff.raise()
            state.exchange?.abandonment.raise()
        }
    }

    /// Answers a request that is deferred and whose time was over a while ago.
    func respondIfLate(at now: Int) {
        guard hasDeferred.load(ordering: .relaxed) else { return }
        state.withLock { state in
            guard state.isOpen, state.latestResponse < now, let exchange = state.exchange,
                exchange.cutOff(Refusal.late.whole)
            else { return }
            shutdown(socket, Int32(SHUT_RDWR))
        }
    }

    /// Answers a request that is still being worked on, past the library, and shuts the connection.
    func cutOff(_ response: [UInt8]) {
        state.withLock { state in
            guard state.isOpen else { return }
            if let exchange = state.exchange {
                guard exchange.cutOff(response) else { return }
            } else if isHandled.load(ordering: .acquiring), certificates == nil {
                // The connection's own thread works on it, so that nobody else sends.
                _ = response.withUnsafeBytes {
                    send(socket, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
                }
            } else {
                return
            }
            shutdown(socket, Int32(SHUT_RDWR))
        }
    }

    private func whileOpen(_ look: () -> Void) { state.withLock { if $0.isOpen { look() } } }

    /// Whether the client has closed its end without completing a request, at this look and at the one before.
    ///
    /// The library misses the end if it comes together with the last bytes. Only the second look counts: at the first, the
    /// library may be about to handle what it has just read.
    private func isAbandoned() -> Bool {
        guard awaited.load(ordering: .relaxed) != .nothing, peek() == 0 else {
            deadlineAtEnd.store(-1, ordering: .relaxed)
            return false
        }
        let now = deadline.load(ordering: .relaxed)
        return deadlineAtEnd.exchange(now, ordering: .relaxed) == now
    }

    /// POLLRDHUP, which the Glibc module leaves out.
    private static let peerClosed: Int16 = 0x2000

    /// Whether the client has closed its sending end or all, whatever it sent before.
    private var isClientGone: Bool {
        var polled = pollfd(fd: socket, events: Self.peerClosed, revents: 0)
        return poll(&polled, 1, 0) > 0
    }

    private func peek() -> Int {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
    }
}
