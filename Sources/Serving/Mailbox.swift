internal import Glibc
internal import Threads

/// Messages from many threads to one, which waits for them with `poll`.
final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Locked<[Message]>([])
    private let reader: Int32
    private let writer: Int32

    /// - Throws: ``ModelError`` if there are no file descriptors left.
    init() throws(ModelError) {
        var ends: (Int32, Int32) = (-1, -1)
        let status = withUnsafeMutableBytes(of: &ends) { pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self)) }
        guard status == 0 else {
            throw ModelError(.io, "a pipe cannot be made: \(String(cString: strerror(errno)))")
        }
        (reader, writer) = ends
        for end in [reader, writer] {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    deinit {
        close(reader)
        close(writer)
    }

    /// What to wait for.
    var polled: pollfd { pollfd(fd: reader, events: Int16(POLLIN), revents: 0) }

    func send(_ message: Message) {
        messages.withLock { $0.append(message) }
        var byte: UInt8 = 1
        // A full pipe is as good: the thread wakes all the same.
        _ = write(writer, &byte, 1)
    }

    /// All messages so far, the oldest first.
    func take() -> [Message] {
        var bytes: (UInt64, UInt64) = (0, 0)
        while withUnsafeMutableBytes(of: &bytes, { read(reader, $0.baseAddress, $0.count) }) > 0 {}
        return messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }

    /// The oldest message, for one of several threads that share the box.
    func takeFirst() -> Message? {
        var byte: UInt8 = 0
        _ = read(reader, &byte, 1)
        return messages.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    /// Waits until there is a message.
    ///
    /// - Parameter timeout: How long at the most; nil for ever.
    func wait(upTo timeout: Duration?) {
        var polled = polled
        poll(&polled, 1, timeout.map(\.pollMilliseconds) ?? -1)
    }
}

extension Duration {
    /// Milliseconds for `poll`, rounded up, at most an hour.
    var pollMilliseconds: Int32 {
        let limited = Swift.max(.zero, Swift.min(self, .seconds(3600)))
        return Int32((limited / .milliseconds(1)).rounded(.up))
    }
}
