internal import Glibc
internal import HTTPMessages
internal import Synchronization
internal import Threads

/// A connection with a client.
///
/// The worker's thread owns it. The acceptor's thread checks it now and then while it holds ``state``. The worker waits for that before
/// it closes the socket, and before it takes a deferred exchange back.
final class Connection: Sendable {
    let socket: Int32
    /// The address of the client; nil if the connection was closed before it was determined.
    let peer: PeerAddress?
    /// The time by which the client must make progress, on the clock of ``Pace``.
    let deadline: Atomic<Int>
    /// The event that the server waits for.
    let awaited = Atomic<Awaited>(.request)
    /// The deadline at the time when the client's end was last seen closed; -1 if it was not.
    private let deadlineAtEnd = Atomic<Int>(-1)
    /// The bytes of the requests so far; -1 if unknown, because a request was chunked. For the worker's thread.
    private let requestBytes = Atomic<Int>(0)
    private let state = Locked(State())
    /// Copies of `state` for reading without the lock.
    private let isClosed = Atomic<Bool>(false)
    private let hasDeferred = Atomic<Bool>(false)
    /// Whether the handler is working on one of its requests, on the connection's own thread.
    let isHandled = Atomic<Bool>(false)

    /// Whether received bytes of a body wait in the exchange's memory for the library, which are then missed by looking at the socket.
    let isAhead = Atomic<Bool>(false)

    private let certificates: Certificates?
    // A daemon keeps its worker as long as there are connections.
    unowned let worker: Worker
    /// The request that is being received or answered. For the worker's thread.
    // Safety: used only in the library's callbacks, which one thread of the library calls; the exchange is kept from its first line
    // to its completion, when this is set to nil.
    nonisolated(unsafe) var exchange: Unmanaged<Exchange>?

    /// An event that the server waits for.
    enum Awaited: UInt8, AtomicRepresentable {
        /// A request whose headers are not complete.
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
        /// The latest time at which the client gets a response.
        var latestResponse = Int.max
    }

    init(_ worker: Worker, socket: Int32, deadline: Int, certificates: Certificates?) {
        self.worker = worker
        self.socket = socket
        peer = PeerAddress(ofSocket: socket)
        self.certificates = certificates
        self.deadline = Atomic(deadline)
    }

    /// Whether the client uses TLS.
    var isEncrypted: Bool { certificates != nil }

    /// Whether the socket is open and belongs to this connection.
    var isOpen: Bool { !isClosed.load(ordering: .relaxed) }

    /// The time by which the awaited request must arrive; nil if none is awaited.
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

    /// Whether the client has sent more than the requests so far, read or unread. False if that is unknown, as for TLS and Unix
    /// sockets.
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

    /// The exchange's response is deferred.
    func deferResponse(_ exchange: Exchange) {
        let (latest, isNever) = exchange.respondBy.addingReportingOverflow(Pace.lateNanoseconds)
        state.withLock { state in
            state.exchange = exchange
            state.latestResponse = isNever ? .max : latest
        }
        hasDeferred.store(true, ordering: .relaxed)
    }

    /// Returns the deferred exchange to the worker.
    func takeBack() {
        hasDeferred.store(false, ordering: .relaxed)
        state.withLock { $0.exchange = nil }
    }

    /// Shuts the connection down if its deadline has passed or its client has disconnected. libmicrohttpd then notices the end.
    func cut(at now: Int) {
        whileOpen {
            if deadline.load(ordering: .relaxed) < now || isAbandoned() { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    /// Shuts the connection down.
    func shut() { whileOpen { shutdown(socket, Int32(SHUT_RDWR)) } }

    /// Whether the client has sent bytes that the library has not read yet.
    func hasUnreadBytes() -> Bool {
        var hasBytes = false
        whileOpen { hasBytes = peek() > 0 }
        return hasBytes
    }

    /// Tells a deferred exchange if its client has disconnected.
    func tellIfGone() {
        guard hasDeferred.load(ordering: .relaxed) else { return }
        state.withLock { if let exchange = $0.exchange, isClientGone { exchange.abandonment.raise() } }
    }

    /// Tells a deferred exchange that the server waits for it no longer.
    func abandon() {
        state.withLock { state in
            state.exchange?.isCutOff.raise()
            state.exchange?.abandonment.raise()
        }
    }

    /// Sends the response of a deferred request whose deadline passed a while ago.
    func respondIfLate(at now: Int) {
        guard hasDeferred.load(ordering: .relaxed) else { return }
        state.withLock { state in
            guard state.isOpen, state.latestResponse < now, let exchange = state.exchange,
                exchange.cutOff(Refusal.late.whole)
            else { return }
            shutdown(socket, Int32(SHUT_RDWR))
        }
    }

    /// Sends the response of a request that is still being worked on, bypassing the library, and shuts the connection down.
    func cutOff(_ response: [UInt8]) {
        state.withLock { state in
            guard state.isOpen else { return }
            if let exchange = state.exchange {
                guard exchange.cutOff(response) else { return }
            } else if isHandled.load(ordering: .acquiring), certificates == nil {
                // The connection's own thread is working on it, so no other thread sends.
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

    /// Whether the client has closed its end without completing a request, at this check and at the previous one.
    ///
    /// The library misses the end if it arrives together with the last bytes. Only the second check counts, because at the first, the
    /// library may be about to handle bytes that it has just read.
    private func isAbandoned() -> Bool {
        guard awaited.load(ordering: .relaxed) != .nothing, !isAhead.load(ordering: .relaxed), peek() == 0 else {
            deadlineAtEnd.store(-1, ordering: .relaxed)
            return false
        }
        let now = deadline.load(ordering: .relaxed)
        return deadlineAtEnd.exchange(now, ordering: .relaxed) == now
    }

    /// POLLRDHUP, which the Glibc module leaves out.
    private static let peerClosed: Int16 = 0x2000

    /// Whether the client has closed its sending end or the whole connection, regardless of unread bytes.
    private var isClientGone: Bool {
        var polled = pollfd(fd: socket, events: Self.peerClosed, revents: 0)
        return poll(&polled, 1, 0) > 0
    }

    private func peek() -> Int {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
    }
}
