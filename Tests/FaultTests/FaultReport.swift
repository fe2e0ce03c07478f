import Foundation
import Glibc
import ServerSupport
import Threads
import VectorSupport

/// How much is done: a short part in every test run, all of it with `make test-faults`.
enum Extent {
    static let isFull = ProcessInfo.processInfo.environment["METASERVE_FAULTS"] == "full"

    /// The number of the full run, or a smaller one.
    static func of(_ full: Int, short: Int) -> Int { isFull ? full : short }
}

/// TensorFlow, where it is installed.
enum TensorFlow {
    /// A Python that has it; nil where none is named.
    static let python = ProcessInfo.processInfo.environment["METASERVE_TENSORFLOW"]
}

/// The rows of the table in docs/faults.md, which a full run writes.
enum FaultReport {
    private static let rows = Locked<[String: String]>([:])
    private static let path = Fixtures.package.appendingPathComponent("docs/faults.md").path
    private static let mark = "<!-- rows -->"

    /// Notes what a fault came to. A full run judges it and writes the table. The short form is too short for promises about times and
    /// rates, and asserts none of them: it prints what was measured, without a verdict.
    ///
    /// - Parameters:
    ///   - number: Its place in the table.
    ///   - fault: What was done, with numbers.
    ///   - result: What was seen, with numbers.
    ///   - passed: Whether it is what was promised.
    static func note(_ number: Int, _ fault: String, _ result: String, passed: Bool) {
        guard Extent.isFull else { return print("| \(number) | \(fault) | measured in the short form: \(result) |") }
        let line = "| \(number) | \(fault) | \(passed ? "" : "**failed:** ")\(result) |"
        print(line)
        rows.withLock { rows in
            rows[number < 10 ? "0\(number)" : "\(number)"] = line
            write(rows)
        }
    }

    /// Replaces the rows that this run has made, and leaves the others.
    private static func write(_ rows: [String: String]) {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let start = text.range(of: mark), let end = text.range(of: mark, range: start.upperBound..<text.endIndex)
        else { return }
        var merged: [String: String] = [:]
        for line in text[start.upperBound..<end.lowerBound].split(separator: "\n") {
            let number = line.dropFirst(2).prefix { $0 != " " }
            merged[number.count < 2 ? "0\(number)" : "\(number)"] = String(line)
        }
        merged.merge(rows) { $1 }
        let table = merged.sorted { $0.key < $1.key }.map(\.value).joined(separator: "\n")
        let result = text[..<start.upperBound] + "\n" + table + "\n" + text[end.lowerBound...]
        try? String(result).write(toFile: path, atomically: true, encoding: .utf8)
    }
}

/// A folder that is gone when the test ends, with the first save in it.
final class ServedFolder {
    let path: String
    let saves: RecordedSaves

    /// - Parameter step: What is in it at first; nil for nothing.
    /// - Throws: Where the recording is not there, or no folder can be made.
    init(step: Int? = 1) throws {
        path = NSTemporaryDirectory() + "metaserve-faults-\(UUID().uuidString)"
        saves = try RecordedSaves()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        if let step { try reset(to: step) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Makes the folder hold a save and nothing else.
    func reset(to step: Int) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where !name.hasPrefix("model-\(step).") {
            try FileManager.default.removeItem(atPath: path + "/" + name)
        }
        try saves.copy(step: step, to: path)
    }
}

/// What the kernel tells of the server's process.
struct ProcessState {
    let residentBytes: Int
    let openFiles: Int

    init(_ identifier: Int32) {
        let statm = (try? String(contentsOfFile: "/proc/\(identifier)/statm", encoding: .utf8)) ?? ""
        residentBytes = (Int(statm.split(separator: " ").dropFirst().first ?? "") ?? 0) * Int(getpagesize())
        openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count) ?? 0
    }
}
