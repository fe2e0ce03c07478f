internal import Files
internal import Glibc
internal import Synchronization
internal import Threads

/// A file with a line of JSON for each request. Requests never wait for it. A separate thread writes. If it cannot keep up, or nothing reads the
/// pipe, lines are dropped and counted.
public final class AccessLog: Sendable {
    /// The lines to write, and the next file.
    private struct Pending {
        var lines: [UInt8] = []
        /// The file for later lines, once these are written.
        var next: LineWriter?
        /// Whether lines are being written.
        var isWriting = false
        /// Whether the thread has ended.
        var hasEnded = false
    }

    /// The state that the log and its thread share.
    private final class Shared: Sendable {
        let pending = Locked(Pending())
        let dropped = Atomic<Int>(0)
        let isClosing = Flag()
        let wake = Permits()
    }

    private let shared = Shared()
    private let path: String
    private let thread: SystemThread
    /// Whether the file is a named pipe that had no reader when it was opened.
    public let isUnread: Bool

    private static let maxPendingBytes = 8 << 20
    /// The maximum time to wait for the reader at the end.
    private static let closingMilliseconds = 500

    /// The reason why a log cannot be opened.
    public struct Failure: Error, CustomStringConvertible {
        /// The file, and the problem.
        public let description: String
    }

    /// Opens the file, to append to it.
    ///
    /// - Parameter path: The file; `-` for the standard output.
    /// - Throws: ``Failure`` with the file and the cause.
    public init(path: String) throws(Failure) {
        self.path = path
        let file = try Self.open(path)
        isUnread = !file.isOpen
        let writer = Writer(shared: shared, file: file)
        do throws(SystemThread.Failure) {
            thread = try SystemThread {
                var writer = writer
                writer.run()
            }
        } catch { throw Failure(description: "access log \(path): no thread: \(error.reason)") }
    }

    /// Writes the remaining lines, as far as they are read, and closes the file.
    deinit {
        shared.isClosing.raise()
        shared.wake.signal()
        for _ in 0..<2 * Self.closingMilliseconds {
            if shared.pending.withLock(\.hasEnded) { return thread.join() }
            usleep(1000)
        }
        // If the file system hangs, the thread ends with the process.
        thread.detach()
    }

    private static func open(_ path: String) throws(Failure) -> LineWriter {
        do throws(LineWriter.Failure) {
            return path == "-" ? try LineWriter(copying: STDOUT_FILENO) : try LineWriter(path: path)
        } catch { throw Failure(description: "access log \(path): \(error.reason)") }
    }

    /// Opens the file again, for example after a rotation. Later lines go to the file that is at the path now, earlier lines to the old file.
    ///
    /// - Throws: ``Failure``. The old file stays in use then.
    public func reopen() throws(Failure) {
        let file = try Self.open(path)
        let unused = shared.pending.withLock { pending in
            defer { pending.next = file }
            return pending.next
        }
        unused?.close()
        shared.wake.signal()
    }

    /// Waits until all lines so far are written, up to a number of milliseconds.
    public func flush(milliseconds: Int) {
        for _ in 0..<milliseconds {
            if shared.pending.withLock({ $0.lines.isEmpty && !$0.isWriting }) { return }
            usleep(1000)
        }
    }

    /// The number of dropped lines.
    var droppedCount: Int { shared.dropped.load(ordering: .relaxed) }

    /// Adds a line, without a newline.
    func append(_ line: UnsafeRawBufferPointer) {
        let (isFirst, isKept) = shared.pending.withLock { pending in
            guard pending.lines.count + line.count < Self.maxPendingBytes else { return (false, false) }
            let isFirst = pending.lines.isEmpty
            pending.lines.append(contentsOf: line)
            pending.lines.append(UInt8(ascii: "\n"))
            return (isFirst, true)
        }
        if !isKept { shared.dropped.add(1, ordering: .relaxed) }
        if isFirst { shared.wake.signal() }
    }

    /// The loop of the thread.
    private struct Writer: Sendable {
        let shared: Shared
        var file: LineWriter

        mutating func run() {
            while true {
                shared.wake.wait()
                let isLast = shared.isClosing.isRaised
                let taken = shared.pending.withLock { pending in
                    defer { pending = Pending(isWriting: true) }
                    return pending
                }
                write(taken.lines)
                shared.pending.withLock { $0.isWriting = false }
                if let next = taken.next {
                    file.close()
                    file = next
                }
                if isLast { break }
            }
            file.close()
            shared.pending.withLock { $0.hasEnded = true }
        }

        /// Writes lines, and waits for the reader. At the end, the wait is limited.
        private mutating func write(_ lines: [UInt8]) {
            var waitsLeft = AccessLog.closingMilliseconds / 100
            let isClosing = shared.isClosing
            let lost = lines.withUnsafeBytes { lines in
                file.write(lines) {
                    if isClosing.isRaised { waitsLeft -= 1 }
                    return waitsLeft > 0
                }
            }
            if lost > 0 { shared.dropped.add(lost, ordering: .relaxed) }
        }
    }
}
