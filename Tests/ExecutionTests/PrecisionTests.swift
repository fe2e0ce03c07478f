import Execution
import GraphSupport
import Graphs
import Operations
import Planning
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

/// Weights that products keep in bfloat16.
@Suite("Precision of weights")
struct PrecisionTests {
    private static let bf16 = PassOptions(precision: .bf16)

    private static func ramp(_ shape: [Int], _ step: Float) throws -> Tensor {
        try #require(Tensor((0..<shape.reduce(1, *)).map { Float($0 % 23 - 11) * step }, shape: shape))
    }

    @Test("bf16 gives TensorFlow's outputs for rounded weights, where fp32 gives those for the weights as they are")
    func matchesTensorFlow() throws {
        for vector in try VectorFile.readGraphs(Fixtures.path("graphs/narrow_weights.graphs")) {
            let narrow = try GraphTrial(vector, passes: Self.bf16)
            let tolerance = Tolerance(relative: vector.rtol, absolute: vector.atol)
            // The runs of a network and of that with rounded weights follow each other.
            for first in stride(from: 0, to: vector.runs.count, by: 2) {
                let (plain, rounded) = (vector.runs[first], vector.runs[first + 1])
                #expect(plain.fetches == ["y:0"] && rounded.fetches == ["y_rounded:0"])
                let feeds = try plain.feeds.map { try Tensor(decoding: $0.tensor) }
                let found = try narrow.callable(plain).run(feeds)[0]
                let expected = try Tensor(decoding: rounded.outputs[0])
                #expect(tolerance.difference(found, expected) == nil, "\(vector.label)")
                #expect(tolerance.difference(found, try Tensor(decoding: plain.outputs[0])) != nil, "\(vector.label)")
            }
        }
    }

    /// `y = x * w`, of 6 rows and 33 columns.
    private static func product() -> TestGraph {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 6])
        graph.add("MatMul", "y", [x, graph.variable("w", 1, [6, 33])], types: ["T": 1])
        return graph
    }

    @Test("panels take half the memory, and the plan and the program say what they hold")
    func memory() throws {
        let variables = ["w": try Self.ramp([6, 33], 0.013)]
        let wide = try Self.product().session(variables)
        let narrow = try Self.product().session(variables, passes: Self.bf16)
        _ = try (wide.callable(["x:0"], ["y:0"]), narrow.callable(["x:0"], ["y:0"]))
        // 6 rows of 48 columns.
        #expect(wide.weightBytes.packed == 6 * 48 * 4 && narrow.weightBytes.packed == 6 * 48 * 2)
        let shapes = [Shape([2, 6])].compactMap(\.self)
        let explanation = try narrow.explanation(["x:0"], ["y:0"], shapes: shapes)
        #expect(explanation.stages.last?.rows.first?.inputs.last == "PackPanels(w) bfloat16")
        #expect(explanation.program?.rows.map(\.kernel) == ["matmul.bf16Panels"])
        let plain = try wide.explanation(["x:0"], ["y:0"], shapes: shapes)
        #expect(plain.stages.last?.rows.first?.inputs.last == "PackPanels(w)")
        #expect(plain.program?.rows.map(\.kernel) == ["matmul.panels"])
    }

    @Test("a weight that is fed stays float32")
    func fed() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 6])
        graph.add("MatMul", "y", [x, graph.placeholder("w", 1, [6, 33])], types: ["T": 1])
        let feeds = [try Self.ramp([6, 33], 0.013), try Self.ramp([2, 6], 0.7)]
        let found = try graph.session(passes: Self.bf16).callable(["w:0", "x:0"], ["y:0"]).run(feeds)
        let expected = try graph.session().callable(["w:0", "x:0"], ["y:0"]).run(feeds)
        #expect(found[0].scalars(as: Float.self) == expected[0].scalars(as: Float.self))
    }

    @Test("sessions of one graph with different precisions share neither plans nor weights")
    func sharing() throws {
        let graph = try Graph(Self.product().def)
        let library = PlanLibrary(graph)
        let variables = TestGraph.Variables(values: ["w": try Self.ramp([6, 33], 0.013)])
        func session(_ precision: Precision) -> Session {
            Session(
                graph: graph, variables: variables, threadCount: 1, library: library,
                passes: PassOptions(precision: precision))
        }
        let sessions = [session(.fp32), session(.bf16), session(.bf16), session(.fp32)]
        let calls = try sessions.map { try $0.callable(["x:0"], ["y:0"]) }
        #expect(calls[0].sharesPlan(with: calls[3]) && calls[1].sharesPlan(with: calls[2]))
        #expect(!calls[0].sharesPlan(with: calls[1]))
        let x = try Self.ramp([3, 6], 0.7)
        let results = try calls.map { try $0.run([x])[0].scalars(as: Float.self) }
        #expect(results[0] == results[3] && results[1] == results[2] && results[0] != results[1])
    }
}
