import GraphSupport
import Graphs
import Operations
import Planning
import SwiftProtobuf
import Synchronization
import TensorFlowProtos
import Tensors
import Testing
import Threads

@testable import Execution

@Suite("Weights that are packed while they are read")
struct PackedWeightTests {
    private func floats(_ values: [Float], _ shape: [Int]) throws -> Tensor {
        try #require(Tensor(values, shape: shape))
    }

    /// A checkpoint that gives values in parts, of a row or some rows each.
    private final class PartsSource: VariableSource {
        private let values: [String: Tensor]
        let reads = Mutex<[String]>([])

        init(_ values: [String: Tensor]) { self.values = values }

        func value(of variable: VariableReference) throws(OpError) -> Tensor {
            reads.withLock { $0.append(variable.name) }
            guard let value = values[variable.name] else { throw OpError(.missingVariable, variable.name) }
            return value
        }

        func shape(of variable: VariableReference) throws(OpError) -> Shape {
            guard let value = values[variable.name] else { throw OpError(.missingVariable, variable.name) }
            return value.shape
        }

        func readParts(
            of variable: VariableReference, multipleOf multiple: Int,
            _ take: @escaping @Sendable (UnsafeRawBufferPointer, Int) -> Void
        ) throws(OpError) -> Bool {
            reads.withLock { $0.append("parts of \(variable.name)") }
            guard variable.name != "damaged", let value = values[variable.name] else {
                throw OpError(.missingVariable, "does not verify")
            }
            value.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: bytes.count, by: multiple).reversed() {
                    take(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + multiple, bytes.count)]), start)
                }
            }
            return true
        }
    }

    @Test("a weight of which only panels are read is packed while it is read, and needs no memory")
    func packedInParts() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 3])
        let weight = graph.variable("weight", 1, [3, 70])
        let turned = graph.variable("turned", 1, [70, 3])
        let both = graph.variable("both", 1, [3, 70])
        let scale = graph.variable("scale", 1, [70])
        let damaged = graph.variable("damaged", 1, [3, 70])
        func multiply(_ name: String, _ weight: String, transposed: Bool = false) {
            graph.add(
                "MatMul", name, [x, weight], types: ["T": 1],
                ["transpose_a": .with { $0.b = false }, "transpose_b": .with { $0.b = transposed }])
        }
        multiply("y", weight)
        multiply("t", turned, transposed: true)
        multiply("b", both)
        graph.add("AddV2", "sum", [both, both], types: ["T": 1])
        graph.add("Mul", "scaled", [weight, scale], types: ["T": 1])
        multiply("s", "scaled")
        multiply("d", damaged)
        let numbers = (0..<210).map { Float($0 % 13) - 6 }
        let source = PartsSource([
            "weight": try floats(numbers, [3, 70]), "turned": try floats(numbers, [70, 3]),
            "both": try floats(numbers, [3, 70]), "scale": try floats(Array(repeating: 2, count: 70), [70]),
            "damaged": try floats(numbers, [3, 70]),
        ])
        let session = Session(
            graph: try Graph(graph.def), variables: source, threadCount: 1, helpers: SpareProcessors(processors: 3))
        let feed = try floats([1, 2, 3], [1, 3])
        func run(_ fetches: [String]) throws -> [[Float]?] {
            try session.callable(["x:0"], fetches).run([feed]).map { $0.scalars(as: Float.self) }
        }
        /// The product of the feed and the column that begins somewhere.
        func product(from start: Int, step: Int) -> Float {
            let (first, second) = (numbers[start], numbers[start + step])
            return first + 2 * second + 3 * numbers[start + 2 * step]
        }
        let wanted = (0..<70).map { product(from: $0, step: 70) }
        #expect(try run(["y:0"]) == [wanted])
        #expect(try run(["t:0"]) == [(0..<70).map { product(from: 3 * $0, step: 1) }])
        #expect(source.reads.withLock { $0 } == ["parts of weight", "parts of turned"])
        #expect(session.weightBytes.raw == 0)
        // A weight that others need as well is read once, as a whole.
        #expect(try run(["b:0", "sum:0"]).first == wanted)
        #expect(source.reads.withLock { $0.suffix(1) } == ["both"])
        // What panels are made of goes when they are made.
        let bytes = session.weightBytes
        #expect(try run(["s:0"]) == [wanted.map { 2 * $0 }])
        #expect(session.weightBytes.raw == bytes.raw && session.weightBytes.derived == bytes.derived)
        let error = #expect(throws: OpError.self) { try session.callable(["x:0"], ["d:0"]) }
        #expect(error.map { "\($0)" }?.contains("does not verify") == true)
    }

    @Test("data that does not fit a packed weight is told the weight's dimensions as they lie")
    func misfit() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, -1])
        let turned = graph.variable("turned", 1, [7, 3])
        graph.add(
            "MatMul", "y", [x, turned], types: ["T": 1],
            ["transpose_a": .with { $0.b = false }, "transpose_b": .with { $0.b = true }])
        let weight = try floats((0..<21).map { Float($0) }, [7, 3])
        let session = try #require(try graph.versions([["turned": weight]]).first)
        let callable = try session.callable(["x:0"], ["y:0"])
        let error = #expect(throws: OpError.self) { try callable.run([try floats([1, 2, 3, 4], [1, 4])]) }
        #expect(error.map { "\($0)" }?.contains("In[0]: [1,4], In[1]: [7,3]") == true)
    }
}
