internal import Glibc
internal import Synchronization

/// The open connections, watched for clients that send their headers too slowly.
///
/// libmicrohttpd cuts a connection on which nothing at all moves. One that sends a byte now and then is cut here: when no
/// request has become complete in its headers for twice the idle timeout.
final class Connections: Sendable {
    /// One connection.
    final class Connection: Sendable {
        let socket: Int32
        /// When it was opened, or its last request was answered; `busy` while a request is being handled.
        private let waitingSince: Atomic<Int>
        private static let busy = -1

        init(socket: Int32) {
            self.socket = socket
            waitingSince = Atomic(Connections.nowSeconds())
        }

        func requestBegan() { waitingSince.store(Self.busy, ordering: .relaxed) }

        func requestEnded() { waitingSince.store(Connections.nowSeconds(), ordering: .relaxed) }

        func hasWaited(_ seconds: Int, until now: Int) -> Bool {
            let since = waitingSince.load(ordering: .relaxed)
            return since != Self.busy && now - since > seconds
        }
    }

    private let open = Mutex<[ObjectIdentifier: Connection]>([:])

    /// How many connections are open.
    var count: Int { open.withLock(\.count) }

    func add(_ connection: Connection) { open.withLock { $0[ObjectIdentifier(connection)] = connection } }

    /// Called before the socket is closed.
    func remove(_ connection: Connection) { open.withLock { $0[ObjectIdentifier(connection)] = nil } }

    /// Shuts the connections that have waited too long for a request's headers. libmicrohttpd then sees their end.
    func cut(waitingLongerThan seconds: Int) {
        let now = Self.nowSeconds()
        // The lock keeps the sockets open: a number is not reused while it is shut.
        open.withLock { connections in
            for connection in connections.values where connection.hasWaited(seconds, until: now) {
                shutdown(connection.socket, Int32(SHUT_RDWR))
            }
        }
    }

    /// Seconds of the clock that never jumps.
    static func nowSeconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return time.tv_sec
    }
}
