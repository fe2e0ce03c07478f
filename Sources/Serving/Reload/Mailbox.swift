internal import Glibc
internal import Threads

/// Messages from many threads to one thread, which waits for them with `poll`.
final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Locked<[Message]>([])
    private let alarm: Alarm

    /// - Throws: ``ModelError`` if there are no file descriptors left.
    init() throws(ModelError) {
        do throws(SystemThread.Failure) { alarm = try Alarm() } catch {
            throw ModelError(.io, "cannot create a pipe: \(error.reason)")
        }
    }

    /// The descriptor to wait for.
    var polled: pollfd { alarm.polled }

    func send(_ message: Message) {
        messages.withLock { $0.append(message) }
        alarm.ring()
    }

    /// Takes all messages, the oldest first.
    func take() -> [Message] {
        alarm.silence()
        return messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }

    /// Takes the oldest message, for one of several threads that share the mailbox.
    func takeFirst() -> Message? {
        alarm.silence()
        let (message, isLast) = messages.withLock { messages -> (Message?, Bool) in
            guard !messages.isEmpty else { return (nil, true) }
            return (messages.removeFirst(), messages.isEmpty)
        }
        // The others are for the other threads.
        if !isLast { alarm.ring() }
        return message
    }

    /// Waits until there is a message. May return early.
    ///
    /// - Parameter timeout: The maximum time to wait; nil for no limit.
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
