internal import Files
internal import Glibc
internal import Synchronization
internal import Threads

/// A file that gets a line for each request, in JSON. Requests never wait for it: a thread of its own writes, and if that cannot keep up,
/// or nobody reads, lines are dropped and counted.
public final class AccessLog: Sendable {
    /// The lines to write, and the file to continue in.
    private struct Pending {
        var lines: [UInt8] = []
        /// The file to go on in, once the lines are written.
        var next: LineWriter?
        /// Whether lines that were taken are being written.
        var isWriting = false
        /// Whether the thread is done.
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
    /// Whether the file is a named pipe that nobody read when it was opened.
    public let isUnread: Bool

    private static let maxPendingBytes = 8 << 20
    /// How long the end waits for who reads.
    private static let closingMilliseconds = 500

    /// Why a log cannot be opened.
    public struct Failure: Error, CustomStringConvertible {
        /// The file, and what is wrong.
        public let description: String
    }

    /// Opens the file, to append to it.
    ///
    /// - Parameter path: The file; `-` for the standard output.
    /// - Throws: ``Failure`` naming file and cause.
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

    /// Writes what is still to be written, as far as somebody reads it, and closes the file.
    deinit {
        shared.isClosing.raise()
        shared.wake.signal()
        for _ in 0..<2 * Self.closingMilliseconds {
            if shared.pending.withLock(\.hasEnded) { return thread.join() }
            usleep(1000)
        }
        // A file system that hangs: the thread ends with the process.
        thread.detach()
    }

    private static func open(_ path: String) throws(Failure) -> LineWriter {
        do throws(LineWriter.Failure) {
            return path == "-" ? try LineWriter(copying: STDOUT_FILENO) : try LineWriter(path: path)
        } catch { throw Failure(description: "access log \(path): \(error.reason)") }
    }

    /// Opens the file again: lines from now on go to what is at the path now, as after a rotation. Those before go where they went.
    ///
    /// - Throws: ``Failure``; then the file stays that it was.
    public func reopen() throws(Failure) {
        let file = try Self.open(path)
        let unused = shared.pending.withLock { pending in
            defer { pending.next = file }
            return pending.next
        }
        unused?.close()
        shared.wake.signal()
    }

    /// Waits until all lines so far are written, but not longer than so many milliseconds.
    public func flush(milliseconds: Int) {
        for _ in 0..<milliseconds {
            if shared.pending.withLock({ $0.lines.isEmpty && !$0.isWriting }) { return }
            usleep(1000)
        }
    }

    /// How many lines were dropped.
    var droppedCount: Int { shared.dropped.load(ordering: .relaxed) }

    /// Adds a line, without its end.
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

        /// Waits for who reads, but at the end only so long.
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
