import Foundation
import Glibc
import ServerSupport
import VectorSupport

/// The extent of the run: a short part in every test run, all of it with `make test-hostile`.
enum Extent {
    static let isFull = ProcessInfo.processInfo.environment["METASERVE_HOSTILE"] == "full"

    /// The number of the full run, or a smaller one.
    static func of(_ full: Int, short: Int) -> Int { isFull ? full : short }

    /// Address space is what a sanitizer needs most.
    static let isSanitized = ["LSAN_OPTIONS", "TSAN_OPTIONS"].contains {
        ProcessInfo.processInfo.environment[$0] != nil
    }
}

/// The table in docs/hostile.md.
enum HostileReport {
    private static let table = ReportTable(document: "docs/hostile.md", isFull: Extent.isFull)

    /// Records the result of an attack; see ``ReportTable/note(_:_:result:passed:)``.
    ///
    /// - Parameters:
    ///   - number: The number of the row.
    ///   - attack: The attack.
    ///   - before: The result at commit 69e6281.
    ///   - result: The result now.
    ///   - passed: Whether it is as promised.
    static func note(_ number: Int, _ attack: String, before: String, _ result: String, passed: Bool) {
        table.note(number, attack, before, result: result, passed: passed)
    }
}

/// A folder with a graph as text, served as a model. It is removed when the test ends.
final class GraphFolder {
    /// The model's folder.
    let path: String
    private let parent: String

    /// - Parameters:
    ///   - name: The name of the model.
    ///   - nodes: See ``GraphText``.
    /// - Throws: An error if the file cannot be written.
    init(_ name: String, _ nodes: [String]) throws {
        parent = NSTemporaryDirectory() + "metaserve-hostile-\(UUID().uuidString)"
        path = "\(parent)/\(name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Fixtures.write(Array(nodes.joined(separator: "\n").utf8), to: "\(path)/\(name).pbtxt")
    }

    deinit { try? FileManager.default.removeItem(atPath: parent) }
}

/// Nodes in protobuf's text format.
enum GraphText {
    /// A node. Attributes are given as text: `type: DT_FLOAT`, `i: 3`.
    static func node(
        _ name: String, _ op: String, _ inputs: [String] = [], _ attributes: [(String, String)] = []
    ) -> String {
        let inputs = inputs.map { " input: \"\($0)\"" }.joined()
        let attributes = attributes.map { " attr { key: \"\($0)\" value { \($1) } }" }.joined()
        return "node { name: \"\(name)\" op: \"\(op)\"\(inputs)\(attributes) }"
    }

    /// A placeholder of any shape.
    static func placeholder(_ name: String, _ dtype: String) -> String {
        node(name, "Placeholder", [], [("dtype", "type: \(dtype)"), ("shape", "shape { unknown_rank: true }")])
    }

    /// A scalar constant; `value` as `int_val: 3`.
    static func constant(_ name: String, _ dtype: String, _ value: String) -> String {
        node(
            name, "Const", [],
            [("dtype", "type: \(dtype)"), ("value", "tensor { dtype: \(dtype) tensor_shape { } \(value) }")])
    }

    /// A vector constant.
    static func vector(_ name: String, _ dtype: String, _ field: String, _ values: [String]) -> String {
        let values = values.map { " \(field): \($0)" }.joined()
        return node(
            name, "Const", [],
            [
                ("dtype", "type: \(dtype)"),
                (
                    "value",
                    "tensor { dtype: \(dtype) tensor_shape { dim { size: \(values.isEmpty ? 0 : values.split(separator: ":").count - 1) } }\(values) }"
                ),
            ])
    }
}

/// A server whose memory is measured.
final class WatchedServer {
    let server: RunningServer
    /// Its memory at the start, in bytes.
    let firstBytes: Int

    /// - Parameters:
    ///   - preparation: Shell commands before the server starts.
    ///   - arguments: The arguments after `serve --port 0`.
    /// - Throws: An error if the server does not start.
    init(_ preparation: String = ":", _ arguments: String...) throws {
        let launcher = try Launcher(preparation)
        server = try RunningServer(program: launcher.path, arguments: arguments)
        firstBytes = ProcessState(server.processIdentifier).residentBytes
    }

    var residentMegabytes: Int { ProcessState(server.processIdentifier).residentBytes >> 20 }

    /// Its peak memory.
    var peakMegabytes: Int {
        let status = (try? String(contentsOfFile: "/proc/\(server.processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0) >> 10
    }
}
