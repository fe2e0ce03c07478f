import Glibc

/// A connection of a load generator, with one request at a time.
final class LoadConnection {
    /// What a call to the socket led to.
    enum Outcome {
        /// Nothing more can be done now.
        case waiting
        /// The response has come.
        case answered
        /// The connection has ended, or sends what is not HTTP.
        case broken, malformed
    }

    /// Its place among the connections of its thread.
    let index: Int
    /// The socket; -1 if there is none.
    private(set) var socket: Int32 = -1
    /// Whether the socket accepts no more bytes, so that its events have to tell when it does.
    private(set) var isSendingBlocked = false
    /// Whether it waits for a response.
    private(set) var isBusy = false
    /// When the request was due, in nanoseconds of the monotonic clock.
    private(set) var due: UInt64 = 0
    /// When to connect again after a failure.
    var retryTime: UInt64?
    /// The bytes of the request that were sent. None are before the connection is made.
    private(set) var sent = 0
    private var reader = ResponseReader()

    /// The status of the response.
    var status: Int { reader.status }
    /// Whether the connection cannot be used after the response.
    private(set) var closes = false
    /// Whether there was a response since it was opened.
    private(set) var wasUsed = false

    init(index: Int) { self.index = index }

    /// Closes the socket.
    func close() {
        if socket >= 0 { Glibc.close(socket) }
        socket = -1
        isBusy = false
        isSendingBlocked = false
        wasUsed = false
    }

    /// Begins to connect.
    ///
    /// - Returns: Whether that was possible.
    func connect(to server: ServerSocket) -> Bool {
        close()
        guard let descriptor = server.connect() else { return false }
        socket = descriptor
        return true
    }

    /// Begins a request.
    func begin(due: UInt64) {
        self.due = due
        sent = 0
        isBusy = true
        closes = false
        reader.reset()
    }

    /// Sends as much of the request as the socket accepts.
    func send(_ request: [UInt8]) -> Outcome {
        while sent < request.count {
            let count = request.withUnsafeBytes { bytes in
                Glibc.send(
                    socket, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN || errno == ENOTCONN {
                isSendingBlocked = true
                return .waiting
            } else if errno != EINTR {
                return .broken
            }
        }
        isSendingBlocked = false
        return .waiting
    }

    /// Receives what has come.
    ///
    /// - Parameters:
    ///   - buffer: Memory for it.
    ///   - received: Gets the number of bytes.
    ///   - requestCount: The number of bytes of the request.
    /// - Returns: What that led to.
    func receive(_ buffer: UnsafeMutableRawBufferPointer, _ received: inout Int, requestCount: Int) -> Outcome {
        while true {
            let count = recv(socket, buffer.baseAddress, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return .waiting }
            guard count > 0 else {
                guard count == 0, isBusy, reader.endsWithConnection else { return .broken }
                return answered(closes: true)
            }
            received += count
            guard isBusy else { return .malformed }
            switch reader.read(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
            case .unfinished: if count < buffer.count { return .waiting }
            case .complete(let used):
                // A response before the end of the request, or bytes after it, leave the connection in no known state.
                return answered(closes: reader.closes || used < count || sent < requestCount)
            case .malformed: return .malformed
            }
        }
    }

    private func answered(closes: Bool) -> Outcome {
        self.closes = closes
        isBusy = false
        wasUsed = true
        return .answered
    }
}
