import ArgumentParser
import Foundation
import Settings

/// Two programs that run the same benchmark in turns, so that whatever else the machine does falls on both.
struct Comparison {
    /// The medians of a round, in microseconds.
    struct Round: Encodable {
        let medianUs: Double
        let otherMedianUs: Double

        /// Below 1 if this program is faster.
        var ratio: Double { medianUs / otherMedianUs }
    }

    private struct Summary: Encodable {
        let medianUs: Double
        let otherMedianUs: Double
        let ratio: Double
        let lowestRatio: Double
        let highestRatio: Double
        let other: String
        let rounds: [Round]
        let processor: String
        let warnings: [String]
    }

    /// The last line that a program prints.
    private struct LastLine: Decodable {
        let medianUs: Double
    }

    private let other: String
    private let words: [String]
    private let roundCount: Int

    /// - Parameters:
    ///   - other: The path of the other program.
    ///   - words: The words after the programs' names.
    ///   - rounds: How often each of them runs.
    /// - Throws: `ValidationError` if there is no such program.
    init(with other: String, _ words: [String], rounds: Int) throws {
        guard SmallFile.isRegular(other), FileManager.default.isExecutableFile(atPath: other) else {
            throw ValidationError(
                "--compare \(other): there is no such program; expected the path of another metaserve, such as ./metaserve"
            )
        }
        self.other = other
        self.words = words
        roundCount = rounds
    }

    /// The path of this program.
    private static var own: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    /// Runs both in turns, and prints the medians of each round and their ratio.
    ///
    /// - Parameters:
    ///   - isJSON: Whether to print one line of JSON instead.
    ///   - progress: Shows the rounds.
    /// - Throws: ``BenchmarkFailure`` if a program prints no median.
    func run(isJSON: Bool, _ progress: inout Progress) throws {
        var rounds: [Round] = []
        for number in 0..<roundCount {
            progress.show("round \(number + 1) of \(roundCount)")
            // Each program is the first in every other round.
            let second = number % 2 == 0 ? nil : try median(of: other)
            let first = try median(of: Self.own)
            rounds.append(Round(medianUs: first, otherMedianUs: try second ?? median(of: other)))
        }
        progress.end()
        let ratios = rounds.map(\.ratio)
        let (first, second) = (Self.middle(rounds.map(\.medianUs)), Self.middle(rounds.map(\.otherMedianUs)))
        let machine = Machine.current
        let summary = Summary(
            medianUs: first, otherMedianUs: second, ratio: Self.rounded(first / second),
            lowestRatio: Self.rounded(ratios.min() ?? 0), highestRatio: Self.rounded(ratios.max() ?? 0), other: other,
            rounds: rounds, processor: machine.processor,
            warnings: machine.warnings)
        if !isJSON { show(summary) }
        print(try JSONLine.text(summary))
    }

    private func show(_ summary: Summary) {
        print("\(summary.processor)\n")
        let rows = summary.rounds.enumerated().map { index, round in
            row("\(index + 1)", round.medianUs, round.otherMedianUs, round.ratio)
        }
        Table.print(
            ["round", "this program", other, "ratio"],
            rows + [row("median", summary.medianUs, summary.otherMedianUs, summary.ratio)], width: Terminal.width)
        let spread = "\(ratio(summary.lowestRatio)) to \(ratio(summary.highestRatio))"
        print("\n  ratio \(ratio(summary.ratio)) (rounds: \(spread)); below 1, this program is faster")
    }

    private func row(_ name: String, _ first: Double, _ second: Double, _ quotient: Double) -> [String] {
        [name, DurationText.text(first * 1000), DurationText.text(second * 1000), ratio(quotient)]
    }

    private func ratio(_ value: Double) -> String { String(format: "%.3f", value) }

    private static func rounded(_ ratio: Double) -> Double { (ratio * 10_000).rounded() / 10_000 }

    /// The median, rounded to a nanosecond.
    private static func middle(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let upper = sorted[sorted.count / 2]
        let median = sorted.count % 2 == 1 ? upper : (sorted[sorted.count / 2 - 1] + upper) / 2
        return (median * 1000).rounded() / 1000
    }

    /// The median that a program prints in its last line.
    private func median(of program: String) throws -> Double {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = words
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        do { try process.run() } catch {
            throw BenchmarkFailure(description: "\(program) cannot be started: \(error.localizedDescription)")
        }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let last = text.split(separator: "\n").last.map(String.init) ?? ""
        guard process.terminationStatus == 0,
            let line = try? decoder.decode(LastLine.self, from: Data(last.utf8)), line.medianUs > 0
        else {
            let reason = complaint.split(separator: "\n").first.map(String.init) ?? "it printed \"\(last)\""
            throw BenchmarkFailure(
                description:
                    "\(program) \(words.joined(separator: " ")): expected a last line {\"median_us\": M}, got: "
                    + reason)
        }
        return line.medianUs
    }
}
