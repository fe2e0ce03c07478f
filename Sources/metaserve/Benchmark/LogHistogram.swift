/// A histogram of durations in nanoseconds. Each power of two has 1,024 buckets, so that a quantile is right to a thousandth.
///
/// Recording allocates no memory.
struct LogHistogram: Sendable {
    private var counts = [Int](repeating: 0, count: Self.bucketCount)
    /// The number of durations.
    private(set) var count = 0
    /// The shortest duration; 0 if there is none.
    private(set) var minimum = 0
    /// The longest duration.
    private(set) var maximum = 0
    private var sum = 0.0

    private static let bits = 10
    private static let size = 1 << bits
    /// Up to an hour and more; longer durations are counted as that.
    private static let maxShift = 32
    private static let bucketCount = (maxShift + 2) * size

    /// The mean; 0 if there is no duration.
    var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// Records a duration. A negative one counts as 0.
    mutating func record(_ nanoseconds: Int) {
        let value = max(0, nanoseconds)
        counts[Self.index(of: value)] += 1
        minimum = count == 0 ? value : min(minimum, value)
        maximum = max(maximum, value)
        count += 1
        sum += Double(value)
    }

    /// Adds the durations of another histogram.
    mutating func add(_ other: LogHistogram) {
        guard other.count > 0 else { return }
        for (index, number) in other.counts.enumerated() where number > 0 { counts[index] += number }
        minimum = count == 0 ? other.minimum : min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
        count += other.count
        sum += other.sum
    }

    /// The duration that a share of all durations does not exceed.
    ///
    /// - Parameter share: Between 0 and 1: 0.5 for the median.
    /// - Returns: The duration in nanoseconds; 0 if there is none.
    func quantile(_ share: Double) -> Double {
        guard count > 0 else { return 0 }
        let rank = max(1, Int((share * Double(count)).rounded(.up)))
        var seen = 0
        for (index, number) in counts.enumerated() where number > 0 {
            seen += number
            guard seen >= rank else { continue }
            let (lower, width) = Self.range(of: index)
            return min(max(Double(lower) + Double(width - 1) / 2, Double(minimum)), Double(maximum))
        }
        return Double(maximum)
    }

    /// How many durations there are from one bound to before the other, to the precision of a bucket.
    func count(from lower: Double, to upper: Double) -> Int {
        var result = 0
        for (index, number) in counts.enumerated() where number > 0 {
            let (start, width) = Self.range(of: index)
            let middle = Double(start) + Double(width - 1) / 2
            if middle >= lower, middle < upper { result += number }
        }
        return result
    }

    private static func index(of value: Int) -> Int {
        guard value >= size else { return value }
        let shift = Int.bitWidth - 1 - value.leadingZeroBitCount - bits
        guard shift <= maxShift else { return bucketCount - 1 }
        return shift * size + (value >> shift)
    }

    /// The lowest duration of a bucket, and how many there are.
    private static func range(of index: Int) -> (lower: Int, width: Int) {
        guard index >= 2 * size else { return (index, 1) }
        let shift = index / size - 1
        return ((index - shift * size) << shift, 1 << shift)
    }
}
