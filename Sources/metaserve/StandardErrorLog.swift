import Files
import Glibc
import Synchronization
import Threads

/// Writes log lines to the standard error. It does not wait long for a reader. Lines that are not read in time are dropped and counted.
final class StandardErrorLog: Sendable {
    /// The process's log.
    static let shared = StandardErrorLog()

    private struct Output {
        var writer: LineWriter?
        /// Whether the previous line was read in time.
        var isRead = true
    }

    private let output: Locked<Output>
    private let lost = Atomic<Int>(0)

    private init() { output = Locked(Output(writer: try? LineWriter(copying: STDERR_FILENO))) }

    /// The number of lost lines.
    var lostCount: Int { lost.load(ordering: .relaxed) }

    /// Writes a line, with its newline. Waits once for a tenth of a second if the reader is slow.
    func write(_ line: String) {
        var line = line
        let count = line.withUTF8 { bytes in
            output.withLock { output in
                var waitsLeft = output.isRead ? 1 : 0
                let count =
                    output.writer?.write(UnsafeRawBufferPointer(bytes)) {
                        waitsLeft -= 1
                        return waitsLeft >= 0
                    } ?? 1
                output.isRead = count == 0
                return count
            }
        }
        if count > 0 { lost.add(count, ordering: .relaxed) }
    }
}
