import Execution
import Foundation
import GraphSupport
import Graphs
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import Threads

@Suite("Loops and branches")
struct LoopTests {
    private func int(_ value: Int32) throws -> Tensor { try #require(Tensor([value], shape: [])) }

    @Test("a loop that never ends ends at the deadline")
    func deadline() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        let exits = graph.loop("l", to: limit, [graph.placeholder("x", 3)]) { graph, _, variables in
            [graph.add("Neg", "neg", [variables[0]], types: ["T": 3])]
        }
        graph.add("Identity", "again", ["l/current0"])
        // The counter stays where it is.
        var endless = graph.def
        for index in endless.node.indices where endless.node[index].name == "l/next0" {
            endless.node[index].input = ["again"]
        }
        let session = Session(graph: try Graph(endless), variables: TestGraph.Variables(), threadCount: 1)
        let callable = try session.callable(["limit:0", "x:0"], ["\(exits[1]):0"])
        let error = failure {
            _ = try callable.run([try int(1), try int(1)], limits: RunLimits(deadline: Deadline(after: 0.05)))
        }
        #expect(error?.kind == .deadlineExceeded)
    }

    @Test("a branch in a loop that has no iteration decides nothing after the loop")
    func branchAfterLoop() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        let choice = graph.placeholder("choice", 10)
        let first = graph.placeholder("x", 3)
        func pick(_ graph: inout TestGraph, _ name: String, _ value: String, _ choice: String) -> String {
            graph.add("Switch", "\(name)/switch", [value, choice])
            graph.add("Neg", "\(name)/neg", ["\(name)/switch:1"], types: ["T": 3])
            graph.add("Identity", "\(name)/same", ["\(name)/switch"])
            return graph.add("Merge", "\(name)/merge", ["\(name)/same", "\(name)/neg"])
        }
        let exits = graph.loop("l", to: limit, [first]) { graph, _, variables in
            let inner = graph.add(
                "Enter", "choice_in", [choice], ["frame_name": .with { $0.s = .init("l".utf8) }])
            return [pick(&graph, "in", variables[0], inner)]
        }
        let after = pick(&graph, "out", exits[1], choice)
        let callable = try graph.session().callable(["limit:0", "choice:0", "x:0"], ["\(after):0"])
        for iterations in 0...3 as ClosedRange<Int32> {
            for choice in [false, true] {
                let result = try callable.run([
                    try int(iterations), try #require(Tensor([choice], shape: [])), try int(5),
                ])
                let isNegative = choice && iterations % 2 == 0
                #expect(result[0].scalars(as: Int32.self) == [isNegative ? -5 : 5], "\(iterations) \(choice)")
            }
        }
    }

    @Test("a value of unknown shape goes through a branch that the shapes decide")
    func dynamicBranch() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 3, [-1])
        let shape = graph.placeholder("shape", 3, [-1])
        let size = graph.add("Size", "size", [x], types: ["T": 3, "out_type": 3])
        let choice = graph.add("Greater", "choice", [size, graph.constant("four", 4)], types: ["T": 3])
        graph.add("Switch", "switch", [x, choice])
        graph.add("Neg", "neg", ["switch:1"], types: ["T": 3])
        graph.add("Reshape", "reshape", ["neg", shape], types: ["T": 3, "Tshape": 3])
        graph.add("Identity", "same", ["switch"])
        graph.add("Merge", "merge", ["same", "reshape"])
        graph.add("Neg", "result", ["merge"], types: ["T": 3])
        let callable = try graph.session().callable(["x:0", "shape:0"], ["result:0"])
        let long = try callable.run([
            try #require(Tensor([1, 2, 3, 4, 5, 6] as [Int32])), try #require(Tensor([3, 2] as [Int32])),
        ])
        #expect(long[0].shape.dimensions == [3, 2])
        #expect(long[0].scalars(as: Int32.self) == [1, 2, 3, 4, 5, 6])
        let short = try callable.run([
            try #require(Tensor([1, 2] as [Int32])), try #require(Tensor([3, 2] as [Int32])),
        ])
        #expect(short[0].scalars(as: Int32.self) == [-1, -2])
        let dead = try graph.session().callable(["x:0", "shape:0"], ["neg:0"])
        let error = failure {
            _ = try dead.run([
                try #require(Tensor([1, 2] as [Int32])), try #require(Tensor([2] as [Int32])),
            ])
        }
        #expect(error?.kind == .invalidArgument)
    }

    @Test("strings that an iteration makes outlive it")
    func strings() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        let x = graph.placeholder("x", 7)
        let none = graph.add(
            "Reshape", "none",
            [
                x,
                graph.add(
                    "Reshape", "axes", [graph.constant("one", 1), graph.constant("minus", -1)],
                    types: ["T": 3, "Tshape": 3]),
            ], types: ["T": 7, "Tshape": 3])
        let exits = graph.loop("l", to: limit, [none, x]) { graph, counter, variables in
            let text = graph.add("AsString", "text", [counter], types: ["T": 3])
            let joined = graph.add(
                "StringJoin", "joined", [text, variables[1]],
                ["N": .with { $0.i = 2 }, "separator": .with { $0.s = .init(", and a long way before it ".utf8) }])
            let upper = graph.add("StringUpper", "upper", [joined])
            let row = graph.add("ExpandDims", "row", [upper, graph.constant("axis", 0)], types: ["T": 7, "Tdim": 3])
            let all = graph.add(
                "ConcatV2", "all", [variables[0], row, graph.constant("axis2", 0)], types: ["T": 7, "Tidx": 3],
                ["N": .with { $0.i = 2 }])
            return [all, upper]
        }
        let callable = try graph.session().callable(["limit:0", "x:0"], ["\(exits[1]):0", "\(exits[2]):0"])
        let start = try #require(Tensor(strings: [Array("start".utf8)], shape: Shape.scalar))
        let results = try callable.run([try int(40), start])
        var expected = ["start"]
        for index in 0..<40 { expected.append("\(index), and a long way before it \(expected[index])".uppercased()) }
        let strings = try #require(results[0].strings).map { String(decoding: $0, as: UTF8.self) }
        #expect(strings == expected)
        // Without end, they are too much at some point.
        let small = try graph.session(limitBytes: 1 << 20).callable(["limit:0", "x:0"], ["\(exits[1]):0"])
        let error = failure {
            _ = try small.run([try int(.max), start], limits: RunLimits(deadline: Deadline(after: 20)))
        }
        #expect(error?.kind == .resourceExhausted)
    }

    @Test("a loop whose next value is in a branch that is not taken is an error")
    func deadNext() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        let exits = graph.loop("l", to: limit, [graph.placeholder("x", 3, nil)]) { graph, counter, variables in
            let odd = graph.add("Equal", "isTwo", [counter, graph.constant("two", 2)], types: ["T": 3])
            graph.add("Switch", "pick", [variables[0], odd])
            return [graph.add("Neg", "neg", ["pick"], types: ["T": 3])]
        }
        let callable = try graph.session().callable(["limit:0", "x:0"], ["\(exits[1]):0"])
        #expect(try callable.run([try int(2), try int(7)])[0].scalars(as: Int32.self) == [7])
        let error = failure {
            _ = try callable.run([try int(4), try int(7)], limits: RunLimits(deadline: Deadline(after: 1)))
        }
        #expect(error?.kind == .invalidArgument)
    }

    @Test("loops within loops are built in a time that does not multiply")
    func nestedLoops() throws {
        func nested(_ depth: Int) throws -> Callable {
            var graph = TestGraph()
            let limit = graph.placeholder("limit", 3)
            func wrap(_ graph: inout TestGraph, _ level: Int, _ limit: String, _ value: String) -> String {
                guard level < depth else {
                    let axis = graph.constant("axis", 0)
                    return graph.add(
                        "ConcatV2", "grown", [value, value, axis], types: ["T": 3, "Tidx": 3],
                        ["N": .with { $0.i = 2 }])
                }
                return graph.loop("l\(level)", to: limit, [value]) { graph, _, variables in
                    [wrap(&graph, level + 1, "l\(level)/enter_limit", variables[0])]
                }[1]
            }
            let result = wrap(&graph, 0, limit, graph.placeholder("x", 3, [1]))
            return try graph.session().callable(["limit:0", "x:0"], ["\(result):0"])
        }
        let result = try nested(60).run([try int(1), try #require(Tensor([7] as [Int32]))])
        #expect(result[0].scalars(as: Int32.self) == [7, 7])
        let error = failure { _ = try nested(200) }
        #expect(error?.kind == .unsupported)
    }

    @Test("what is known of a loop's first values and stays true is known behind it")
    func factsBehindLoops() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        let same = graph.placeholder("same", 1, [-1, 3])
        let grows = graph.placeholder("grows", 3, [1, 4])
        let exits = graph.loop("l", to: limit, [same, grows]) { graph, _, variables in
            let axis = graph.constant("axis", 0)
            return [
                graph.add("Neg", "neg", [variables[0]], types: ["T": 1]),
                graph.add(
                    "ConcatV2", "grown", [variables[1], variables[1], axis], types: ["T": 3, "Tidx": 3],
                    ["N": .with { $0.i = 2 }]),
            ]
        }
        let session = try graph.session()
        func fact(_ name: String) throws -> TensorFact {
            let node = try #require(session.graph.index(ofNode: name))
            return try #require(session.fact(of: Endpoint(node: node, output: 0)))
        }
        #expect(try fact(exits[1]).shape == PartialShape([PartialShape.unknownDimension, 3]))
        #expect(try fact(exits[1]).dtype == .float32)
        #expect(try fact(exits[2]).shape == PartialShape([PartialShape.unknownDimension, 4]))
        #expect(try fact(exits[2]).dtype == .int32)
    }

    @Test("thousands of branches within branches exhaust neither the stack nor the time")
    func deepBranches() throws {
        var graph = TestGraph()
        let choice = graph.placeholder("choice", 10, [-1])
        var value = graph.placeholder("x", 3)
        for index in 0..<2000 {
            let at = graph.constant("at\(index)", Int32(index))
            let one = graph.add(
                "GatherV2", "choice\(index)", [choice, at, graph.constant("axis\(index)", 0)],
                types: ["Tparams": 10, "Tindices": 3, "Taxis": 3])
            graph.add("Switch", "switch\(index)", [value, one])
            value = "switch\(index):1"
        }
        let callable = try graph.session().callable(["choice:0", "x:0"], [value])
        let choices = try #require(Tensor(Array(repeating: true, count: 2000), shape: [2000]))
        #expect(try callable.run([choices, try int(3)])[0].scalars(as: Int32.self) == [3])
    }

    @Test("a thousand loops one after another")
    func manyLoops() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        var value = graph.placeholder("x", 3)
        for index in 0..<1000 {
            value =
                graph.loop("l\(index)", to: limit, [value]) { graph, _, variables in
                    [graph.add("Neg", "neg\(index)", [variables[0]], types: ["T": 3])]
                }[1]
        }
        let callable = try graph.session().callable(["limit:0", "x:0"], ["\(value):0"])
        #expect(try callable.run([try int(3), try int(5)])[0].scalars(as: Int32.self) == [5])
    }

    @Test("functions that call each other, and names that grow with each call, are refused")
    func hostileFunctions() throws {
        let name = String(repeating: "n", count: 100_000)
        let calls = ["\(name)1", "\(name)2"].map { call in
            NodeDef.with { node in
                node.name = call
                node.op = "f"
            }
        }
        let graph = GraphDef.with { graph in
            graph.library.function = [
                .with { function in
                    function.signature.name = "f"
                    function.nodeDef = calls
                }
            ]
            graph.node = [calls[0]]
        }
        #expect(throws: GraphError.self) { try Graph(graph) }
    }

    @Test("what is in a loop can be fetched if it is computed once, as in TensorFlow")
    func fetchInLoop() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        _ = graph.loop("l", to: limit, [graph.placeholder("x", 3)]) { graph, _, variables in
            [graph.add("Neg", "neg", [variables[0]], types: ["T": 3])]
        }
        let session = try graph.session()
        let neg = try session.callable(["limit:0", "x:0"], ["neg:0"])
        #expect(try neg.run([try int(1), try int(5)])[0].scalars(as: Int32.self) == [-5])
        for count in [0, 2, 3] as [Int32] {
            #expect(failure { _ = try neg.run([try int(count), try int(5)]) }?.kind == .invalidArgument)
        }
        // More often than the body: once more each time.
        let less = try session.callable(["limit:0", "x:0"], ["l/less:0"])
        #expect(failure { _ = try less.run([try int(1), try int(5)]) }?.kind == .invalidArgument)
    }
}
