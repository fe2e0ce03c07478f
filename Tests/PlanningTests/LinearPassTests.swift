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

/// The passes over products and convolutions: scales and shifts into weights, weights into panels, biases and activations into products.
@Suite("Passes over products")
struct LinearPassTests {
    private static func floats(_ numbers: [Float], _ shape: [Int]) throws -> Tensor {
        try #require(Tensor(numbers, shape: shape))
    }

    private static func ramp(_ shape: [Int], _ step: Float) throws -> Tensor {
        try floats((0..<shape.reduce(1, *)).map { Float($0 % 17 - 8) * step }, shape)
    }

    private static func ints(_ numbers: [Int64]) -> AttrValue { .with { $0.list.i = numbers } }

    /// A graph of images `x` [?, 4, 4, 2] and a convolution `conv` with a variable `w` [3, 3, 2, 5].
    private static func images() -> TestGraph {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 4, 4, 2])
        let w = graph.variable("w", 1, [3, 3, 2, 5])
        graph.add(
            "Conv2D", "conv", [x, w], types: ["T": 1],
            ["strides": ints([1, 1, 1, 1]), "padding": .with { $0.s = Data("SAME".utf8) }])
        return graph
    }

    private static func vectors(_ graph: inout TestGraph, _ names: String...) -> [String] {
        names.map { graph.variable($0, 1, [5]) }
    }

    private static func variables() throws -> [String: Tensor] {
        [
            "w": try ramp([3, 3, 2, 5], 0.1), "gamma": try floats([1, 2, -1, 0.5, 3], [5]),
            "beta": try floats([0, 1, 2, 3, -4], [5]), "mean": try floats([1, -1, 0, 2, 0.5], [5]),
            "variance": try floats([1, 4, 0.25, 2, 9], [5]), "bias": try floats([5, -5, 1, 0, 2], [5]),
        ]
    }

    private static let all = ["fold-channel-affine", "pack-weights", "fuse-epilogues"]

    /// The ops of the plan for a shape, and whether its outputs are those of a plan without the passes.
    private func check(
        _ graph: TestGraph, _ variables: [String: Tensor], feeds: [String: Tensor], _ fetches: [String],
        without disabled: Set<String> = []
    ) throws -> [String] {
        let session = try graph.session(variables, passes: PassOptions(disabled: disabled))
        let plain = try graph.session(variables, passes: PassOptions(disabled: Set(Self.all)))
        let names = feeds.keys.sorted()
        let tensors = names.compactMap { feeds[$0] }
        let (found, wanted) = (
            try session.callable(names, fetches).run(tensors), try plain.callable(names, fetches).run(tensors)
        )
        for (found, wanted) in zip(found, wanted) {
            #expect(found.shape == wanted.shape)
            let pairs = zip(found.scalars(as: Float.self) ?? [], wanted.scalars(as: Float.self) ?? [])
            #expect(pairs.allSatisfy { abs($0 - $1) <= 1e-5 + 1e-5 * abs($1) || $0.isNaN && $1.isNaN })
        }
        let explanation = try session.explanation(names, fetches)
        return try #require(explanation.stages.last { $0.form == .general }).rows.map(\.op)
    }

    private func feed() throws -> [String: Tensor] { ["x:0": try Self.ramp([2, 4, 4, 2], 0.3)] }

    private static func normalization(
        _ graph: inout TestGraph, _ name: String, of input: String, isTraining: Bool = false
    ) {
        let numbers = vectors(&graph, "gamma", "beta", "mean", "variance")
        graph.add(
            "FusedBatchNorm", name, [input] + numbers, types: ["T": 1],
            ["epsilon": .with { $0.f = 0.001 }, "is_training": .with { $0.b = isTraining }])
    }

    @Test("convolution, normalisation and activation become one node; each pass alone does its part")
    func normalization() throws {
        var graph = Self.images()
        Self.normalization(&graph, "norm", of: "conv")
        graph.add("Relu", "y", ["norm"], types: ["T": 1])
        let variables = try Self.variables()
        #expect(try check(graph, variables, feeds: feed(), ["y:0"]) == ["Conv2D"])
        #expect(
            try check(graph, variables, feeds: feed(), ["y:0"], without: ["fold-channel-affine"])
                == ["Conv2D", "FusedBatchNorm", "Relu"])
        #expect(
            try check(graph, variables, feeds: feed(), ["y:0"], without: ["pack-weights"])
                == ["Conv2D", "FusedBatchNorm", "Relu"])
        #expect(
            try check(graph, variables, feeds: feed(), ["y:0"], without: ["fuse-epilogues"])
                == ["Conv2D", "FusedBatchNorm", "Relu"])
    }

    @Test("a bias before a normalisation is folded with it, and numbers for all channels are")
    func chain() throws {
        var graph = Self.images()
        graph.add("BiasAdd", "biased", ["conv", Self.vectors(&graph, "bias")[0]], types: ["T": 1])
        Self.normalization(&graph, "norm", of: "biased")
        let two = graph.variable("two", 1)
        graph.add("Mul", "scaled", [two, "norm"], types: ["T": 1])
        graph.add("Sub", "y", ["bias/read", "scaled"], types: ["T": 1])
        var variables = try Self.variables()
        variables["two"] = try .scalar(Float(2))
        #expect(try check(graph, variables, feeds: feed(), ["y:0"]) == ["Conv2D"])
    }

    @Test("what is read by others, fetched, or computed in training stays as it is")
    func refusals() throws {
        var graph = Self.images()
        Self.normalization(&graph, "norm", of: "conv")
        graph.add("Relu", "relu", ["norm"], types: ["T": 1])
        graph.add("Neg", "other", ["conv"], types: ["T": 1])
        let variables = try Self.variables()
        #expect(try check(graph, variables, feeds: feed(), ["relu:0", "conv:0"]).count == 3)
        #expect(try check(graph, variables, feeds: feed(), ["relu:0", "other:0"]).contains("FusedBatchNorm"))
        #expect(try check(graph, variables, feeds: feed(), ["norm:0", "relu:0"]) == ["Conv2D", "Relu"])
        var training = Self.images()
        Self.normalization(&training, "norm", of: "conv", isTraining: true)
        #expect(try check(training, variables, feeds: feed(), ["norm:0"]) == ["Conv2D", "FusedBatchNorm"])
        var fed = Self.images()
        fed.add("Mul", "y", ["conv", fed.placeholder("factor", 1, [5])], types: ["T": 1])
        let feeds = try feed().merging(["factor:0": try Self.floats([1, 2, 3, 4, 5], [5])]) { $1 }
        #expect(try check(fed, variables, feeds: feeds, ["y:0"]) == ["Conv2D", "Mul"])
    }

    @Test("a weight without elements, of however many columns, is left as it is")
    func emptyWeight() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 0])
        let w = graph.variable("w", 1, [0, 1 << 40])
        graph.add("MatMul", "product", [x, w], types: ["T": 1])
        graph.add("Mul", "y", ["product", graph.variable("two", 1)], types: ["T": 1])
        let variables = ["w": try Self.floats([], [0, 1 << 40]), "two": try .scalar(Float(2))]
        let callable = try graph.session(variables).callable(["x:0"], ["y:0"])
        let error = failure { _ = try callable.run([try Self.floats([], [1, 0])]) }
        #expect(error?.kind == .resourceExhausted)
    }

    @Test("the shortcut of a residual block is added by the convolution, where shapes are known")
    func residual() throws {
        var graph = Self.images()
        let shortcut = graph.placeholder("shortcut", 1, [-1, 4, 4, 5])
        graph.add("AddV2", "sum", [shortcut, "conv"], types: ["T": 1])
        graph.add("Relu", "y", ["sum"], types: ["T": 1])
        let feeds = try feed().merging(["shortcut:0": try Self.ramp([2, 4, 4, 5], 1)]) { $1 }
        _ = try check(graph, try Self.variables(), feeds: feeds, ["y:0"])
        let session = try graph.session(try Self.variables())
        let stages = try session.explanation(
            ["shortcut:0", "x:0"], ["y:0"], shapes: [Shape([2, 4, 4, 5]), Shape([2, 4, 4, 2])].compactMap { $0 }
        ).stages
        #expect(stages.last { $0.form == .specialized }?.rows.map(\.op) == ["Conv2D"])
        // One row is repeated, for which the convolution has no place.
        let row = try feed().merging(["shortcut:0": try Self.ramp([1, 4, 4, 5], 1)]) { $1 }
        _ = try check(graph, try Self.variables(), feeds: row, ["y:0"])
    }

    @Test("depthwise convolutions of one filter a channel take the normalisation and the activation")
    func depthwise() throws {
        for multiplier in [1, 5] {
            var graph = TestGraph()
            let channels = 5 / multiplier
            let x = graph.placeholder("x", 1, [-1, 4, 4, Int64(channels)])
            let w = graph.variable("w", 1, [3, 3, Int64(channels), Int64(multiplier)])
            graph.add(
                "DepthwiseConv2dNative", "conv", [x, w], types: ["T": 1],
                ["strides": Self.ints([1, 1, 1, 1]), "padding": .with { $0.s = Data("SAME".utf8) }])
            Self.normalization(&graph, "norm", of: "conv")
            graph.add("Relu6", "y", ["norm"], types: ["T": 1])
            var variables = try Self.variables()
            variables["w"] = try Self.ramp([3, 3, channels, multiplier], 0.1)
            let feeds = ["x:0": try Self.ramp([2, 4, 4, channels], 0.3)]
            let wanted =
                multiplier == 1 ? ["DepthwiseConv2dNative"] : ["DepthwiseConv2dNative", "FusedBatchNorm", "Relu6"]
            #expect(try check(graph, variables, feeds: feeds, ["y:0"]) == wanted)
        }
    }

    @Test("products of matrices, transposed or of a batch, take biases and activations of any formula")
    func products() throws {
        for (op, attribute, shape) in [
            ("MatMul", "transpose_b", [-1, 6]), ("BatchMatMulV2", "adj_y", [-1, 3, 6]),
        ] as [(String, String, [Int64])] {
            for transposed in [false, true] {
                for activation in ["Tanh", "Sigmoid", "Softplus", "Elu", "Relu6"] {
                    var graph = TestGraph()
                    let x = graph.placeholder("x", 1, shape)
                    let w = graph.variable("w", 1, transposed ? [5, 6] : [6, 5])
                    graph.add(op, "product", [x, w], types: ["T": 1], [attribute: .with { $0.b = transposed }])
                    graph.add("AddV2", "sum", [Self.vectors(&graph, "bias")[0], "product"], types: ["T": 1])
                    graph.add(activation, "y", ["sum"], types: ["T": 1])
                    var variables = try Self.variables()
                    variables["w"] = try Self.ramp(transposed ? [5, 6] : [6, 5], 0.2)
                    let feeds = ["x:0": try Self.ramp([4] + shape.dropFirst().map(Int.init), 0.5)]
                    #expect(try check(graph, variables, feeds: feeds, ["y:0"]) == [op])
                }
            }
        }
    }

    @Test("a version with other weights has panels of its own, and shares the plan")
    func versions() throws {
        var graph = Self.images()
        Self.normalization(&graph, "y", of: "conv")
        let first = try Self.variables()
        var second = first
        second["w"] = try Self.ramp([3, 3, 2, 5], -0.4)
        second["variance"] = try Self.floats([3, 3, 3, 3, 3], [5])
        let versions = try graph.versions([first, second])
        let calls = try versions.map { try $0.callable(["x:0"], ["y:0"]) }
        #expect(calls[1].sharesPlan(with: calls[0]))
        for (call, variables) in zip(calls, [first, second]) {
            let plain = try graph.session(variables, passes: PassOptions(disabled: Set(Self.all)))
            let x = try Self.ramp([2, 4, 4, 2], 0.3)
            let wanted = try plain.callable(["x:0"], ["y:0"]).run([x])[0].scalars(as: Float.self) ?? []
            let found = try call.run([x])[0].scalars(as: Float.self) ?? []
            #expect(found.count == wanted.count && !found.isEmpty)
            #expect(zip(found, wanted).allSatisfy { abs($0 - $1) <= 1e-5 + 1e-5 * abs($1) })
        }
    }
}
