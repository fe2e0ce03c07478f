import Execution
import Foundation
import GraphSupport
import Graphs
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Expressions

/// A tensor, as the generator writes it.
struct RecordedTensor: Decodable {
    let dtype: String
    let shape: [Int]
    let values: [String]

    var dataType: DataType { DataType.allCases.first { $0.name == dtype } ?? .variant }

    /// The numbers; a complex number is two.
    var numbers: [Double] { values.compactMap { Double($0) } }

    var bytes: [[UInt8]] { values.map { $0.unicodeScalars.map { UInt8($0.value) } } }

    func tensor() throws -> Tensor {
        if dataType == .string {
            let shape = try #require(Shape(shape))
            return try #require(Tensor(strings: bytes, shape: shape))
        }
        let made: Tensor? =
            switch dataType {
            case .bool: Tensor(numbers.map { $0 != 0 }, shape: shape)
            case .complex64: Tensor(numbers.map { Float($0) }, shape: shape + [2])?.complex
            case .float16, .float32, .float64, .int32, .int64, .uint8:
                try Constants(error: { ExpressionError($0, at: 0) }).tensor(
                    numbers.map { dataType.isFloating ? .float($0) : .int(Int64($0)) }, dataType, shape: shape)
            default: nil
            }
        return try #require(made)
    }
}

struct RecordedFunctions: Decodable {
    struct Case: Decodable {
        let text: String
        let dtype: String
        let shape: [Int]
        let values: [String]

        var expected: RecordedTensor { RecordedTensor(dtype: dtype, shape: shape, values: values) }
    }

    let inputs: [String: RecordedTensor]
    let cases: [Case]

    static let all: RecordedFunctions? = {
        let data = try? Data(contentsOf: URL(fileURLWithPath: Fixtures.path("expressions/functions.json")))
        return data.flatMap { try? JSONDecoder().decode(RecordedFunctions.self, from: $0) }
    }()

    /// A graph with a placeholder for each input. In a batch, the sizes of the first axes are unknown.
    func session(isBatch: Bool) throws -> Session {
        var graph = TestGraph()
        for name in inputs.keys.sorted() {
            guard let input = inputs[name] else { continue }
            var shape = input.shape.map { Int64($0) }
            if isBatch, !shape.isEmpty { shape[0] = -1 }
            _ = graph.placeholder(name, input.dataType.rawValue, shape)
        }
        return try graph.session([:])
    }
}

@Suite("Functions of expressions")
struct FunctionTests {
    @Test("each expression gives what Python gives with TensorFlow's functions", arguments: [false, true])
    func values(isBatch: Bool) throws {
        let recorded = try #require(RecordedFunctions.all)
        let session = try recorded.session(isBatch: isBatch)
        #expect(recorded.cases.count > 250)
        for expression in recorded.cases {
            do {
                let found = try evaluate(expression.text, session, recorded)
                compare(found, expression.expected, expression.text)
            } catch let error as ExpressionError where isBatch && error.reason.contains("not known") {
                // A size that the expression needs is not known before the call.
            } catch {
                Issue.record("\(expression.text): \(error)")
            }
        }
    }

    private func evaluate(_ text: String, _ session: Session, _ recorded: RecordedFunctions) throws -> Tensor {
        let compiler = ExpressionCompiler(session.graph, session.inference)
        let result = try compiler.compile(text)
        let additions = try GraphAdditions(compiler.nodes, key: [text], to: session.graph, session.inference)
        let names = recorded.inputs.keys.sorted()
        var feeds: [Endpoint] = []
        var values: [Tensor] = []
        for name in names {
            feeds.append(Endpoint(node: try #require(session.graph.index(ofNode: name)), output: 0))
            let input = try #require(recorded.inputs[name])
            values.append(try input.tensor())
        }
        let callable = try session.callable(feeds: feeds, fetches: [result.endpoint], additions: additions)
        let tensor = try callable.run(values)[0]
        #expect(result.fact.shape.admits(tensor.shape) && result.fact.dtype == tensor.dtype, "\(text)")
        return tensor
    }

    private func compare(_ found: Tensor, _ expected: RecordedTensor, _ text: String) {
        #expect(found.dtype == expected.dataType, "\(text)")
        #expect(found.shape.dimensions == expected.shape, "\(text)")
        if let strings = found.strings {
            #expect(strings == expected.bytes, "\(text)")
            return
        }
        let numbers = Self.numbers(found)
        #expect(numbers.count == expected.numbers.count, "\(text)")
        let tolerance = found.dtype == .float16 ? 2e-3 : 2e-5
        for (mine, theirs) in zip(numbers, expected.numbers) {
            let isClose =
                mine == theirs || mine.isNaN && theirs.isNaN || abs(mine - theirs) <= tolerance * max(1, abs(theirs))
            #expect(isClose, "\(text): \(mine), expected \(theirs)")
        }
    }

    private static func numbers(_ tensor: Tensor) -> [Double] {
        switch tensor.dtype {
        case .float32: return tensor.scalars(as: Float.self)?.map { Double($0) } ?? []
        case .float64: return tensor.scalars(as: Double.self) ?? []
        case .bool: return tensor.scalars(as: Bool.self)?.map { $0 ? 1 : 0 } ?? []
        case .complex64: return tensor.withUnsafeBytes { $0.bindMemory(to: Float.self).map { Double($0) } }
        case .float16:
            guard let precision = HalfPrecision(.float16) else { return [] }
            return tensor.withUnsafeBytes { $0.bindMemory(to: UInt16.self).map { Double(precision.number($0)) } }
        default: return tensor.integers?.map { Double($0) } ?? []
        }
    }

    @Test("a name leads to one function, with or without tf. and its module")
    func names() throws {
        var seen: Set<String> = []
        for function in FunctionTable.functions {
            for name in function.names {
                #expect(seen.insert(name).inserted, "\(name) is named twice")
                #expect(FunctionTable.function(named: "tf.\(name)")?.names == function.names, "\(name)")
            }
            #expect(!function.parameterList.isEmpty)
        }
        #expect(FunctionTable.functions.count > 120)
        for name in ["softmax", "nn.softmax", "tf.nn.softmax"] {
            #expect(FunctionTable.function(named: name)?.names.first == "nn.softmax")
        }
        #expect(FunctionTable.function(named: "split")?.parameters == "value, num_or_size_splits, axis=0")
    }

    @Test("each function is in an expression that TensorFlow evaluated")
    func coverage() throws {
        let text = try #require(RecordedFunctions.all).cases.map(\.text).joined(separator: "\n")
        for function in FunctionTable.functions where function.names.first != "io.decode_jpeg" {
            let words = function.names.flatMap { [$0, String($0.split(separator: ".").last ?? "")] }
            #expect(words.contains { text.contains("\($0)(") }, "\(function.names)")
        }
    }
}
