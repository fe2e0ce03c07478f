internal import Glibc
internal import Threads

/// Sockets of clients that got a response before they had sent everything. The queue passes them to the thread that reads the rest.
///
/// Closing a socket with unread bytes resets the connection, and the client may lose the response. The library therefore closes its
/// descriptor, and a duplicate stays open until the client is done.
final class LingeringQueue: Sendable {
    private let descriptors = Locked<[Int32]>([])
    private let alarm: Alarm

    private static let maxSockets = 256

    init(_ alarm: Alarm) { self.alarm = alarm }

    deinit { take().forEach { close($0) } }

    /// Keeps a duplicate of the descriptor. The caller's descriptor can be closed.
    func add(_ socket: Int32) {
        let isAdded = descriptors.withLock { descriptors in
            guard descriptors.count < Self.maxSockets else { return false }
            let copy = fcntl(socket, F_DUPFD_CLOEXEC, 0)
            if copy >= 0 { descriptors.append(copy) }
            return copy >= 0
        }
        if isAdded { alarm.ring() }
    }

    /// The descriptors that were added since the last call.
    func take() -> [Int32] {
        descriptors.withLock { descriptors in
            defer { descriptors = [] }
            return descriptors
        }
    }
}

/// The sockets that are read until their clients are done or take too long.
struct LingeringSockets: ~Copyable {
    private var sockets: [(descriptor: Int32, deadline: Int)] = []

    private static let maxSeconds = 5
    private static let maxSockets = 256

    deinit { for socket in sockets { close(socket.descriptor) } }

    /// The descriptors to wait for.
    var polled: [pollfd] { sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) } }

    var isEmpty: Bool { sockets.isEmpty }

    /// Takes ownership of descriptors.
    mutating func add(_ descriptors: [Int32]) {
        for descriptor in descriptors {
            if sockets.count < Self.maxSockets {
                sockets.append((descriptor, Pace.now + Self.maxSeconds))
            } else {
                close(descriptor)
            }
        }
    }

    /// Reads and drops received bytes. Closes sockets that have ended.
    mutating func read() {
        let now = Pace.now
        sockets.removeAll { socket in
            let isDone = socket.deadline < now || Self.drain(socket.descriptor)
            if isDone { close(socket.descriptor) }
            return isDone
        }
    }

    /// Whether the client has closed.
    private static func drain(_ descriptor: Int32) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { memory in
            // Limits a client that sends without end to its turn.
            for _ in 0..<16 {
                let count = recv(descriptor, memory.baseAddress, memory.count, Int32(MSG_DONTWAIT))
                guard count > 0 else { return count == 0 || errno != EAGAIN }
            }
            return false
        }
    }
}
