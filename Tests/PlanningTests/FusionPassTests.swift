import Execution
import GraphSupport
import Graphs
import Operations
import Planning
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

/// Which passes change which of the recorded graphs of `fused_patterns`. That outputs stay TensorFlow's is checked with all recorded graphs.
@Suite("Passes that fuse")
struct FusionPassTests {
    private static let names = [
        "read-stored-rows", "hoist-input-products", "fuse-recurrent-cells", "fuse-topk-product", "fuse-attention",
    ]

    /// The numbers of patches by the label of the graph, in the order of the names.
    private static let expected: [String: [Int]] = [
        "LSTM in a loop": [1, 1, 1, 0, 0],
        "LSTM in a loop, bias added": [1, 1, 1, 0, 0],
        "LSTM in a loop, state first": [1, 1, 1, 0, 0],
        "LSTM in a loop of any length": [1, 1, 1, 0, 0],
        // The rows of the array are not those of the tensor.
        "LSTM in a loop, rows in another order": [0, 0, 1, 0, 0],
        "LSTM in a loop, a row that is read twice": [2, 0, 1, 0, 0],
        "LSTM in a loop, peepholes": [1, 1, 1, 0, 0],
        "LSTM in a loop, a projection": [1, 1, 1, 0, 0],
        "LSTM in a loop, peepholes and a projection": [1, 1, 1, 0, 0],
        "unrolled LSTM cells, 1 rows, 1 of memory": [0, 0, 2, 0, 0],
        "unrolled LSTM cells, 4 rows, 4 of memory": [0, 0, 2, 0, 0],
        "unrolled LSTM cells, 4 rows, 1 of memory": [0, 0, 2, 0, 0],
        "GRU of dynamic_rnn": [1, 2, 1, 0, 0],
        "GRU of dynamic_rnn, lengths": [1, 2, 1, 0, 0],
        "GRU of dynamic_rnn, two layers": [2, 4, 2, 0, 0],
        // The width of the first state is known too late.
        "GRU of static_rnn": [0, 0, 2, 0, 0],
        "Keras' GRU, reset after the product": [1, 1, 1, 0, 0],
        "Keras' GRU, reset after the product, no bias": [1, 1, 1, 0, 0],
        "Keras' GRU, reset after the product, products apart": [1, 3, 1, 0, 0],
        "Keras' GRU, reset after the product, another activation": [1, 1, 0, 0, 0],
        "Keras' GRU, reset before the product": [1, 1, 1, 0, 0],
        "Keras' GRU, reset before the product, no bias": [1, 1, 1, 0, 0],
        "Keras' GRU, reset before the product, products apart": [1, 3, 1, 0, 0],
        "Keras' GRU, reset before the product, another activation": [1, 1, 0, 0, 0],
        "largest of a product": [0, 0, 0, 1, 0],
        "largest of a product, not transposed": [0, 0, 0, 1, 0],
        "largest of a product, int64": [0, 0, 0, 1, 0],
        "largest of a product that is fetched": [0, 0, 0, 0, 0],
        "largest of a product, nearly all": [0, 0, 0, 0, 0],
        "largest of a product, infinities and zeros": [0, 0, 0, 1, 0],
        "attention": [0, 0, 0, 0, 1],
        "attention, multiplied": [0, 0, 0, 0, 1],
        "attention without a mask": [0, 0, 0, 0, 1],
        "attention without a scale": [0, 0, 0, 0, 1],
        "attention, a mask for each head": [0, 0, 0, 0, 1],
        "attention of rank 3": [0, 0, 0, 0, 1],
        "attention of rank 3, a mask for all": [0, 0, 0, 0, 1],
        "attention whose weights are fetched": [0, 0, 0, 0, 0],
        "attention, many keys": [0, 0, 0, 0, 1],
    ]

    private func patches(_ vector: GraphVector, _ run: GraphRun, without disabled: Set<String>) throws -> [Int] {
        let graph = try Graph(vector.graph)
        let values = try vector.variables.map { ($0.name, try Tensor(decoding: $0.tensor)) }
        let session = Session(
            graph: graph, variables: TestGraph.Variables(values: Dictionary(uniqueKeysWithValues: values)),
            threadCount: 1, passes: PassOptions(disabled: disabled))
        func endpoint(_ text: String) throws -> Endpoint {
            let name = try #require(TensorName(parsing: text))
            return Endpoint(node: try #require(graph.index(ofNode: name.node)), output: name.output)
        }
        let shapes = try run.feeds.map { try Tensor(decoding: $0.tensor).shape }
        let explanation = try session.explain(
            feeds: try run.feeds.map { try endpoint($0.name) }, fetches: try run.fetches.map(endpoint), shapes: shapes)
        return Self.names.map { name in
            explanation.stages.filter { $0.pass == name }.reduce(0) { $0 + $1.patches }
        }
    }

    @Test("Each pattern is found, and what only looks like it is left alone")
    func firing() throws {
        let family = try #require(VectorFamily.graphs.first { $0.name == "fused_patterns" })
        var seen: Set<String> = []
        for vector in try VectorFile.readGraphs(family.path) {
            seen.insert(vector.label)
            let run = try #require(vector.runs.first)
            let found = try patches(vector, run, without: [])
            #expect(found == Self.expected[vector.label], "\(vector.label)")
            #expect(try patches(vector, run, without: Set(Self.names)).allSatisfy { $0 == 0 }, "\(vector.label)")
        }
        #expect(seen == Set(Self.expected.keys))
    }
}
