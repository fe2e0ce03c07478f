import Foundation
import ServerSupport
import Testing
import VectorSupport

/// Small folders after public reports, which are not a part of the project: `METASERVE_CASES` names the folder that holds them.
enum Cases {
    static let root = ProcessInfo.processInfo.environment["METASERVE_CASES"]
    /// Skips what needs them, where they are not.
    static let areHere = ConditionTrait.enabled(if: root != nil, "METASERVE_CASES names no folder of cases")

    /// Feeds of four columns, and what the folders of a small classifier answer.
    static let rows = "[[1, 0, 0, 0], [0, 1, 0, 2]]"
    static let classes = [
        [0.2693074941635132, 0.32893291115760803, 0.4017595648765564],
        [0.21198268234729767, 0.3162411153316498, 0.47177624702453613],
    ]
    /// An image of 2 by 2 pixels: red, green, blue, white.
    static let image =
        "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEklEQVR4nGP4z8DAAMIM/4EAAB/uBfsL2WiLAAAAAElFTkSuQmCC"

    /// Serves a copy of a case's folder, which the test may change.
    static func serve(_ name: String, _ arguments: String..., body: (CaseServer) throws -> Void) throws {
        let root = try #require(Self.root)
        let parent = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: parent) }
        let folder = "\(parent)/\(name)"
        try FileManager.default.copyItem(atPath: "\(root)/\(name)", toPath: folder)
        try body(CaseServer(name: name, folder: folder, server: try RunningServer(arguments: [folder] + arguments)))
    }
}

/// A running server of one case.
struct CaseServer {
    let name: String
    let folder: String
    let server: RunningServer

    /// What a request came to.
    struct Response {
        let status: Int
        let text: String

        /// The body as JSON.
        var object: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:]
        }

        /// The output of `/predict` by that name.
        func output(_ name: String) -> Any? { (object["outputs"] as? [String: Any])?[name] }
    }

    func get(_ path: String) throws -> Response { try ask(path) }

    func post(_ path: String, _ body: String) throws -> Response { try ask("-d", body, path) }

    func predict(_ body: String) throws -> Response { try post("/predict", body) }

    private func ask(_ arguments: String...) throws -> Response {
        let options =
            arguments.dropLast() + ["-s", "-m", "20", "-w", "\n%{http_code}", server.address + (arguments.last ?? "")]
        let output = try Program.launch("/usr/bin/curl", Array(options)).output
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        return Response(
            status: Int(lines.last ?? "") ?? 0, text: lines.dropLast().joined(separator: "\n"))
    }

    /// The model as `GET /models/NAME` describes it.
    func description() throws -> [String: Any] { try get("/models/\(name)").object }

    /// The names, or the shapes, of the inputs or outputs that are described.
    func described(_ key: String, _ field: String = "name") throws -> [String] {
        let tensors = try description()[key] as? [[String: Any]] ?? []
        return tensors.map { tensor in
            guard let sizes = tensor[field] as? [Any] else { return "\(tensor[field] ?? "none")" }
            return sizes.map { ($0 as? Int).map(String.init) ?? "?" }.joined(separator: ",")
        }
    }

    /// The step that is served.
    func step() throws -> Int? { try description()["step"] as? Int }

    /// Expects rows of numbers.
    func expect(_ value: Any?, _ rows: [[Double]], _ response: Response) {
        let found = value as? [[Double]] ?? []
        #expect(found.count == rows.count, "\(response.text)")
        for (row, expected) in zip(found, rows) {
            #expect(row.count == expected.count)
            for (number, expectedNumber) in zip(row, expected) { #expect(abs(number - expectedNumber) <= 1e-5) }
        }
    }
}
