import Execution
import GraphSupport
import Graphs
import OperationSupport
import Operations
import Planning
import Serving
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import Training
import VectorSupport

/// Steps of optimizers, as `Tests/Fixtures/generator/minimizing.py` has recorded them from those of `tf.compat.v1.train`.
@Suite("Optimizers")
struct MinimizationTests {
    static let vectors: [GraphVector] =
        (try? VectorFile.readGraphs(Fixtures.path("derivatives/minimizing.graphs"))) ?? []

    @Test("There are records")
    func exists() { #expect(Self.vectors.count == 28) }

    @Test("Every step gives TensorFlow's variables", arguments: vectors.indices)
    func steps(index: Int) throws {
        let vector = Self.vectors[index]
        let (session, minimization) = try Self.session(vector)
        #expect(minimization.trained == session.variables.filter { $0.wholeMatch(of: /w\d/) != nil })
        try session.run(targets: [minimization.initializer])
        let tolerance = Tolerance(relative: vector.rtol, absolute: vector.atol)
        for run in vector.runs {
            #expect(run.error.isEmpty)
            var feeds: [String: FeedValue] = [:]
            for feed in run.feeds { feeds[feed.name] = FeedValue(try Tensor(decoding: feed.tensor)) }
            try session.run(feeds: feeds, targets: [minimization.step])
            for (name, output) in zip(run.fetches, run.outputs) {
                let variable = name.replacing("after_", with: "").replacing(":0", with: "")
                let value = try session.value(ofVariable: variable)
                let difference = tolerance.difference(value, try Tensor(decoding: output))
                #expect(difference == nil, "\(vector.label): \(variable)")
            }
        }
    }

    @Test("A loss that depends on no variable is refused")
    func independent() throws {
        var graph = TestGraph()
        graph.floats("loss", [1])
        graph.add(
            "VariableV2", "w", types: ["dtype": 1],
            ["shape": .with { $0.shape.dim = [.with { $0.size = 2 }] }])
        let built = try Graph(graph.def)
        let error = #expect(throws: OpError.self) {
            try Minimization(
                of: Endpoint(node: 0, output: 0), by: [1], .adam(), in: built, FactInference(built))
        }
        #expect("\(try #require(error))".contains("\"loss\" depends on none of the 1 variables"))
    }

    private static func session(_ vector: GraphVector) throws -> (Training.Session, Minimization) {
        let words = vector.label.split(separator: " ")
        let rate = try #require(Double(words[1]))
        let optimizer = try #require(Optimizer.named(String(words[0]), learningRate: rate))
        let graph = try Graph(vector.graph)
        let loss = Endpoint(node: try #require(graph.index(ofNode: "loss")), output: 0)
        let variables = graph.nodes.indices.filter { graph.nodes[$0].name.wholeMatch(of: /w\d/) != nil }
        let minimization = try Minimization(of: loss, by: variables, optimizer, in: graph, FactInference(graph))
        let values = try vector.variables.map { ($0.name, try Tensor(decoding: $0.tensor)) }
        let session = Execution.Session(
            graph: minimization.graph, variables: TestGraph.Variables(values: Dictionary(uniqueKeysWithValues: values)),
            threadCount: 1, areVariablesTrained: true)
        return (Training.Session(minimization.graph, session), minimization)
    }
}
