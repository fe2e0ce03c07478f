import Glibc
import Synchronization
import Threads

/// Sends requests over several connections, and measures the latencies of the responses.
struct LoadGenerator {
    private let plan: LoadPlan

    init(_ plan: LoadPlan) { self.plan = plan }

    /// The time that the threads have to connect.
    private static let headStart: UInt64 = 50_000_000

    /// Sends the requests.
    ///
    /// - Parameter progress: Shows the responses so far.
    /// - Returns: What became of the requests.
    /// - Throws: ``LoadThread/Failure`` and `SystemThread.Failure` if the system has no descriptors or threads left.
    func run(_ progress: inout Progress) throws -> LoadResult {
        let start = MonotonicClock.nanoseconds + Self.headStart
        let counts = (0..<plan.threads).map { _ in LoadCounts() }
        let total = Locked(LoadResult())
        let failure = Locked<LoadThread.Failure?>(nil)
        let endedCount = Counters(1)
        var threads: [SystemThread] = []
        defer { for thread in threads { thread.join() } }
        for number in 0..<plan.threads {
            let (plan, counts) = (plan, counts[number])
            threads.append(
                try SystemThread {
                    do throws(LoadThread.Failure) {
                        var thread = try LoadThread(plan, number: number, start: start, counts)
                        let result = thread.run()
                        total.withLock { $0.add(result) }
                    } catch { failure.withLock { $0 = error } }
                    endedCount.add(1, at: 0)
                })
        }
        while endedCount[0] < plan.threads {
            usleep(20_000)
            progress.show(at: MonotonicClock.nanoseconds) {
                let responses = counts.reduce(0) { $0 + $1.responses.load(ordering: .relaxed) }
                let errors = counts.reduce(0) { $0 + $1.errors.load(ordering: .relaxed) }
                return "\(responses) responses, \(errors) errors"
            }
        }
        progress.end()
        if let failure = failure.withLock({ $0 }) { throw failure }
        return total.withLock { $0 }
    }
}
