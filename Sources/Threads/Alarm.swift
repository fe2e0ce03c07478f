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

    /// Waits for a ring, and clears it. May return early.
    ///
    /// - Parameter milliseconds: The maximum time to wait; nil for no limit.
    /// - Returns: Whether the alarm rang.
    package func wait(milliseconds: Int32?) -> Bool {
        var polled = polled
        guard poll(&polled, 1, milliseconds ?? -1) > 0 else { return false }
        silence()
        return true
    }

    /// Wakes the thread.
    package func ring() {
        var byte: UInt8 = 1
        // If the pipe is full, the thread wakes anyway.
        _ = write(writer, &byte, 1)
    }

    /// Clears all rings so far.
    package func silence() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while withUnsafeMutableBytes(of: &bytes, { read(reader, $0.baseAddress, $0.count) }) == 16 {}
    }

    /// Announces that the thread is about to wait. From now on, ``ringIfAsleep()`` wakes it.
    package func fallAsleep() { isAsleep.store(true, ordering: .sequentiallyConsistent) }

    /// Announces that the thread checks for work by itself.
    package func wakeUp() { isAsleep.store(false, ordering: .sequentiallyConsistent) }

    /// Wakes the thread if it has announced that it waits.
    package func ringIfAsleep() {
        guard isAsleep.load(ordering: .sequentiallyConsistent),
            isAsleep.exchange(false, ordering: .sequentiallyConsistent)
        else { return }
        ring()
    }
}
