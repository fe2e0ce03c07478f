import Foundation
import Serving
import Tensors

/// The result of `metaserve benchmark` in the process, as text and as JSON.
struct BenchmarkReport: Encodable {
    private let model: String
    private let format: String
    private let feeds: String
    private let fetches: [String]
    private let batch: Int
    private let threads: Int
    private let processor: String
    private let processors: Int
    private let kernels: String
    private let precision: String
    private let warnings: [String]
    private let runs: Int
    private let seconds: Double
    private let minimumUs: Double
    private let medianUs: Double
    private let meanUs: Double
    private let p90Us: Double
    private let p99Us: Double
    private let maximumUs: Double
    private let profile: ProfileReport?

    private let times: LogHistogram

    private enum CodingKeys: String, CodingKey {
        case model, format, feeds, fetches, batch, threads, processor, processors, kernels, precision, warnings, runs,
            seconds
        case minimumUs, medianUs, meanUs, p90Us, p99Us, maximumUs, profile
    }

    init(_ call: BenchmarkCall, _ timed: TimedRuns, threads: Int, _ machine: Machine, profile: ProfileReport?) {
        model = call.model.name
        format = call.model.format
        feeds = call.feedText
        fetches = call.fetchNames
        batch = call.batch
        self.threads = threads
        processor = machine.processor
        processors = machine.processors
        kernels = machine.kernels
        precision = call.model.precision.rawValue
        warnings = machine.warnings
        times = timed.times
        runs = times.count
        seconds = (timed.seconds * 1000).rounded() / 1000
        minimumUs = DurationText.microseconds(Double(times.minimum))
        medianUs = DurationText.microseconds(times.quantile(0.5))
        meanUs = DurationText.microseconds(times.mean)
        p90Us = DurationText.microseconds(times.quantile(0.9))
        p99Us = DurationText.microseconds(times.quantile(0.99))
        maximumUs = DurationText.microseconds(Double(times.maximum))
        self.profile = profile
    }

    /// Prints the result for a person, then the line for programs.
    func show() throws {
        print("\(model): \(format)")
        print("  feeds      \(feeds)")
        print("  fetches    \(fetches.joined(separator: ", "))")
        print("  batch      \(batch)")
        print("  threads    \(threads) of \(processors), \(processor)")
        print("  kernels    \(kernels)")
        print("  precision  \(precision)")
        print(
            "\n  runs       \(runs) in \(DurationText.rate(seconds)) s, \(DurationText.rate(Double(runs) / seconds)) a second"
        )
        TimesText(times).show()
        profile?.show()
        print(try JSONLine.text(["median_us": medianUs]))
    }
}

/// The times of a histogram, a line for each figure, and its bars.
struct TimesText {
    private let times: LogHistogram

    init(_ times: LogHistogram) { self.times = times }

    /// Prints them.
    func show() {
        let figures: [(String, Double)] = [
            ("minimum", Double(times.minimum)), ("median", times.quantile(0.5)), ("mean", times.mean),
            ("90 %", times.quantile(0.9)), ("99 %", times.quantile(0.99)), ("maximum", Double(times.maximum)),
        ]
        for (name, value) in figures { print("  \(name.padded(to: 9))  \(DurationText.text(value).indented(to: 8))") }
        print("")
        for line in HistogramText(times).lines { print(line) }
    }
}

/// Values as one line of JSON.
enum JSONLine {
    /// - Throws: The encoder's errors.
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
