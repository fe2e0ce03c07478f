import Execution
import Foundation
import GraphSupport
import Graphs
import Operations
import Planning
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

/// Random graphs for each pass, recorded with TensorFlow's outputs: see `Tests/Fixtures/generator/pass_patterns.py`.
@Suite("Random graphs for each pass")
struct PassPatternTests {
    private static let graphsPerPass = 5

    /// How often a pass changes the plans of a recorded run.
    private func patches(_ pass: String, _ vector: GraphVector) throws -> Int {
        let run = try #require(vector.runs.first)
        let graph = try Graph(vector.graph)
        let values = try vector.variables.map { ($0.name, try Tensor(decoding: $0.tensor)) }
        let session = Session(
            graph: graph, variables: TestGraph.Variables(values: Dictionary(uniqueKeysWithValues: values)),
            threadCount: 1)
        func endpoint(_ text: String) throws -> Endpoint {
            let name = try #require(TensorName(parsing: text))
            return Endpoint(node: try #require(graph.index(ofNode: name.node)), output: name.output)
        }
        let explanation = try session.explain(
            feeds: try run.feeds.map { try endpoint($0.name) }, fetches: try run.fetches.map(endpoint),
            shapes: try run.feeds.map { try Tensor(decoding: $0.tensor).shape })
        return explanation.stages.filter { $0.pass == pass }.reduce(0) { $0 + $1.patches }
    }

    @Test(
        "the pass finds its pattern, and outputs are TensorFlow's with it, without it, and with it alone",
        arguments: PassList.all.map { $0.name })
    func pattern(of pass: String) throws {
        let family = try #require(VectorFamily.graphs.first { $0.name == "pass_patterns" })
        let vectors = try VectorFile.readGraphs(family.path).filter { $0.label.hasPrefix("\(pass): ") }
        #expect(vectors.count == Self.graphsPerPass)
        for vector in vectors {
            #expect(try patches(pass, vector) > 0, "\(vector.label): there is nothing to do for the pass")
            for disabled in [[], [pass], Set(PassList.names).subtracting([pass])] {
                let differences = GraphTrial.differences(vector, passes: PassOptions(disabled: disabled))
                #expect(differences.isEmpty, "\(vector.label) without \(disabled.sorted())")
            }
        }
    }
}
