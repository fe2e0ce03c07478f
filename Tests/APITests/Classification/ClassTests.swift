import Execution
import Foundation
import HTTPMessages
import Serving
import Tensors
import Testing
import VectorSupport

@testable import API

/// The highest classes of outputs, with the names that a file beside the model gives them.
@Suite("Class names")
struct ClassTests {
    private static let digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)")

    /// A copy of the digits' model with files beside it.
    private func model(_ files: [String: String]) throws -> Model {
        let copy = folder.appendingPathComponent("digits-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: Fixtures.model("digits"), toPath: copy.path)
        for (name, text) in files {
            let path = copy.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Fixtures.write(Array(text.utf8), to: path.path)
        }
        return try Model(contentsOf: copy.path, name: "digits")
    }

    private func remove() { try? FileManager.default.removeItem(at: folder) }

    private static func body(rows: Int = 1, _ rest: String) -> String {
        let row = "[" + Array(repeating: "0", count: 64).joined(separator: ",") + "]"
        let x = "[" + Array(repeating: row, count: rows).joined(separator: ",") + "]"
        return "{\"feeds\":{\"x\":\(x),\"keep_prob\":1}\(rest)}"
    }

    private struct Class: Decodable, Equatable {
        let `class`: String?
        let index: Int
        let score: Double
    }

    private struct Response: Decodable {
        struct Outputs: Decodable {
            let probs: [[Class]]
        }
        let outputs: Outputs
    }

    private func top(_ client: Client, _ count: Int, rows: Int = 1) throws -> [[Class]] {
        let response = client.post(Self.body(rows: rows, ",\"fetches\":[\"probs\"],\"top\":\(count)"))
        #expect(response.status == 200, "\(response.body)")
        return try JSONDecoder().decode(Response.self, from: Data(response.body.utf8)).outputs.probs
    }

    @Test("top gives the highest classes of each row with their names; they are those of all scores in order")
    func names() throws {
        defer { remove() }
        let client = try Client(try model(["labels.txt": Self.digits.joined(separator: "\n")]))
        let rows = try top(client, 3, rows: 2)
        #expect(rows.count == 2)
        let all = try #require(try top(client, 10).first)
        #expect(all.count == 10)
        #expect(Set(all.map(\.index)) == Set(0..<10))
        #expect(all.map(\.score) == all.map(\.score).sorted(by: >))
        #expect(abs(all.map(\.score).reduce(0, +) - 1) < 1e-5)
        for row in rows {
            #expect(row.map(\.index) == all.prefix(3).map(\.index))
            #expect(row.map(\.class) == row.map { Optional(Self.digits[$0.index]) })
        }
        #expect(try top(client, 1_000_000).first == all)
    }

    @Test("other outputs are written as they are, and so is everything without top")
    func others() throws {
        defer { remove() }
        let client = try Client(try model(["labels.txt": Self.digits.joined(separator: "\n")]))
        let body = Self.body(",\"fetches\":[\"class\",\"probs\"],\"top\":1")
        #expect(
            client.post(body).body.hasPrefix(
                #"{"outputs":{"class":[8],"probs":[[{"class":"eight","index":8,"score":0."#))
        #expect(
            client.post(Self.body(",\"fetches\":[\"class\"],\"top\":null")).body
                == #"{"outputs":{"class":[8]},"model":{"name":"digits","step":3000}}"#)
        let array = client.service.respond(
            .post, Array("/predict".utf8), headers: [.accept: Array("application/x-npy".utf8)],
            body: Array(Self.body(",\"fetches\":[\"probs\"],\"top\":1").utf8))
        #expect(array.text.hasPrefix(#"{"outputs":{"probs":[[{"class":"eight","#))
    }

    @Test("without names there are places and scores")
    func withoutNames() throws {
        let client = try Client(["digits"], defaultName: nil)
        let row = try #require(try top(client, 2).first)
        #expect(row.map(\.class) == [nil, nil])
        #expect(row.first?.index == 8)
        let response = client.post(Self.body(",\"fetches\":[\"class\"],\"top\":1"))
        #expect(
            response.error
                == "\"top\": no fetched output contains scores; expected floats with at least one dimension, "
                + "found \"class\" is int64 [1]")
    }

    @Test(
        "a top that is no number of classes, word for word",
        arguments: [
            ("0", "0"), ("-1", "-1"), ("2.5", "2.5"), ("\"3\"", "a string"), ("true", "a boolean"), ("[1]", "a list"),
        ])
    func wrongTop(_ text: String, _ shown: String) throws {
        let response = try Client(["digits"], defaultName: nil).post(Self.body(",\"top\":\(text)"))
        #expect(response.status == 400)
        #expect(response.error == "\"top\" is \(shown); expected a number of classes, 1 or more")
    }

    @Test("lines end as on any system, the last may be empty, and a name may be anything")
    func lines() throws {
        defer { remove() }
        var names = Self.digits
        names[8] = #"acht "8" \ 八"#
        names[3] = ""
        let text = "\u{feff}" + names.joined(separator: "\r\n") + "\r\n\r\n"
        let client = try Client(try model(["labels.txt": text]))
        let row = try #require(try top(client, 10).first)
        #expect(row.map(\.class) == row.map { Optional(names[$0.index]) })
    }

    @Test("V2's classification has the same names")
    func classification() throws {
        defer { remove() }
        let client = try Client(try model(["labels.txt": Self.digits.joined(separator: "\n")]))
        let zeros = Array(repeating: "0", count: 64).joined(separator: ",")
        let response = client.post(
            #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,64],"data":[\#(zeros)]},{"name":"keep_prob","datatype":"FP32","shape":[],"data":[1]}],"outputs":[{"name":"probs","parameters":{"classification":1}},{"name":"class","parameters":{"classification":1}}]}"#,
            "/v2/models/digits/infer")
        #expect(response.body.firstMatch(of: /"data":\["0\.[0-9]+:8:eight"\]/) != nil, "\(response.body)")
        // A tensor with another number of values has no names.
        #expect(response.body.contains(#""data":["8:0"]"#), "\(response.body)")
    }

    @Test("the settings name a file for an output, also in assets")
    func settings() throws {
        defer { remove() }
        let files = [
            "metaserve.yaml": "classes: {probs: names.txt}", "assets/names.txt": Self.digits.joined(separator: "\n"),
        ]
        let client = try Client(try model(files))
        #expect(try top(client, 1).first?.first?.class == "eight")
        #expect(
            client.post(Self.body(",\"fetches\":[\"logits\"],\"top\":1")).body.hasPrefix(
                #"{"outputs":{"logits":[[{"index":8,"score":"#))
    }

    @Test("a file of the settings that cannot be used is an error")
    func wrongSettings() throws {
        defer { remove() }
        func error(_ yaml: String, _ file: [UInt8]? = nil) throws -> String {
            let copy = folder.appendingPathComponent("digits")
            try? FileManager.default.removeItem(at: copy)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: Fixtures.model("digits"), toPath: copy.path)
            try Fixtures.write(Array(yaml.utf8), to: copy.path + "/metaserve.yaml")
            if let file { try Fixtures.write(file, to: copy.path + "/names.txt") }
            let error = #expect(throws: ModelError.self) { try Model(contentsOf: copy.path) }
            return (error?.message ?? "").replacing(copy.path, with: "FOLDER")
        }
        #expect(
            try error("classes: {probs: names.txt}", Array("a\nb\n".utf8))
                == "classes of \"probs\": FOLDER/names.txt has 2 names, but the output has 10 values in its last dimension"
        )
        #expect(
            try error("classes: {prob: names.txt}", Array("a".utf8)).hasPrefix(
                "classes of \"prob\": the model has no such output; the nearest are \"probs"))
        let missing = "classes of \"probs\": there is no file \"NAME\" in FOLDER, FOLDER/assets, FOLDER/assets.extra"
        for name in ["other.txt", "/etc/passwd", "../digits/names.txt", "assets"] {
            #expect(
                try error("classes: {probs: \(name)}", Array("a".utf8)) == missing.replacing("NAME", with: name))
        }
        #expect(
            try error("classes: {probs: names.txt}", [0x61, 0xff])
                == "FOLDER/names.txt: a file of class names must be UTF-8")
        #expect(
            try error("classes: {probs: names.txt}", [0x0a, 0x0a])
                == "FOLDER/names.txt: contains no class names; expected one per line")
        #expect(
            try error("classes: {probs: names.txt}", [UInt8](repeating: 0x61, count: (4 << 20) + 1))
                == "FOLDER/names.txt: a file of class names has at most 4194304 bytes, found 4194305")
    }

    @Test("labels.txt that fits no output, or cannot be read, is a warning; the model is served")
    func unfitting() throws {
        defer { remove() }
        let short = try model(["labels.txt": "a\nb"])
        #expect(
            short.warnings.contains {
                $0.hasSuffix("/labels.txt is not used: it has 2 names, and no output has as many values")
            })
        #expect(try top(Client(short), 1).first?.first?.class == nil)
        let empty = try model(["labels.txt": ""])
        #expect(
            empty.warnings.contains {
                $0.hasSuffix("/labels.txt: contains no class names; expected one per line: it is not used")
            })
    }

    @Test("NaN is lower than any score, equal scores keep their order, and many are sorted as few are")
    func order() throws {
        let values: [Float] = [.nan, 1, 3, 3, -.infinity, 2] + Array(repeating: 0, count: 194)
        try values.withUnsafeBytes { bytes in
            let dimensions = [values.count]
            try dimensions.withUnsafeBufferPointer { dimensions in
                let view = TensorView(
                    dtype: .float32, dimensions: dimensions, elements: try #require(bytes.baseAddress))
                let scores = try #require(ClassScores(view))
                #expect(scores.highest(4, of: 0..<6) == [2, 3, 5, 1])
                #expect(scores.highest(64, of: 0..<200) == Array(scores.highest(200, of: 0..<200).prefix(64)))
                #expect(scores.highest(6, of: 0..<6).suffix(2) == [0, 4])
            }
        }
    }
}
