internal import Glibc
internal import HTTPMessages
internal import LockFree
internal import Synchronization

/// A connection with a client.
///
/// Its worker's thread owns it. The acceptor's thread looks at it now and then, holding ``state``: the worker waits for that
/// before the socket is closed, and before an exchange that was put off is its own again.
final class Connection: Sendable {
    let socket: Int32
    /// When the client must have moved on, on the clock of ``Pace``.
    let deadline: Atomic<Int>
    /// Whether the server waits for the client to send.
    let isReceiving = Atomic<Bool>(true)
    /// The deadline when the client's end was last seen to be closed; -1 if it was not.
    private let deadlineAtEnd = Atomic<Int>(-1)
    private let state = Locked(State())
    /// What `state` says, to be looked at without the lock.
    private let isClosed = Atomic<Bool>(false)
    private let hasPutOff = Atomic<Bool>(false)

    private struct State {
        var isOpen = true
        /// The exchange whose answer is put off.
        var exchange: Exchange?
    }

    init(socket: Int32, deadline: Int) {
        self.socket = socket
        self.deadline = Atomic(deadline)
    }

    /// Whether the socket is open, and is this connection's.
    var isOpen: Bool { !isClosed.load(ordering: .relaxed) }

    /// Called before the socket is closed.
    func close() {
        state.withLock { $0 = State(isOpen: false, exchange: nil) }
        isClosed.store(true, ordering: .relaxed)
    }

    /// The exchange's answer comes later.
    func putOff(_ exchange: Exchange) {
        state.withLock { $0.exchange = exchange }
        hasPutOff.store(true, ordering: .relaxed)
    }

    /// The exchange that was put off is the worker's again.
    func takeBack() {
        hasPutOff.store(false, ordering: .relaxed)
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
        var answer = false
        whileOpen { answer = peek() > 0 }
        return answer
    }

    /// Tells an exchange that is put off if its client is gone.
    func tellIfGone() {
        guard hasPutOff.load(ordering: .relaxed) else { return }
        state.withLock { if let exchange = $0.exchange, isClientGone { exchange.abandonment.raise() } }
    }

    /// Tells an exchange that is put off that nobody waits for it any more.
    func abandon() { state.withLock { $0.exchange?.abandonment.raise() } }

    private func whileOpen(_ look: () -> Void) { state.withLock { if $0.isOpen { look() } } }

    /// Whether the client has closed its end without completing a request, at this look and at the one before.
    ///
    /// The library misses the end if it comes together with the last bytes. Only the second look counts: at the first, the
    /// library may be about to handle what it has just read.
    private func isAbandoned() -> Bool {
        guard isReceiving.load(ordering: .relaxed), peek() == 0 else {
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
