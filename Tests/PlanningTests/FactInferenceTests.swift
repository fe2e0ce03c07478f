import GraphSupport
import Graphs
import Operations
import Planning
import TensorFlowProtos
import Tensors
import Testing

@Suite("What the graph alone tells of loops")
struct FactInferenceTests {
    private func fact(_ name: String, _ graph: TestGraph) throws -> TensorFact {
        let linked = try Graph(graph.def)
        let node = try #require(linked.index(ofNode: name))
        return try #require(FactInference(linked).feedableFact(of: Endpoint(node: node, output: 0)))
    }

    private func twice(_ value: String, _ name: String, _ graph: inout TestGraph) -> String {
        var count = AttrValue()
        count.i = 2
        return graph.add(
            "ConcatV2", name, [value, value, graph.constant("\(name)/axis", 0)], types: ["T": 3, "Tidx": 3],
            ["N": count])
    }

    private static let anyRows = PartialShape([PartialShape.unknownDimension, 4])

    @Test("what begins an inner loop may be another shape in each iteration of the outer one")
    func innerLoops() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        let outer = graph.loop("outer", to: limit, [graph.placeholder("x", 3, [1, 4])]) { graph, _, variables in
            let inner = graph.loop("inner", to: "outer/enter_limit", variables) { graph, _, variables in
                [graph.add("Neg", "neg", [variables[0]], types: ["T": 3])]
            }
            return [twice(inner[1], "twice", &graph)]
        }
        #expect(try fact("inner/exit1", graph).shape == Self.anyRows)
        #expect(try fact("neg", graph).shape == Self.anyRows)
        #expect(try fact(outer[1], graph).shape == Self.anyRows)
        #expect(try fact(outer[0], graph).shape == .scalar)
    }

    @Test("what lasts is known behind many loops, each of which begins with what the one before left")
    func loopsInARow() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        var value = graph.loop("first", to: limit, [graph.placeholder("x", 3, [1, 4])]) { graph, _, variables in
            [twice(variables[0], "twice", &graph)]
        }[1]
        for index in 0..<8 {
            value =
                graph.loop("l\(index)", to: limit, [value]) { graph, _, variables in
                    [graph.add("Neg", "neg\(index)", [variables[0]], types: ["T": 3])]
                }[1]
        }
        #expect(try fact(value, graph).shape == Self.anyRows)
    }

    @Test("a loop whose iterations give another dtype tells the dtype that it begins with")
    func dtypes() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        let initial = [graph.placeholder("x", 3, [2]), graph.placeholder("y", 1, [5])]
        let exits = graph.loop("l", to: limit, initial) { graph, _, variables in
            [graph.add("Cast", "cast", [variables[0]], types: ["SrcT": 3, "DstT": 1]), variables[1]]
        }
        #expect(try fact(exits[1], graph).dtype == .int32)
        #expect(try fact(exits[1], graph).shape == .unknown)
        #expect(try fact(exits[2], graph).shape == PartialShape([5]))
    }
}
