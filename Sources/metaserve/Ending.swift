import Glibc
import Synchronization
import Threads

/// Ends a server that was told to stop. The end comes in time, even if runs, loads or log readers hang.
final class Ending: Sendable {
    private let endNanoseconds: UInt64
    private let status = Atomic<Int32>(1)

    /// The time for the last steps of the server: notifying clients and writing the log.
    private static let graceNanoseconds: UInt64 = 90_000_000

    /// Ends the process after a number of seconds, unless it has ended by itself.
    init(within seconds: Double) {
        endNanoseconds = MonotonicClock.nanoseconds &+ UInt64(min(max(0, seconds), 1e9) * 1e9)
        // Without a thread, the process ends when it can.
        try? SystemThread { [self] in
            while true {
                let now = MonotonicClock.nanoseconds
                let last = endNanoseconds &+ Self.graceNanoseconds
                if now >= last { _exit(status.load(ordering: .relaxed)) }
                var rest = timespec(
                    tv_sec: Int((last - now) / 1_000_000_000), tv_nsec: Int((last - now) % 1_000_000_000))
                nanosleep(&rest, nil)
            }
        }.detach()
    }

    /// The time left for responses.
    var remainingSeconds: Double {
        let now = MonotonicClock.nanoseconds
        return now >= endNanoseconds ? 0 : Double(endNanoseconds - now) / 1e9
    }

    /// From now on, a late end is not a failure.
    func allResponsesSent() { status.store(0, ordering: .relaxed) }
}
