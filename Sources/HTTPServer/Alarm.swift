internal import Glibc
internal import Synchronization

/// Wakes a thread that waits with `poll`.
final class Alarm: Sendable {
    private let reader: Int32
    private let writer: Int32
    private let isAsleep = Atomic<Bool>(false)

    /// - Throws: ``HTTPServerError`` if there are no file descriptors left.
    init() throws(HTTPServerError) {
        var ends: (Int32, Int32) = (-1, -1)
        let status = withUnsafeMutableBytes(of: &ends) { pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self)) }
        guard status == 0 else {
            throw HTTPServerError(.system, "a pipe cannot be made: \(String(cString: strerror(errno)))")
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

    /// Wakes.
    func ring() {
        var byte: UInt8 = 1
        // A full pipe is as good: the thread wakes all the same.
        _ = write(writer, &byte, 1)
    }

    /// Forgets the rings so far.
    func silence() {
        var bytes: (UInt64, UInt64) = (0, 0)
        _ = withUnsafeMutableBytes(of: &bytes) { read(reader, $0.baseAddress, $0.count) }
    }

    /// The thread is about to wait for long. Whoever gives it something to do after it has looked for that wakes it.
    func fallAsleep() { isAsleep.store(true, ordering: .sequentiallyConsistent) }

    /// The thread will look again soon by itself.
    func wakeUp() { isAsleep.store(false, ordering: .sequentiallyConsistent) }

    /// Wakes the thread if it waits for long.
    func ringIfAsleep() {
        guard isAsleep.load(ordering: .sequentiallyConsistent),
            isAsleep.exchange(false, ordering: .sequentiallyConsistent)
        else { return }
        ring()
    }
}
