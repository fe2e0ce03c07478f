internal import Threads

/// A histogram with fixed bounds, and the sum of its values. Recording takes no lock. Concurrent reads may miss the last values.
package final class Histogram: Sendable {
    /// The inclusive upper bounds, ascending. There is one more bucket above the last.
    package let bounds: [Int]
    /// One counter for each bucket, then the sum.
    private let counters: Counters

    /// - Parameter bounds: The upper bounds of the buckets, ascending.
    package init(bounds: [Int]) {
        self.bounds = bounds
        counters = Counters(bounds.count + 2)
    }

    /// A histogram of durations in nanoseconds: from 50 microseconds to half a minute.
    package static func ofDurations() -> Histogram {
        Histogram(
            bounds: [
                50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000,
                100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
                30_000_000_000,
            ])
    }

    /// A histogram of load times in nanoseconds: from 10 milliseconds to ten minutes.
    package static func ofLoads() -> Histogram {
        Histogram(
            bounds: [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 180_000, 600_000]
                .map { $0 * 1_000_000 })
    }

    /// A histogram of small numbers: 1, 2, 4 ... 256.
    package static func ofCounts() -> Histogram { Histogram(bounds: (0...8).map { 1 << $0 }) }

    /// Records a value. Negative values count as 0.
    package func record(_ value: Int) {
        let value = max(0, value)
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        counters.add(1, at: index, value, at: bounds.count + 1)
    }

    /// The number of values in each bucket.
    package var counts: [Int] { (0...bounds.count).map { counters[$0] } }

    /// The sum of all values.
    package var sum: Int { counters[bounds.count + 1] }

    /// The number of values.
    package var total: Int { counts.reduce(0, +) }
}
