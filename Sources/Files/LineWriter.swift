internal import Glibc

/// Writes lines to a file, a pipe or a terminal. It waits for a reader for a limited time. Lines that cannot be written are dropped
/// and counted.
///
/// For one thread at a time.
package struct LineWriter: Sendable {
    /// -1 while a named pipe has no reader.
    private var descriptor: Int32
    /// Whether writing may wait for a reader: all but regular files.
    private let isStream: Bool
    /// The path of a named pipe, which may not have a reader yet.
    private let pipePath: String?
    /// The time of the last check of a named pipe.
    private var lastLook: UInt32 = 0
    /// Whether the previous line was cut off.
    private var isInLine = false

    /// The reason why a file cannot be opened.
    package struct Failure: Error {
        /// The operating system's message.
        package let reason: String
    }

    /// Whether there may be a reader.
    package var isOpen: Bool { descriptor >= 0 }

    /// Opens a file to append to it, and creates it if needed. A named pipe without a reader is opened when it has one.
    ///
    /// - Throws: ``Failure`` with the cause.
    package init(path: String) throws(Failure) {
        let opened = Self.open(path)
        let isUnread = opened < 0 && errno == ENXIO
        guard opened >= 0 || isUnread else { throw Failure(reason: String(cString: strerror(errno))) }
        let kind = isUnread ? mode_t(S_IFIFO) : Self.kind(opened)
        descriptor = opened
        isStream = kind != S_IFREG
        pipePath = kind == S_IFIFO ? path : nil
    }

    /// Writes to a copy of an open descriptor, such as the standard output.
    ///
    /// - Throws: ``Failure`` where it is closed.
    package init(copying original: Int32) throws(Failure) {
        let kind = Self.kind(original)
        // O_NONBLOCK belongs to the open file, which is shared with other processes. A pipe is therefore opened again.
        var opened: Int32 = -1
        if kind == S_IFIFO { opened = Glibc.open("/proc/self/fd/\(original)", O_WRONLY | O_NONBLOCK | O_CLOEXEC) }
        if opened < 0 { opened = fcntl(original, F_DUPFD_CLOEXEC, 3) }
        guard opened >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
        descriptor = opened
        isStream = kind != S_IFREG
        pipePath = nil
    }

    /// Closes the file.
    package func close() { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

    private static func open(_ path: String) -> Int32 {
        Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
    }

    private static func kind(_ descriptor: Int32) -> mode_t {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? status.st_mode & mode_t(S_IFMT) : 0
    }

    /// Writes lines.
    ///
    /// - Parameters:
    ///   - bytes: Lines with their ends.
    ///   - mayWait: Called each time before it waits a tenth of a second for the reader.
    /// - Returns: The number of lost lines, including one that was cut off.
    package mutating func write(_ bytes: UnsafeRawBufferPointer, mayWait: () -> Bool) -> Int {
        guard find() else { return Self.lines(in: bytes[...]) }
        if isInLine, !bytes.isEmpty {
            let end = UInt8(ascii: "\n")
            isInLine = withUnsafeBytes(of: end) { put($0, mayWait) } == 0
            guard !isInLine else { return Self.lines(in: bytes[...]) }
        }
        let count = put(bytes, mayWait)
        isInLine = count > 0 && bytes[count - 1] != UInt8(ascii: "\n")
        return Self.lines(in: bytes[count...])
    }

    private static func lines(in bytes: Slice<UnsafeRawBufferPointer>) -> Int {
        bytes.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    }

    /// Opens a named pipe if it has a reader now. Tries at most once a second.
    private mutating func find() -> Bool {
        guard descriptor < 0, let pipePath else { return descriptor >= 0 }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        let now = UInt32(truncatingIfNeeded: time.tv_sec)
        guard now != lastLook else { return false }
        lastLook = now
        descriptor = Self.open(pipePath)
        return descriptor >= 0
    }

    /// - Returns: The number of bytes written.
    private func put(_ bytes: UnsafeRawBufferPointer, _ mayWait: () -> Bool) -> Int {
        var written = 0
        while written < bytes.count {
            // The number of bytes that a pipe with room takes without blocking.
            let limit = isStream ? min(bytes.count - written, Int(PIPE_BUF)) : bytes.count - written
            guard !isStream || waitForReader(mayWait) else { break }
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, limit)
            if count < 0, errno == EINTR || errno == EAGAIN && isStream && mayWait() { continue }
            guard count > 0 else { break }
            written += count
        }
        return written
    }

    private func waitForReader(_ mayWait: () -> Bool) -> Bool {
        var milliseconds: Int32 = 0
        while true {
            var look = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let count = poll(&look, 1, milliseconds)
            // If there is no reader any more, the write fails.
            if count > 0 { return true }
            if count < 0, errno != EINTR { return false }
            guard mayWait() else { return false }
            milliseconds = 100
        }
    }
}
