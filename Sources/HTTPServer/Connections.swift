internal import Glibc
internal import LockFree
internal import Synchronization

/// A connection with a client.
final class Connection: Sendable {
    let socket: Int32
    /// When the client must have moved on, on the clock of ``Pace``.
    let deadline: Atomic<Int>
    /// Whether the server waits for the client to send.
    let isReceiving = Atomic<Bool>(true)
    /// The deadline when the client's end was last seen to be closed; -1 if it was not.
    private let deadlineAtEnd = Atomic<Int>(-1)

    init(socket: Int32, deadline: Int) {
        self.socket = socket
        self.deadline = Atomic(deadline)
    }

    /// Whether the client has sent what the library has not read yet.
    fileprivate var hasUnreadBytes: Bool { peek() > 0 }

    /// Whether the client has closed its end without completing a request, at this look and at the one before.
    ///
    /// The library misses the end if it comes together with the last bytes. Only the second look counts: at the first, the
    /// library may be about to handle what it has just read.
    fileprivate func isAbandoned() -> Bool {
        guard isReceiving.load(ordering: .relaxed), peek() == 0 else {
            deadlineAtEnd.store(-1, ordering: .relaxed)
            return false
        }
        let now = deadline.load(ordering: .relaxed)
        return deadlineAtEnd.exchange(now, ordering: .relaxed) == now
    }

    private func peek() -> Int {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
    }
}

/// The open connections of a worker, for other threads to look at.
final class Connections: Sendable {
    // A socket is closed after its connection is removed: under the lock, its number is not another's.
    private let open = Locked<[ObjectIdentifier: Connection]>([:])

    func add(_ connection: Connection) { open.withLock { $0[ObjectIdentifier(connection)] = connection } }

    /// Called before the socket is closed.
    func remove(_ connection: Connection) { open.withLock { $0[ObjectIdentifier(connection)] = nil } }

    /// Whether any client has sent what has not been read yet.
    var haveUnreadBytes: Bool { open.withLock { $0.values.contains(where: \.hasUnreadBytes) } }

    /// Shuts the connections whose deadline has passed and those whose clients are gone. libmicrohttpd then sees their end.
    func cut() {
        let now = Pace.now
        open.withLock { connections in
            for connection in connections.values
            where connection.deadline.load(ordering: .relaxed) < now || connection.isAbandoned() {
                shutdown(connection.socket, Int32(SHUT_RDWR))
            }
        }
    }
}
