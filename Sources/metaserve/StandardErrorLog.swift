import Files
import Glibc
import Synchronization
import Threads

/// The standard error as the place of log lines. Nothing waits long for who reads there: a line that is not taken is lost, and counted.
final class StandardErrorLog: Sendable {
    /// The process' own.
    static let shared = StandardErrorLog()

    private struct Output {
        var writer: LineWriter?
        /// Whether the reader took the line before.
        var isRead = true
    }

    private let output: Locked<Output>
    private let lost = Atomic<Int>(0)

    private init() { output = Locked(Output(writer: try? LineWriter(copying: STDERR_FILENO))) }

    /// How many lines were lost.
    var lostCount: Int { lost.load(ordering: .relaxed) }

    /// Writes a line, with its end. A reader that is behind gets a tenth of a second, once.
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
