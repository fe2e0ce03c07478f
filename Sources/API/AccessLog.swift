internal import Glibc
internal import Synchronization
internal import Threads

/// A file that gets a line for each request, in JSON. Requests never wait for it: a thread of its own writes, and if that cannot keep up,
/// lines are dropped and counted.
public final class AccessLog: Sendable {
    private let pending = Locked<[UInt8]>([])
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
        let descriptor = path == "-" ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw Failure(description: "access log \(path): \(String(cString: strerror(errno)))")
        }
        let writer = Writer(pending: pending, isClosing: isClosing, wake: wake, descriptor: descriptor)
        do throws(SystemThread.Failure) {
            thread = try SystemThread { writer.run() }
        } catch { throw Failure(description: "access log \(path): no thread: \(error.reason)") }
    }

    /// Writes what is still to be written, and closes the file.
    deinit {
        isClosing.raise()
        wake.signal()
        thread.join()
    }

    /// How many lines were dropped.
    var droppedCount: Int { dropped.load(ordering: .relaxed) }

    /// Adds a line, without its end.
    func append(_ line: UnsafeRawBufferPointer) {
        let (isFirst, isKept) = pending.withLock { pending in
            guard pending.count + line.count < Self.mostPendingBytes else { return (false, false) }
            let isFirst = pending.isEmpty
            pending.append(contentsOf: line)
            pending.append(UInt8(ascii: "\n"))
            return (isFirst, true)
        }
        if !isKept { dropped.add(1, ordering: .relaxed) }
        if isFirst { wake.signal() }
    }

    /// What the thread does.
    private struct Writer: Sendable {
        let pending: Locked<[UInt8]>
        let isClosing: Flag
        let wake: Permits
        let descriptor: Int32

        func run() {
            while true {
                wake.wait()
                let isLast = isClosing.isRaised
                let lines = pending.withLock { pending in
                    defer { pending = [] }
                    return pending
                }
                lines.withUnsafeBytes { write($0) }
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
