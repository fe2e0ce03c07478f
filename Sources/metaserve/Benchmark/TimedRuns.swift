import Execution
import Operations
import Threads

/// The times of runs of a call, one after the other.
struct TimedRuns {
    /// The times.
    private(set) var times = LogHistogram()
    /// How long all runs took, in seconds.
    private(set) var seconds = 0.0

    private static let leastRuns = 5
    private static let leastWarmUpRuns = 3
    private static let longestWarmUp = 0.5

    /// Runs the call until the time is over, and at least a few times. Runs before that make programs, packed weights and warm caches.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - threads: The number of threads that a run may use.
    ///   - seconds: How long.
    ///   - progress: Shows how far it is.
    /// - Throws: `OpError` if the graph cannot be run with the feeds.
    init(of call: BenchmarkCall, threads: Int, seconds: Double, _ progress: inout Progress) throws {
        let helpers = Self.helpers(for: threads)
        try TensorView.withViews(of: call.tensors) { feeds throws(OpError) in
            try warmUp(call.callable, feeds, helpers, min(Self.longestWarmUp, seconds / 10))
            let start = MonotonicClock.nanoseconds
            let end = start + UInt64(seconds * 1e9)
            var now = start
            while now < end || times.count < Self.leastRuns {
                let begin = MonotonicClock.nanoseconds
                try call.callable.run(feeds, helpers: helpers) { _ in }
                now = MonotonicClock.nanoseconds
                times.record(Int(now - begin))
                progress.show(at: now) {
                    "\(times.count) runs, mean \(DurationText.text(times.mean))"
                }
            }
            self.seconds = Double(now - start) / 1e9
        }
        progress.end()
    }

    /// The source of helpers for runs on a number of threads; nil for one thread.
    static func helpers(for threads: Int) -> SpareProcessors? {
        threads > 1 ? SpareProcessors(processors: threads) : nil
    }

    private func warmUp(
        _ callable: Callable, _ feeds: UnsafeBufferPointer<TensorView>, _ helpers: SpareProcessors?, _ seconds: Double
    ) throws(OpError) {
        let end = MonotonicClock.nanoseconds + UInt64(seconds * 1e9)
        var count = 0
        while count < Self.leastWarmUpRuns || MonotonicClock.nanoseconds < end {
            try callable.run(feeds, helpers: helpers) { _ in }
            count += 1
        }
    }
}
