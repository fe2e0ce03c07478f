internal import Glibc
package import Memory
internal import Threads

/// Returns memory to the system after a peak, when the process is almost idle.
///
/// It observes resident memory and processor time only, so that it costs requests nothing.
package struct IdleMemory: Sendable {
    /// The state of the process at one observation.
    package struct Look: Hashable, Sendable {
        package var residentBytes: Int
        /// The processor time of all threads, since the start.
        package var processorNanoseconds: UInt64
        package var nanoseconds: UInt64

        package init(residentBytes: Int, processorNanoseconds: UInt64, nanoseconds: UInt64) {
            self.residentBytes = residentBytes
            self.processorNanoseconds = processorNanoseconds
            self.nanoseconds = nanoseconds
        }
    }

    /// The number of consecutive quiet observations before memory is returned.
    private static let quietLooks = 2
    /// Growth below this size is not worth returning.
    private static let slack = 16 << 20
    private static let microsecondsBetweenLooks: UInt32 = 1_000_000

    private var last: Look?
    private var quietCount = 0
    /// The smallest resident memory since memory was last returned.
    private var floorBytes = 0

    package init() {}

    /// Adds an observation.
    ///
    /// - Returns: Whether it is time to return memory. If so, call ``settle(at:)`` afterwards.
    package mutating func isDue(_ look: Look) -> Bool {
        defer { last = look }
        if floorBytes == 0 { floorBytes = look.residentBytes }
        floorBytes = min(floorBytes, look.residentBytes)
        guard let last, look.nanoseconds > last.nanoseconds else { return false }
        // A tenth of one processor.
        let isQuiet =
            (look.processorNanoseconds &- last.processorNanoseconds) < (look.nanoseconds - last.nanoseconds) / 10
        quietCount = isQuiet ? quietCount + 1 : 0
        return quietCount >= Self.quietLooks && look.residentBytes - floorBytes > max(Self.slack, floorBytes / 10)
    }

    /// Records the resident memory after memory was returned.
    package mutating func settle(at residentBytes: Int) {
        floorBytes = residentBytes
        quietCount = 0
    }

    /// Starts a thread that returns memory as long as the process lives.
    ///
    /// - Throws: `SystemThread.Failure`.
    package static func follow(_ memory: MemoryAccount) throws {
        try SystemThread {
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
            var idle = IdleMemory()
            while true {
                usleep(microsecondsBetweenLooks)
                guard idle.isDue(Look.now()) else { continue }
                memory.freeIdleMemory()
                FreedMemory.giveBack()
                idle.settle(at: Look.now().residentBytes)
            }
        }.detach()
    }
}

extension IdleMemory.Look {
    /// The current state of the process.
    static func now() -> IdleMemory.Look {
        let pages = (AvailableMemory.contents(of: "/proc/self/statm") ?? "").split(separator: " ")
        let resident = pages.count > 1 ? Int(pages[1]) ?? 0 : 0
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return IdleMemory.Look(
            residentBytes: resident * Int(sysconf(Int32(_SC_PAGESIZE))),
            processorNanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec),
            nanoseconds: MonotonicClock.nanoseconds)
    }
}
