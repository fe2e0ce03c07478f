import Foundation
internal import Threads
internal import VectorSupport

/// A table in a document that tests write: the rows of a full run.
package final class ReportTable: Sendable {
    private let rows = Locked<[String: String]>([:])
    private let path: String
    private let isFull: Bool
    private static let mark = "<!-- rows -->"

    /// - Parameters:
    ///   - document: The file, in the package: between two marks are the rows.
    ///   - isFull: Whether this run is the long one, which judges and writes. The short form is too short for promises about times and
    ///     rates: it prints what was measured, without a verdict.
    package init(document: String, isFull: Bool) {
        path = Fixtures.package.appendingPathComponent(document).path
        self.isFull = isFull
    }

    /// Notes what came of something.
    ///
    /// - Parameters:
    ///   - number: Its place in the table.
    ///   - cells: What was done, with numbers, and what else the table has before the result.
    ///   - result: What was seen, with numbers.
    ///   - passed: Whether it is what was promised.
    package func note(_ number: Int, _ cells: String..., result: String, passed: Bool) {
        let start = "| \(number) | \(cells.joined(separator: " | ")) | "
        guard isFull else { return print("\(start)measured in the short form: \(result) |") }
        let line = "\(start)\(passed ? "" : "**failed:** ")\(result) |"
        print(line)
        rows.withLock { rows in
            rows[Self.key(number)] = line
            write(rows)
        }
    }

    private static func key(_ number: some LosslessStringConvertible) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 2 - digits.count)) + digits
    }

    /// Replaces the rows that this run has made, and leaves the others.
    private func write(_ rows: [String: String]) {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let start = text.range(of: Self.mark),
            let end = text.range(of: Self.mark, range: start.upperBound..<text.endIndex)
        else { return }
        var merged: [String: String] = [:]
        for line in text[start.upperBound..<end.lowerBound].split(separator: "\n") {
            merged[Self.key(String(line.dropFirst(2).prefix { $0 != " " }))] = String(line)
        }
        merged.merge(rows) { $1 }
        let table = merged.sorted { $0.key < $1.key }.map(\.value).joined(separator: "\n")
        let result = text[..<start.upperBound] + "\n" + table + "\n" + text[end.lowerBound...]
        try? String(result).write(toFile: path, atomically: true, encoding: .utf8)
    }
}
