import Foundation
import SwiftProtobuf
import TensorFlowProtos
import Testing
import VectorSupport

@testable import Checkpoints

@Suite("Decoding of graphs")
struct GraphMessagesTests {
    /// A message's bytes without what the quick way leaves out.
    private func kept(_ message: SavedModel) throws -> Data {
        var message = message
        for index in message.metaGraphs.indices { clean(&message.metaGraphs[index].graphDef) }
        return try bytes(of: message)
    }

    private func kept(_ message: MetaGraphDef) throws -> Data {
        var message = message
        clean(&message.graphDef)
        return try bytes(of: message)
    }

    private func kept(_ message: GraphDef) throws -> Data {
        var message = message
        clean(&message)
        return try bytes(of: message)
    }

    private func clean(_ graph: inout GraphDef) {
        for index in graph.node.indices {
            graph.node[index].device = ""
            graph.node[index].attr = graph.node[index].attr.filter { !$0.key.hasPrefix("_") }
        }
    }

    private func bytes(of message: some Message) throws -> Data {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        return try message.serializedBytes(partial: true, options: options)
    }

    private func expectEqual<Decoded: GraphMessage>(
        _ bytes: [UInt8], _ kept: (Decoded) throws -> Data, _ place: String
    ) throws {
        try bytes.withUnsafeBytes { bytes in
            guard let known = Decoded(decoding: bytes) else { return }
            let quick = try #require(Decoded(decodingGraphs: bytes), "\(place)")
            #expect(try kept(quick) == kept(known), "\(place)")
        }
    }

    private func expectEqual(_ name: String, _ bytes: [UInt8], _ place: String) throws {
        switch name.split(separator: "/").last {
        case "saved_model.pb": try expectEqual(bytes, { (model: SavedModel) in try kept(model) }, place)
        case "frozen.pb": try expectEqual(bytes, { (graph: GraphDef) in try kept(graph) }, place)
        default: try expectEqual(bytes, { (meta: MetaGraphDef) in try kept(meta) }, place)
        }
    }

    private static let files = [
        "saved_model_1/saved_model.pb", "saved_model_2/saved_model.pb", "frozen/frozen.pb", "no_meta/model-3.meta",
        "v1/model.ckpt-7.meta",
    ]

    @Test("gives what the library gives, but for devices and origins", arguments: files)
    func decode(name: String) throws {
        try expectEqual(name, try Fixtures.bytes(Fixtures.path("files/" + name)), name)
    }

    @Test("gives the same of changed and cut off files", arguments: files)
    func damage(name: String) throws {
        let bytes = try Fixtures.bytes(Fixtures.path("files/" + name))
        for position in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 120) {
            try expectEqual(name, Array(bytes[..<position]), "\(name) of \(position) bytes")
            for bit in [0, 3, 5] {
                var changed = bytes
                changed[position] ^= 1 << UInt8(bit)
                try expectEqual(name, changed, "\(name) with bit \(bit) of byte \(position) changed")
            }
        }
    }

    @Test("leaves what is unusual to the library")
    func unusual() throws {
        // Of a field that is there twice the last counts, or both are put together.
        var first = AttrValue()
        first.tensor = .with {
            $0.dtype = 1
            $0.tensorShape.dim = [.with { $0.size = 2 }]
        }
        var second = AttrValue()
        second.tensor = .with {
            $0.tensorShape.dim = [.with { $0.size = 3 }]
            $0.doubleVal = [1, 2]
        }
        let value = try bytes(of: first) + bytes(of: second)
        let attribute = [0x0a, 1, 0x61, 0x12, UInt8(value.count)] + value
        let node = [0x0a, 1, 0x62, 0x0a, 1, 0x63, 0x2a, UInt8(attribute.count)] + attribute
        let graph = [0x0a, UInt8(node.count)] + node
        let decoded = try graph.withUnsafeBytes { try #require(GraphDef(decodingGraphs: $0)) }
        #expect(decoded.node.map(\.name) == ["c"])
        #expect(decoded.node.first?.attr["a"]?.tensor.tensorShape.dim.map(\.size) == [2, 3])
        #expect(decoded.node.first?.attr["a"]?.tensor.dtype == 1)
        // Two graphs are one.
        let meta = [0x12, UInt8(graph.count)] + graph + [0x12, UInt8(graph.count)] + graph
        let both = try meta.withUnsafeBytes { try #require(MetaGraphDef(decodingGraphs: $0)) }
        #expect(both.graphDef.node.map(\.name) == ["c", "c"])
    }
}
