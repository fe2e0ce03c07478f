public import Foundation

/// The paths of the tests' files.
public enum Fixtures {
    /// The package's folder.
    public static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A file or folder of the fixtures.
    public static func path(_ name: String) -> String { package.appendingPathComponent("Tests/Fixtures/\(name)").path }

    /// A folder of the committed models.
    public static func model(_ name: String) -> String { package.appendingPathComponent("models/\(name)").path }

    /// The folder of published graphs, which are not a part of the project; nil unless `METASERVE_CORPUS` names it.
    public static let corpus = ProcessInfo.processInfo.environment["METASERVE_CORPUS"]

    /// Copies a folder, so that a test may change it. The copy is deleted when `body` ends.
    public static func withCopy<Result>(of path: String, _ body: (String) throws -> Result) throws -> Result {
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)").path
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        defer { try? FileManager.default.removeItem(atPath: copy) }
        return try body(copy)
    }

    /// Makes an empty folder, which is deleted when `body` ends.
    public static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    /// The bytes of a file.
    public static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Writes a file in place.
    public static func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
}
