import Foundation

/// Durations and numbers as text, for people.
enum DurationText {
    /// A duration with its unit, in three or four digits.
    ///
    /// - Parameter nanoseconds: The duration.
    /// - Returns: Such as `310 ns`, `4.21 us`, `105 ms`.
    static func text(_ nanoseconds: Double) -> String {
        var value = nanoseconds
        for unit in ["ns", "us", "ms"] {
            if value < 999.5 { return "\(number(value, isWhole: unit == "ns")) \(unit)" }
            value /= 1000
        }
        return "\(number(value, isWhole: false)) s"
    }

    private static func number(_ value: Double, isWhole: Bool) -> String {
        let decimals = isWhole || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
        return String(format: "%.\(decimals)f", value)
    }

    /// A number with as many decimals as are worth reading.
    static func rate(_ value: Double) -> String { number(value, isWhole: value >= 1000) }

    /// Microseconds, rounded to a nanosecond, for JSON.
    static func microseconds(_ nanoseconds: Double) -> Double { nanoseconds.rounded() / 1000 }
}

/// Text left or right in a column.
extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    func indented(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}

/// A histogram as lines of text: bars between bounds that grow by the same factor, and one for the slowest hundredth.
struct HistogramText {
    private let histogram: LogHistogram
    private static let rowCount = 12
    private static let barWidth = 48

    init(_ histogram: LogHistogram) { self.histogram = histogram }

    /// The lines; none without durations.
    var lines: [String] {
        guard histogram.count > 0 else { return [] }
        let lowest = max(1, Double(histogram.minimum))
        let highest = max(histogram.quantile(0.99), lowest)
        let factor = max(1.01, pow(highest / lowest, 1 / Double(Self.rowCount)))
        var rows: [(lower: Double, upper: Double, count: Int)] = []
        var lower = lowest
        while lower <= highest, rows.count <= Self.rowCount {
            let upper = lower * factor
            // Durations below a nanosecond are in the first row.
            rows.append((lower, upper, histogram.count(from: rows.isEmpty ? 0 : lower, to: upper)))
            lower = upper
        }
        let above = histogram.count(from: lower, to: .infinity)
        if above > 0 { rows.append((lower, Double(histogram.maximum), above)) }
        let most = max(1, rows.map(\.count).max() ?? 1)
        return rows.map { row in
            let length = (row.count * Self.barWidth + most - 1) / most
            let bounds =
                DurationText.text(row.lower).indented(to: 8) + " - " + DurationText.text(row.upper).indented(to: 8)
            let line = "  \(bounds)  \("\(row.count)".indented(to: 9))  \(String(repeating: "#", count: length))"
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
