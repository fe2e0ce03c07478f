import Foundation
import Graphs
import Kernels
import OperationSupport
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Operations

@Suite("Lookup tables against TensorFlow")
struct TableTests {
    private static let vectors: [OpVector] = {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/tables/tables.vectors").path
        return (try? VectorFile.read(path)) ?? []
    }()

    /// A node of the graph that makes, fills and reads a table.
    private func make(_ op: String, inputs: Int, _ attributes: [String: AttrValue] = [:]) throws -> any Op {
        var definition = GraphDef()
        var node = NodeDef()
        node.name = "table"
        node.op = op
        node.attr = attributes
        for index in 0..<inputs {
            var placeholder = NodeDef()
            placeholder.name = "i\(index)"
            placeholder.op = "Placeholder"
            definition.node.append(placeholder)
            node.input.append(placeholder.name)
        }
        definition.node.append(node)
        let entry = try #require(OpTable.entries[op])
        return try entry.make(NodeReader(try #require(try Graph(definition).node(named: "table"))))
    }

    private func dtype(_ type: DataType) -> AttrValue {
        var value = AttrValue()
        value.type = type.rawValue
        return value
    }

    private func handle(_ op: String, _ key: DataType, _ value: DataType, _ shape: [Int] = []) throws -> TensorFact {
        var attributes = ["key_dtype": dtype(key), "value_dtype": dtype(value)]
        if !shape.isEmpty {
            var sizes = AttrValue()
            sizes.shape.dim = shape.map { size in
                var dimension = TensorShapeProto.Dim()
                dimension.size = Int64(size)
                return dimension
            }
            attributes["value_shape"] = sizes
        }
        return try #require(try make(op, inputs: 0, attributes).outputs(for: []).first)
    }

    /// Reads a table as a plan does.
    private func read(
        _ query: any Op, _ handle: TensorFact, _ inputs: [Tensor], _ table: LookupTable
    ) throws -> [Tensor] {
        let reading = try #require(query as? any TableReading)
        let facts = [handle] + inputs.map { TensorFact($0) }
        let reference = try reading.table(reading: facts)
        let expected = try reading.outputs(for: facts)
        let results = try reading.bound(to: table, reference).evaluate(inputs.map { TensorFact($0) })
        for (fact, result) in zip(expected, results) { #expect(fact.shape.admits(result.shape)) }
        return results
    }

    private func search(_ vector: OpVector) throws -> [Tensor] {
        let inputs = try vector.inputs.map { try Tensor(decoding: $0) }
        let isMutable = vector.node.attr["is_mutable"]?.b ?? false
        let inner = Array(inputs[1].shape.dimensions.dropFirst(inputs[0].shape.rank))
        let names = isMutable ? inner.isEmpty ? ["MutableHashTable"] : ["MutableHashTableOfTensors"] : ["HashTable"]
        var results: [Tensor] = []
        for version in ["", "V2"] {
            let handle = try handle(names[0] + version, inputs[0].dtype, inputs[1].dtype, inner)
            let reference = try #require(handle.table)
            let filler = try make((isMutable ? "LookupTableImport" : "InitializeTable") + version, inputs: 3)
            let table = try #require(filler as? any TableInitializing).table(Array(inputs[..<2]), reference) { _ in [] }
            let query = try make("LookupTableFind" + version, inputs: 3)
            results = try read(query, handle, Array(inputs[2...]), table)
            results += try read(try make("LookupTableSize" + version, inputs: 1), handle, [], table)
            let content = try read(try make("LookupTableExport" + version, inputs: 1), handle, [], table)
            #expect(content[0].shape.elementCount == table.count)
        }
        return results
    }

    private func file(_ vector: OpVector) throws -> [Tensor] {
        let attributes = vector.node.attr
        let content = try #require(try Tensor(decoding: vector.inputs[0]).strings?.first)
        let key = try #require(attributes["key_dtype"].flatMap { DataType(protoNumber: $0.type) })
        let value = try #require(attributes["value_dtype"].flatMap { DataType(protoNumber: $0.type) })
        let reference = try #require(try handle("HashTableV2", key, value).table)
        let filler = try #require(try make(vector.node.op, inputs: 2, attributes) as? any TableInitializing)
        let name = try #require(Tensor(strings: [Array("words.txt".utf8)], shape: .scalar))
        let table = try filler.table([name], reference) { path throws(OpError) in
            guard path == "words.txt" else { throw OpError(.notFound, path) }
            return content
        }
        // TensorFlow's order is that of its hash table; the fixture is sorted, and so are these.
        let order = table.keys.strings.map(Self.order) ?? Self.order(table.keys.integers ?? [])
        return [try pick(table.keys, order), try pick(table.values, order)]
    }

    private static func order(_ keys: [[UInt8]]) -> [Int] {
        keys.indices.sorted { keys[$0].lexicographicallyPrecedes(keys[$1]) }
    }

    private static func order(_ keys: [Int]) -> [Int] { keys.indices.sorted { keys[$0] < keys[$1] } }

    private func pick(_ tensor: Tensor, _ order: [Int]) throws -> Tensor {
        let width = tensor.dtype.stride
        let picked = Tensor(dtype: tensor.dtype, shape: tensor.shape) { memory in
            tensor.withUnsafeBytes { source in
                for (place, row) in order.enumerated() {
                    for byte in 0..<width { memory[place * width + byte] = source[row * width + byte] }
                }
            }
        }
        return try withExtendedLifetime(tensor) { try #require(picked).owningStrings }
    }

    @Test("A table answers what TensorFlow's answers, and refuses what TensorFlow refuses")
    func matches() throws {
        #expect(Self.vectors.count > 60)
        var used = Set<RefusalException>()
        for (index, vector) in Self.vectors.enumerated() {
            let name = "tables #\(index) \(vector.node.op) \(vector.label)"
            do {
                let results = try vector.node.op == "LookupTableFindV2" ? search(vector) : file(vector)
                #expect(vector.error.isEmpty, "\(name): no error where TensorFlow says: \(vector.message)")
                let expected = try vector.outputs.map { try Tensor(decoding: $0) }
                guard vector.error.isEmpty else { continue }
                #expect(results.count == expected.count)
                for (result, wanted) in zip(results, expected) {
                    if let difference = Tolerance(relative: nil, absolute: nil).difference(result, wanted) {
                        Issue.record("\(name): \(difference)")
                    }
                }
            } catch let error as OpError {
                guard !vector.error.isEmpty else {
                    Issue.record("\(name): \(error)")
                    continue
                }
                let refusal = RecordedRefusal(vector)
                if let exception = refusal.exception(for: error) { used.insert(exception) }
                if let difference = refusal.difference(from: error) { Issue.record("\(name): \(difference)") }
            }
        }
        #expect(used == Set(RefusalException.tables), "exceptions that are not needed")
    }

    @Test("A handle that is none, and a file that is not there, are refused")
    func refusals() throws {
        let find = try #require(try make("LookupTableFindV2", inputs: 3) as? any TableReading)
        let facts = [
            TensorFact(.resource, PartialShape.scalar), TensorFact(.string, .unknown), TensorFact(.int64, .unknown),
        ]
        let expected = OpError(.unsupported, "the handle is not that of a lookup table")
        #expect(throws: expected) { try find.table(reading: facts) }
    }
}
