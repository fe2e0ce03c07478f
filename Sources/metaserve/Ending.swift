import Glibc
import Synchronization
import Threads

/// The end of a server that was told to stop: it comes in time, whatever still runs, loads or does not take log lines.
final class Ending: Sendable {
    private let endNanoseconds: UInt64
    private let status = Atomic<Int32>(1)

    /// The time for the last steps of the server: it notifies clients and writes its log.
    private static let graceNanoseconds: UInt64 = 90_000_000

    /// Ends the process after so many seconds, unless it has ended by itself.
    init(within seconds: Double) {
        endNanoseconds = MonotonicClock.nanoseconds &+ UInt64(min(max(0, seconds), 1e9) * 1e9)
        // Without a thread it ends when it can.
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

    /// How long clients may still be answered.
    var remainingSeconds: Double {
        let now = MonotonicClock.nanoseconds
        return now >= endNanoseconds ? 0 : Double(endNanoseconds - now) / 1e9
    }

    /// From now on an end that comes late is no failure.
    func allResponsesSent() { status.store(0, ordering: .relaxed) }
}
