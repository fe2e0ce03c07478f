import Foundation
import Glibc
import ServerSupport
import Threads
import VectorSupport

/// The extent of the run: a short part in every test run, all of it with `make test-faults`.
enum Extent {
    static let isFull = ProcessInfo.processInfo.environment["METASERVE_FAULTS"] == "full"

    /// The number of the full run, or a smaller one.
    static func of(_ full: Int, short: Int) -> Int { isFull ? full : short }
}

/// TensorFlow, if it is installed.
enum TensorFlow {
    /// A Python with TensorFlow; nil if none is named.
    static let python = ProcessInfo.processInfo.environment["METASERVE_TENSORFLOW"]
}

/// The table in docs/faults.md.
enum FaultReport {
    private static let table = ReportTable(document: "docs/faults.md", isFull: Extent.isFull)

    /// See ``ReportTable/note(_:_:result:passed:)``.
    static func note(_ number: Int, _ fault: String, _ result: String, passed: Bool) {
        table.note(number, fault, result: result, passed: passed)
    }
}

/// A folder with the first save. It is removed when the test ends.
final class ServedFolder {
    let path: String
    let saves: RecordedSaves

    /// - Parameter step: The save in it at first; nil for an empty folder.
    /// - Throws: An error if there is no recording, or the folder cannot be made.
    init(step: Int? = 1) throws {
        path = NSTemporaryDirectory() + "metaserve-faults-\(UUID().uuidString)"
        saves = try RecordedSaves()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        if let step { try reset(to: step) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Replaces the contents of the folder by a save.
    func reset(to step: Int) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where !name.hasPrefix("model-\(step).") {
            try FileManager.default.removeItem(atPath: path + "/" + name)
        }
        try saves.copy(step: step, to: path)
    }
}
