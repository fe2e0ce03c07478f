import GraphSupport
import Graphs
import Memory
import Operations
import Planning
import Tensors
import Testing

@testable import Execution

@Suite("Nodes that a call adds to a graph")
struct GraphAdditionsTests {
    /// `y = x * w`.
    private static func graph() -> TestGraph {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1])
        graph.add("Mul", "y", [x, graph.variable("w", 1, [])], types: ["T": 1])
        return graph
    }

    private static func tripled(_ session: Session, key: String = "y:0 * 3") throws -> (GraphAdditions, Endpoint) {
        let graph = session.graph
        let y = Endpoint(node: try #require(graph.index(ofNode: "y")), output: 0)
        let three = Endpoint(node: graph.nodes.count, output: 0)
        let nodes = [
            AddedNode(
                name: "three", op: "Const",
                attributes: [
                    "dtype": .type(.float32), "value": .tensor(try #require(Tensor([3] as [Float], shape: []))),
                ]),
            AddedNode(name: "tripled", op: "Mul", inputs: [y, three], attributes: ["T": .type(.float32)]),
        ]
        let additions = try GraphAdditions(nodes, key: [key], to: graph, session.inference)
        return (additions, Endpoint(node: three.node + 1, output: 0))
    }

    private static func weight(_ value: Float) throws -> Tensor { try #require(Tensor([value], shape: [])) }

    @Test("an added graph keeps its nodes and indices, and finds the new ones by their names")
    func adding() throws {
        let graph = try Graph(Self.graph().def)
        let y = try #require(graph.index(ofNode: "y"))
        let larger = try graph.adding([
            AddedNode(name: "z", op: "Neg", inputs: [Endpoint(node: y, output: 0)], controlInputs: [0])
        ])
        #expect(larger.nodes.count == graph.nodes.count + 1)
        for index in graph.nodes.indices { #expect(larger.nodes[index] === graph.nodes[index]) }
        #expect(larger.index(ofNode: "z") == graph.nodes.count)
        #expect(larger.index(ofNode: "y") == y)
        #expect(larger.nodes[graph.nodes.count].controlInputs == [.endpoint(Endpoint(node: 0, output: 0))])
        #expect(larger.nearestNames(to: "zz").contains("z"))
        #expect(graph.index(ofNode: "z") == nil)
        #expect(larger.freeName("z") == "z_")
        let largest = try larger.adding([AddedNode(name: "a", op: "NoOp")])
        #expect(largest.index(ofNode: "z") == graph.nodes.count && largest.index(ofNode: "a") == graph.nodes.count + 1)
    }

    @Test("names that are there already, and inputs that are not, are refused")
    func refusals() throws {
        let graph = try Graph(Self.graph().def)
        #expect(throws: GraphError("two nodes are named \"y\"")) {
            try graph.adding([AddedNode(name: "y", op: "NoOp")])
        }
        #expect(throws: GraphError("two nodes are named \"z\"")) {
            try graph.adding([AddedNode(name: "z", op: "NoOp"), AddedNode(name: "z", op: "NoOp")])
        }
        #expect(throws: GraphError("an input of node \"z\" is not in the graph")) {
            try graph.adding([AddedNode(name: "z", op: "Neg", inputs: [Endpoint(node: 99, output: 0)])])
        }
        #expect(throws: GraphError("an unknown dtype cannot be written into an attribute")) {
            try graph.adding([AddedNode(name: "z", op: "Neg", attributes: ["T": .type(nil)])])
        }
    }

    @Test("attributes of all kinds are read as they were given")
    func attributes() throws {
        var list = AttributeValue.List()
        list.ints = [1, -2]
        var types = AttributeValue.List()
        types.types = [.int64, .string]
        var shapes = AttributeValue.List()
        shapes.shapes = [.unknown, PartialShape([-1, 2])]
        let node = try AddedNode(
            name: "n", op: "Any",
            attributes: [
                "bytes": .bytes([1, 2]), "int": .int(-3), "float": .float(0.5), "bool": .bool(true),
                "type": .type(.bfloat16), "shape": .shape(PartialShape([2, -1])), "rank": .shape(.unknown),
                "ints": .list(list), "types": .list(types), "shapes": .list(shapes),
            ]
        ).node()
        let reader = NodeReader(node)
        #expect(try reader.int("int") == -3 && reader.float("float") == 0.5 && reader.bool("bool"))
        #expect(try reader.type("type") == .bfloat16 && reader.shape("shape") == PartialShape([2, -1]))
        #expect(try reader.shape("rank") == .unknown && reader.ints("ints") == [1, -2])
        #expect(try reader.types("types") == [.int64, .string])
        #expect(try reader.shapes("shapes") == [.unknown, PartialShape([-1, 2])])
        #expect(try reader.string("bytes") == "\u{1}\u{2}")
    }

    @Test("a call with additions computes them, and knows their dtypes and shapes; other calls do not see them")
    func calls() throws {
        let session = try Self.graph().session(["w": try Self.weight(2)])
        let (additions, tripled) = try Self.tripled(session)
        let x = Endpoint(node: try #require(session.graph.index(ofNode: "x")), output: 0)
        let callable = try session.callable(feeds: [x], fetches: [tripled], additions: additions)
        #expect(callable.fetches[0].name == "tripled:0" && callable.fetches[0].dtype == .float32)
        #expect(callable.fetches[0].shape == PartialShape([-1]))
        #expect(additions.inference.feedableFact(of: tripled)?.shape == PartialShape([-1]))
        let fed = try #require(Tensor([1, 10] as [Float]))
        #expect(try callable.run([fed])[0].scalars(as: Float.self) == [6, 60])
        // The same text is compiled once.
        let again = try session.callable(feeds: [x], fetches: [tripled], additions: try Self.tripled(session).0)
        #expect(again === callable)
        #expect(session.graph.index(ofNode: "tripled") == nil)
        #expect(throws: OpError.self) { try session.callable(["x:0"], ["tripled:0"]) }
    }

    @Test("versions of a model share the plan of equal additions, not the weights")
    func versions() throws {
        let sessions = try Self.graph().versions([["w": try Self.weight(2)], ["w": try Self.weight(5)]])
        let fed = try #require(Tensor([1] as [Float]))
        var callables: [Callable] = []
        for (session, expected) in zip(sessions, [6, 15] as [Float]) {
            let (additions, tripled) = try Self.tripled(session)
            let x = Endpoint(node: try #require(session.graph.index(ofNode: "x")), output: 0)
            let callable = try session.callable(feeds: [x], fetches: [tripled], additions: additions)
            #expect(try callable.run([fed])[0].scalars(as: Float.self) == [expected])
            callables.append(callable)
        }
        #expect(callables[1].sharesPlan(with: callables[0]))
        let (other, place) = try Self.tripled(sessions[0], key: "another text")
        let x = Endpoint(node: try #require(sessions[0].graph.index(ofNode: "x")), output: 0)
        #expect(
            try !sessions[0].callable(feeds: [x], fetches: [place], additions: other).sharesPlan(with: callables[0]))
    }

    @Test("callables with additions are evicted when the caches are full")
    func eviction() throws {
        let caches = CacheBudget(limitBytes: 20_000)
        let session = try Self.graph().session(["w": try Self.weight(2)], caches: caches)
        let x = Endpoint(node: try #require(session.graph.index(ofNode: "x")), output: 0)
        for number in 0..<50 {
            let (additions, tripled) = try Self.tripled(session, key: "text \(number)")
            _ = try session.callable(feeds: [x], fetches: [tripled], additions: additions)
        }
        #expect(caches.evictionCount(for: .callables) > 30)
        #expect(caches.usedBytes(for: .callables) <= 20_000)
    }
}
