internal import Glibc
internal import Synchronization
internal import Threads

/// A file that gets a line for each request, in JSON. Requests never wait for it: a thread of its own writes, and if that cannot keep up,
/// lines are dropped and counted.
public final class AccessLog: Sendable {
    /// What is to be written, and where.
    private struct Pending {
        var lines: [UInt8] = []
        /// The file to go on in, once the lines are written.
        var next: Int32?
        /// Whether lines that were taken are being written.
        var isWriting = false
    }

    private let pending = Locked(Pending())
    private let path: String
    private let dropped = Atomic<Int>(0)
    private let isClosing = Flag()
    private let wake = Permits()
    private let thread: SystemThread

    private static let mostPendingBytes = 8 << 20

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
        let descriptor = try Self.open(path)
        let writer = Writer(pending: pending, isClosing: isClosing, wake: wake, descriptor: descriptor)
        do throws(SystemThread.Failure) {
            thread = try SystemThread {
                var writer = writer
                writer.run()
            }
        } catch { throw Failure(description: "access log \(path): no thread: \(error.reason)") }
    }

    /// Writes what is still to be written, and closes the file.
    deinit {
        isClosing.raise()
        wake.signal()
        thread.join()
    }

    private static func open(_ path: String) throws(Failure) -> Int32 {
        let descriptor =
            path == "-" ? dup(STDOUT_FILENO) : Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw Failure(description: "access log \(path): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    /// Opens the file again: lines from now on go to what is at the path now, as after a rotation. Those before go where they went.
    ///
    /// - Throws: ``Failure``; then the file stays that it was.
    public func reopen() throws(Failure) {
        let descriptor = try Self.open(path)
        let unused = pending.withLock { pending in
            defer { pending.next = descriptor }
            return pending.next
        }
        if let unused { close(unused) }
        wake.signal()
    }

    /// Waits until all lines so far are written, but not longer than so many milliseconds.
    public func flush(milliseconds: Int) {
        for _ in 0..<milliseconds {
            if pending.withLock({ $0.lines.isEmpty && !$0.isWriting }) { return }
            usleep(1000)
        }
    }

    /// How many lines were dropped.
    var droppedCount: Int { dropped.load(ordering: .relaxed) }

    /// Adds a line, without its end.
    func append(_ line: UnsafeRawBufferPointer) {
        let (isFirst, isKept) = pending.withLock { pending in
            guard pending.lines.count + line.count < Self.mostPendingBytes else { return (false, false) }
            let isFirst = pending.lines.isEmpty
            pending.lines.append(contentsOf: line)
            pending.lines.append(UInt8(ascii: "\n"))
            return (isFirst, true)
        }
        if !isKept { dropped.add(1, ordering: .relaxed) }
        if isFirst { wake.signal() }
    }

    /// What the thread does.
    private struct Writer: Sendable {
        let pending: Locked<Pending>
        let isClosing: Flag
        let wake: Permits
        var descriptor: Int32

        mutating func run() {
            while true {
                wake.wait()
                let isLast = isClosing.isRaised
                let taken = pending.withLock { pending in
                    defer { pending = Pending(isWriting: true) }
                    return pending
                }
                taken.lines.withUnsafeBytes { write($0) }
                pending.withLock { $0.isWriting = false }
                if let next = taken.next {
                    close(descriptor)
                    descriptor = next
                }
                if isLast { break }
            }
            close(descriptor)
        }

        /// What cannot be written is lost: a full disk must not stop the server.
        private func write(_ bytes: UnsafeRawBufferPointer) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}
