import Checkpoints
import Foundation
import TensorFlowProtos
import Testing
import VectorSupport

@Suite("Files that hold graphs")
struct GraphFileTests {
    private func kind(_ name: String) throws -> String {
        switch try GraphFile(path: Fixtures.path("files/" + name)) {
        case .savedModel: "SavedModel"
        case .metaGraph: "meta graph"
        case .graph: "graph"
        }
    }

    @Test("the bytes tell what a file is")
    func kinds() throws {
        #expect(try kind("saved_model_1/saved_model.pb") == "SavedModel")
        #expect(try kind("saved_model_2/saved_model.pb") == "SavedModel")
        #expect(try kind("saved_model_text/saved_model.pbtxt") == "SavedModel")
        #expect(try kind("v1/model.ckpt-7.meta") == "meta graph")
        #expect(try kind("text_meta/model-7.meta") == "meta graph")
        #expect(try kind("frozen/frozen.pb") == "graph")
        #expect(try kind("frozen_text/model.pbtxt") == "graph")
        #expect(try kind("no_meta_text/graph.pbtxt") == "graph")
    }

    @Test("text says the same as binary: dtypes and versions by name, bytes by escapes")
    func text() throws {
        let text = try #require(try GraphFile(path: Fixtures.path("files/text_meta/model-7.meta")).metaGraph)
        #expect(text.saverDef.version == 2)
        let nodes = Dictionary(uniqueKeysWithValues: text.graphDef.node.map { ($0.name, $0) })
        #expect(nodes["dense/w"]?.attr["dtype"]?.type == 1)
        #expect(nodes["text"]?.attr["dtype"]?.type == 7)
        #expect(nodes["text"]?.attr["value"]?.tensor.stringVal == [Data(#"quoted "DT_FLOAT" and "#.utf8) + [0xff, 10]])
    }

    @Test("what is no graph is refused, in words")
    func others() throws {
        func reason(_ bytes: [UInt8]) throws -> String? {
            let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
            defer { try? FileManager.default.removeItem(atPath: path) }
            try Fixtures.write(bytes, to: path)
            do {
                _ = try GraphFile(path: path)
                return nil
            } catch { return error.reason }
        }
        let other =
            "is not a meta graph, a graph or a SavedModel: it is cut off or damaged, or of another kind of file"
        #expect(try reason([]) == other)
        #expect(try reason(Array("nodes of a graph".utf8)) == other)
        #expect(try reason(Array("node of a graph".utf8)) == other)
        #expect(
            try reason(Array("node { name: \"a\" op: ".utf8))
                == "is not a graph as text: it is cut off or damaged, or of another kind of file")
        #expect(
            try reason(Array("node { name: \"\u{e4}".utf8.dropLast()) + [UInt8(ascii: "\"")])
                == "is text, but not UTF-8")
        #expect(try reason(Array("node { name: \"a\" op: \"Const\" nobody_knows: [DT_FLOAT, -1] }".utf8)) == nil)
        #expect(try reason(Array(String(repeating: "node {", count: 100_000).utf8)) != nil)
    }

    @Test(
        "a file of more than 2 GiB is refused by its size, unread",
        arguments: ["saved_model_1/saved_model.pb", "frozen/frozen.pb", "no_meta/model-3.meta"])
    func size(name: String) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Fixtures.write(try Fixtures.bytes(Fixtures.path("files/" + name)), to: path)
        // What follows is a hole, which takes no room on the disk.
        try #require(truncate(path, 3 << 30) == 0)
        let error = #expect(throws: CheckpointError.self) { try GraphFile(path: path) }
        #expect(error?.kind == .unsupported)
        let start = "has 3221225472 bytes, more than the limit of 2147483647: protobuf's limit for a message is 2 GiB"
        #expect(error?.reason.hasPrefix(start) == true)
    }

    @Test("every truncation and change is an error or a graph, never a trap")
    func damage() throws {
        for name in [
            "saved_model_1/saved_model.pb", "frozen/frozen.pb", "frozen_text/model.pbtxt", "no_meta/model-3.meta",
        ] {
            let bytes = try Fixtures.bytes(Fixtures.path("files/" + name))
            let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
            defer { try? FileManager.default.removeItem(atPath: path) }
            for position in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 150) {
                try Fixtures.write(Array(bytes[..<position]), to: path)
                _ = try? GraphFile(path: path)
                for bit in [0, 3, 7] {
                    var changed = bytes
                    changed[position] ^= 1 << UInt8(bit)
                    try Fixtures.write(changed, to: path)
                    _ = try? GraphFile(path: path)
                }
            }
        }
    }
}
