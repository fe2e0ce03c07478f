package import Glibc
internal import Synchronization

/// Wakes a thread that waits with `poll`.
package final class Alarm: Sendable {
    private let reader: Int32
    private let writer: Int32
    private let isAsleep = Atomic<Bool>(false)

    /// - Throws: ``SystemThread/Failure`` if there are no file descriptors left.
    package init() throws(SystemThread.Failure) {
        var ends: (Int32, Int32) = (-1, -1)
        let status = withUnsafeMutableBytes(of: &ends) { pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self)) }
        guard status == 0 else { throw SystemThread.Failure(code: errno) }
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

    /// The descriptor to wait for.
    package var polled: pollfd { pollfd(fd: reader, events: Int16(POLLIN), revents: 0) }

    /// Waits until somebody rings, perhaps not so long, and forgets the rings.
    ///
    /// - Parameter milliseconds: How long at the most; nil for ever.
    /// - Returns: Whether somebody rang.
    package func wait(milliseconds: Int32?) -> Bool {
        var polled = polled
        guard poll(&polled, 1, milliseconds ?? -1) > 0 else { return false }
        silence()
        return true
    }

    /// Wakes.
    package func ring() {
        var byte: UInt8 = 1
        // A full pipe is as good: the thread wakes all the same.
        _ = write(writer, &byte, 1)
    }

    /// Forgets the rings so far.
    package func silence() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while withUnsafeMutableBytes(of: &bytes, { read(reader, $0.baseAddress, $0.count) }) == 16 {}
    }

    /// The thread is about to wait for long. Whoever gives it something to do after it has looked for that wakes it.
    package func fallAsleep() { isAsleep.store(true, ordering: .sequentiallyConsistent) }

    /// The thread will look again soon by itself.
    package func wakeUp() { isAsleep.store(false, ordering: .sequentiallyConsistent) }

    /// Wakes the thread if it waits for long.
    package func ringIfAsleep() {
        guard isAsleep.load(ordering: .sequentiallyConsistent),
            isAsleep.exchange(false, ordering: .sequentiallyConsistent)
        else { return }
        ring()
    }
}
