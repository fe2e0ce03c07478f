import Foundation
internal import Threads
internal import VectorSupport

/// A table in a document. Full runs of the tests write its rows.
package final class ReportTable: Sendable {
    private let rows = Locked<[String: String]>([:])
    private let path: String
    private let isFull: Bool
    private static let mark = "<!-- rows -->"

    /// - Parameters:
    ///   - document: The file in the package, with the rows between two marks.
    ///   - isFull: Whether this is the full run, which judges and writes. The short run is too short for promises about times and rates,
    ///     so it prints the measurements without a verdict.
    package init(document: String, isFull: Bool) {
        path = Fixtures.package.appendingPathComponent(document).path
        self.isFull = isFull
    }

    /// Records a result.
    ///
    /// - Parameters:
    ///   - number: The number of the row.
    ///   - cells: The action, with numbers, and the other cells before the result.
    ///   - result: The observation, with numbers.
    ///   - passed: Whether it is as promised.
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

    /// Replaces the rows of this run, and keeps the others.
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
