import Execution
import Foundation
import GraphSupport
import Graphs
import Operations
import Planning
import Tensors
import Testing
import VectorSupport

/// Each pass alone, over graphs that are made for it and over all recorded graphs.
@Suite("Passes")
struct PassTests {
    /// The nodes of a plan by op, after some passes.
    private func ops(
        _ graph: TestGraph, _ feeds: [String], _ fetches: [String], without disabled: Set<String> = []
    ) throws -> [String] {
        let session = try graph.session(passes: PassOptions(disabled: disabled))
        let explanation = try session.explanation(feeds, fetches)
        return try #require(explanation.stages.last { $0.form == .general }).rows.map(\.op)
    }

    @Test("constants are folded, unless the pass is off")
    func folding() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 3)
        let two = graph.constant("two", 2)
        let three = graph.constant("three", 3)
        graph.add("Mul", "six", [two, three], types: ["T": 3])
        graph.add("AddV2", "y", [x, "six"], types: ["T": 3])
        #expect(try ops(graph, ["x:0"], ["y:0"]) == ["AddV2"])
        #expect(try ops(graph, ["x:0"], ["y:0"], without: ["fold-constants"]).contains("Mul"))
    }

    @Test("identities are forwarded, unless the pass is off; a fetched one is its input")
    func forwarding() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 3)
        graph.add("Identity", "same", [x], types: ["T": 3])
        graph.add("Neg", "y", ["same"], types: ["T": 3])
        #expect(try ops(graph, ["x:0"], ["y:0", "same:0"]) == ["Neg"])
        #expect(try ops(graph, ["x:0"], ["y:0", "same:0"], without: ["forward-identities"]) == ["Identity", "Neg"])
    }

    @Test("equal nodes are merged and keep their names; random ones are not")
    func merging() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [2])
        graph.add("Exp", "a", [x], types: ["T": 1])
        graph.add("Exp", "b", [x], types: ["T": 1])
        graph.add("Sub", "y", ["a", "b"], types: ["T": 1])
        #expect(try ops(graph, ["x:0"], ["y:0"]) == ["Exp", "Sub"])
        #expect(try ops(graph, ["x:0"], ["y:0"], without: ["merge-equal"]) == ["Exp", "Exp", "Sub"])
        let rows = try graph.session().explanation(["x:0"], ["y:0"]).stages.last { $0.form == .general }?.rows
        #expect(rows?.first?.names == ["a", "b"])
        var random = TestGraph()
        let size = random.constant("size", 3)
        random.add("ExpandDims", "shape", [size, random.constant("axis", 0)], types: ["T": 3, "Tdim": 3])
        for name in ["a", "b"] { random.add("RandomUniform", name, ["shape"], types: ["dtype": 1, "T": 3]) }
        random.add("Sub", "y", ["a", "b"], types: ["T": 1])
        #expect(try ops(random, [], ["y:0"]) == ["RandomUniform", "RandomUniform", "Sub"])
    }

    @Test("a branch that a constant decides is removed, with its condition")
    func branches() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [2])
        let one = graph.constant("one", 1)
        let zero = graph.constant("zero", 0)
        graph.add("Less", "never", [one, zero], types: ["T": 3])
        graph.add("Switch", "switch", [x, "never"], types: ["T": 1])
        graph.add("Neg", "then", ["switch:1"], types: ["T": 1])
        graph.add("Exp", "else", ["switch:0"], types: ["T": 1])
        graph.add("Merge", "y", ["else", "then"], types: ["T": 1])
        #expect(try ops(graph, ["x:0"], ["y:0"]) == ["Exp"])
        let kept = try ops(graph, ["x:0"], ["y:0"], without: ["dead-branches"])
        #expect(kept.contains("Neg") && kept.contains("Merge") && kept.contains("Flag"))
    }

    @Test("what nothing depends on is removed; an assertion stays")
    func unneeded() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 10)
        graph.add("Assert", "check", [x, x])
        graph.add("LogicalNot", "unused", [x])
        graph.add("LogicalNot", "y", [x, "^check", "^unused"])
        graph.add("LogicalAnd", "z", ["y", x])
        #expect(try ops(graph, ["x:0"], ["z:0"], without: ["merge-equal"]) == ["Assert", "LogicalNot", "LogicalAnd"])
    }

    @Test("what all iterations of a loop compute alike is computed before it; what may fail is not")
    func hoisting() throws {
        func parts(without disabled: Set<String> = []) throws -> [String: String?] {
            var graph = TestGraph()
            let x = graph.placeholder("x", 1, [2])
            let n = graph.placeholder("n", 3)
            _ = graph.loop("loop", to: n, [x, x, n]) { graph, counter, variables in
                graph.add("Exp", "exp", [variables[1]], types: ["T": 1])
                graph.add("Tanh", "tanh", ["exp"], types: ["T": 1])
                graph.add("FloorDiv", "quotient", [variables[2], variables[2]], types: ["T": 3])
                graph.add("Cast", "number", ["quotient"], types: ["SrcT": 3, "DstT": 1])
                graph.add("AddV2", "sum", [variables[0], "tanh"], types: ["T": 1])
                return [graph.add("Mul", "next", ["sum", "number"], types: ["T": 1]), variables[1], variables[2]]
            }
            let session = try graph.session(passes: PassOptions(disabled: disabled.union(["fuse-elementwise"])))
            let explanation = try session.explanation(
                ["x:0", "n:0"], ["loop/exit1:0"], shapes: [try #require(Shape([2])), try #require(Shape([]))])
            return Dictionary(
                try #require(explanation.stages.last).rows.map { ($0.op, $0.part) }, uniquingKeysWith: { $1 })
        }
        let hoisted = try parts()
        #expect(hoisted["Exp"] == .some(nil) && hoisted["Tanh"] == .some(nil))
        #expect(hoisted["AddV2"] == "body" && hoisted["FloorDiv"] == "body")
        let kept = try parts(without: ["hoist-invariants"])
        #expect(kept["Exp"] == "body" && kept["Tanh"] == "body")
    }

    @Test("rows of a table in parts are gathered from one weight, which is joined once, not in each run")
    func partitionedTable() throws {
        var graph = TestGraph()
        let parts = ["a", "b"].map { graph.variable($0, 1, [2, 3]) }
        let axis = graph.constant("axis", 0)
        graph.add("ConcatV2", "table", parts + [axis], types: ["T": 1, "Tidx": 3])
        let x = graph.placeholder("x", 3, [-1])
        graph.add("GatherV2", "y", ["table", x, axis], types: ["Tparams": 1, "Tindices": 3, "Taxis": 3])
        let numbers = (0..<6).map { Float($0) }
        let values = [
            "a": try #require(Tensor(numbers, shape: [2, 3])),
            "b": try #require(Tensor(numbers.map { $0 + 6 }, shape: [2, 3])),
        ]
        let session = try graph.session(values)
        #expect(try session.explanation(["x:0"], ["y:0"]).stages.last?.rows.map(\.op) == ["GatherV2"])
        let row = try session.callable(["x:0"], ["y:0"]).run([try #require(Tensor([2] as [Int32]))])[0]
        #expect(row.scalars(as: Float.self) == [6, 7, 8])
    }

    @Test("the names of passes are unique, and their summaries are sentences")
    func names() {
        #expect(Set(PassList.all.map { $0.name }).count == PassList.all.count)
        for pass in PassList.all { #expect(pass.summary.hasSuffix(".")) }
    }

    @Test("docs/architecture.md lists all passes in order, with their summaries")
    func document() throws {
        let file = Fixtures.package.appendingPathComponent("docs/architecture.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let table = try #require(text.components(separatedBy: "| pass | purpose |\n| --- | --- |\n").dropFirst().first)
        let rows = table.split(separator: "\n", omittingEmptySubsequences: false).prefix { $0.hasPrefix("|") }
        #expect(rows.map(String.init) == PassList.all.map { "| `\($0.name)` | \($0.summary) |" })
    }

    /// Whether each pass is switched off in turn for every graph, not for a share of them.
    private static let isFull = ProcessInfo.processInfo.environment["METASERVE_PASSES"] == "full"

    @Test(
        "Every recorded graph gives TensorFlow's outputs without all passes, and with each of them off",
        arguments: VectorFamily.graphs)
    func switchedOff(_ family: VectorFamily) throws {
        for (index, vector) in try VectorFile.readGraphs(family.path).enumerated() {
            var choices = PassList.names.map { Set([$0]) } + [Set(PassList.names)]
            if !Self.isFull { choices = [choices[index % choices.count], Set(PassList.names)] }
            for disabled in choices {
                let differences = GraphTrial.differences(vector, passes: PassOptions(disabled: disabled))
                for difference in differences {
                    Issue.record("\(family.name) #\(index) without \(disabled.sorted()): \(difference)")
                }
            }
        }
    }
}
