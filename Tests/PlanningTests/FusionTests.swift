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

/// What a graph is made of by the passes that fuse nodes, and what it gives with and without them.
struct FusionTrial {
    var graph = TestGraph()
    var feeds: [(name: String, tensor: Tensor)] = []

    /// Adds a placeholder of float32 with random numbers for it, between -3 and 3.
    mutating func feed(_ name: String, _ shape: [Int], open: Bool = true) throws -> String {
        var generator = SplitMix(state: UInt64(feeds.count + shape.count))
        let numbers = (0..<shape.reduce(1, *)).map { _ in Float(generator.next() >> 40) / Float(1 << 24) * 6 - 3 }
        feeds.append((name, try #require(Tensor(numbers, shape: shape))))
        var declared = shape.map { Int64($0) }
        if open, !declared.isEmpty { declared[0] = -1 }
        return graph.placeholder(name, 1, declared)
    }

    /// The ops that a call is made of at last.
    func ops(_ fetches: String..., without disabled: Set<String> = []) throws -> [String] {
        let session = try graph.session(passes: PassOptions(disabled: disabled))
        func endpoint(_ text: String) throws -> Endpoint {
            Endpoint(node: try #require(session.graph.index(ofNode: text)), output: 0)
        }
        let explanation = try session.explain(
            feeds: try feeds.map { try endpoint($0.name) }, fetches: try fetches.map(endpoint),
            shapes: feeds.map(\.tensor.shape))
        return try #require(explanation.stages.last).rows.map(\.op).filter { $0 != "Const" }
    }

    func run(_ fetches: [String], without disabled: Set<String> = []) throws -> [Tensor] {
        try graph.session(passes: PassOptions(disabled: disabled))
            .callable(feeds.map { "\($0.name):0" }, fetches.map { "\($0):0" }).run(feeds.map(\.tensor))
    }

    /// Whether a pass changes no bit of the outputs.
    func isExact(_ fetches: String..., without pass: String) throws -> Bool {
        let (with, without) = (try run(fetches), try run(fetches, without: [pass]))
        return zip(with, without).allSatisfy { one, other in
            one.shape == other.shape
                && one.withUnsafeBytes { mine in other.withUnsafeBytes { mine.elementsEqual($0) } }
        }
    }

    /// The largest difference that a pass makes.
    func difference(_ fetch: String, without pass: String) throws -> Float {
        let with = try #require(try run([fetch])[0].scalars(as: Float.self))
        let without = try #require(try run([fetch], without: [pass])[0].scalars(as: Float.self))
        return zip(with, without).map { abs($0 - $1) }.max() ?? 0
    }
}

@Suite("Fusing elementwise ops")
struct ElementwiseFusionTests {
    private static let pass = "fuse-elementwise"

    @Test("a tree of formulas is one op, unless the pass is off; operands may be broadcast")
    func tree() throws {
        var trial = FusionTrial()
        let x = try trial.feed("x", [70, 50])
        trial.graph.floats("half", [0.5])
        trial.graph.floats("row", (0..<50).map { Float($0) / 9 }, [50])
        let column = try trial.feed("column", [70, 1])
        trial.graph.float("Mul", "a", x, "half")
        trial.graph.float("AddV2", "b", "a", "row")
        trial.graph.float("Tanh", "c", "b")
        trial.graph.float("Sub", "d", column, "c")
        trial.graph.float("Sigmoid", "e", "a")
        trial.graph.float("Mul", "y", "d", "e")
        #expect(try trial.ops("y") == ["FusedElementwise"])
        #expect(try trial.ops("y", without: [Self.pass]).count == 6)
        #expect(try trial.isExact("y", without: Self.pass))
    }

    @Test("what is fetched, or used by others, is computed as it was")
    func borders() throws {
        var trial = FusionTrial()
        let x = try trial.feed("x", [5, 6])
        trial.graph.float("Exp", "a", x)
        trial.graph.float("Neg", "b", "a")
        trial.graph.float("Tanh", "y", "b")
        trial.graph.mean("m", of: "b", [1])
        #expect(try trial.ops("y", "a") == ["Exp", "FusedElementwise"])
        #expect(try trial.ops("y", "b") == ["FusedElementwise", "Tanh"])
        #expect(try trial.ops("y", "m") == ["FusedElementwise", "Tanh", "Mean"])
        #expect(try trial.isExact("y", "a", "b", "m", without: Self.pass))
    }

    @Test("what has fewer elements is a group of its own")
    func smaller() throws {
        var trial = FusionTrial()
        let x = try trial.feed("x", [5, 6])
        let column = try trial.feed("column", [5, 1])
        trial.graph.float("Exp", "a", column)
        trial.graph.float("Neg", "b", "a")
        trial.graph.float("Mul", "c", x, "b")
        trial.graph.float("Relu", "y", "c")
        #expect(try trial.ops("y") == ["FusedElementwise", "FusedElementwise"])
        #expect(try trial.isExact("y", without: Self.pass))
    }

    @Test("a new shape of the same elements parts nothing, where it is on the way")
    func reshaped() throws {
        var trial = FusionTrial()
        let x = try trial.feed("x", [4, 6])
        trial.graph.integers("sizes", [-1, 2, 3])
        trial.graph.floats("row", [1, 2, 3], [3])
        trial.graph.float("Exp", "a", x)
        trial.graph.add("Reshape", "b", ["a", "sizes"], types: ["T": 1, "Tshape": 3])
        trial.graph.float("Mul", "y", "b", "row")
        #expect(try trial.ops("y") == ["FusedElementwise"])
        #expect(try trial.isExact("y", without: Self.pass))
        trial.graph.add("Reshape", "c", [x, "sizes"], types: ["T": 1, "Tshape": 3])
        trial.graph.float("Mul", "d", "c", "row")
        trial.graph.float("Neg", "z", "d")
        #expect(try trial.ops("z") == ["Reshape", "FusedElementwise"])
        #expect(try trial.isExact("z", without: Self.pass))
    }

    @Test("dtypes may change on the way; whole numbers are not divided")
    func dtypes() throws {
        var trial = FusionTrial()
        let x = try trial.feed("x", [9, 7])
        trial.graph.floats("zero", [0])
        trial.graph.float("Greater", "a", x, "zero")
        trial.graph.float("IsNan", "b", x)
        trial.graph.add("LogicalNot", "c", ["b"])
        trial.graph.add("LogicalAnd", "y", ["a", "c"])
        #expect(try trial.ops("y") == ["FusedElementwise"])
        #expect(try trial.isExact("y", without: Self.pass))
        trial.graph.add("Cast", "n", [x], types: ["SrcT": 1, "DstT": 3])
        trial.graph.add("Mul", "n2", ["n", "n"], types: ["T": 3])
        trial.graph.add("FloorDiv", "n3", ["n2", "n"], types: ["T": 3])
        trial.graph.add("Neg", "z", ["n3"], types: ["T": 3])
        #expect(try trial.ops("z") == ["Cast", "Mul", "FloorDiv", "Neg"])
    }

    @Test("sums of many, leaky activations and bounds are formulas too")
    func others() throws {
        var trial = FusionTrial()
        let x = try trial.feed("x", [3000])
        let y = try trial.feed("y", [3000])
        trial.graph.floats("low", [-1])
        trial.graph.floats("high", [2])
        trial.graph.float("LeakyRelu", "a", x, with: ["alpha": .with { $0.f = 0.3 }])
        trial.graph.float("AddN", "b", "a", y, x, with: ["N": .with { $0.i = 3 }])
        trial.graph.float("ClipByValue", "c", "b", "low", "high")
        trial.graph.float("LeakyRelu", "z", "c")
        #expect(try trial.ops("z") == ["FusedElementwise"])
        #expect(try trial.isExact("z", without: Self.pass))
    }

    @Test("a bias along the last axis is a formula, along another one it is not", arguments: ["NHWC", "NCHW"])
    func bias(_ format: String) throws {
        var trial = FusionTrial()
        let x = try trial.feed("x", [5, 4, 4, 4])
        trial.graph.floats("bias", [1, 2, 3, 4], [4])
        trial.graph.float("BiasAdd", "a", x, "bias", with: ["data_format": .with { $0.s = Data(format.utf8) }])
        trial.graph.float("Elu", "b", "a")
        trial.graph.float("Neg", "y", "b")
        #expect(try trial.ops("y") == (format == "NHWC" ? ["FusedElementwise"] : ["BiasAdd", "FusedElementwise"]))
        #expect(try trial.isExact("y", without: Self.pass))
    }

    @Test("nodes under different conditions stay apart")
    func conditions() throws {
        var trial = FusionTrial()
        let x = try trial.feed("x", [8])
        trial.graph.mean("m", of: x, [0], keepsDimensions: false)
        trial.graph.floats("zero", [0])
        trial.graph.float("Less", "p", "m", "zero")
        trial.graph.float("Exp", "outside", x)
        trial.graph.add("Switch", "switch", ["outside", "p"], types: ["T": 1])
        trial.graph.float("Neg", "then", "switch:1")
        trial.graph.float("Tanh", "else", "switch:0")
        trial.graph.float("Exp", "else2", "else")
        trial.graph.add("Merge", "y", ["else2", "then"], types: ["T": 1])
        let ops = try trial.ops("y")
        #expect(ops.filter { $0 == "FusedElementwise" }.count == 1)
        #expect(ops.contains("Exp") && ops.contains("Neg"))
        #expect(try trial.isExact("y", without: Self.pass))
    }

    @Test("softmax is the end of a group, if its rows are short enough")
    func softmax() throws {
        for width in [5, 100, 9000] {
            var trial = FusionTrial()
            let x = try trial.feed("x", [12, width])
            let mask = try trial.feed("mask", [1, width], open: false)
            trial.graph.floats("scale", [8])
            trial.graph.float("RealDiv", "a", x, "scale")
            trial.graph.float("AddV2", "b", "a", mask)
            trial.graph.float("Softmax", "y", "b")
            #expect(
                try trial.ops("y") == (width < 9000 ? ["FusedElementwise"] : ["FusedElementwise", "Softmax"]))
            #expect(try trial.isExact("y", without: Self.pass))
        }
    }

    @Test("a long chain is parted into several ops")
    func long() throws {
        var trial = FusionTrial()
        var last = try trial.feed("x", [100])
        for index in 0..<150 { last = trial.graph.float(index % 2 == 0 ? "Sin" : "Neg", "n\(index)", last) }
        #expect(try trial.ops(last).count == 3)
        #expect(try trial.isExact(last, without: Self.pass))
    }

    @Test("in a loop, its body is fused")
    func loops() throws {
        var trial = FusionTrial()
        let x = try trial.feed("x", [6], open: false)
        let limit = trial.graph.constant("limit", 5)
        let exits = trial.graph.loop("loop", to: limit, [x]) { graph, _, variables in
            graph.float("Tanh", "t", variables[0])
            graph.float("AddV2", "s", "t", variables[0])
            return [graph.float("Neg", "next", "s")]
        }
        #expect(try trial.ops(exits[1]).contains("FusedElementwise"))
        #expect(try trial.isExact(exits[1], without: Self.pass))
    }
}
