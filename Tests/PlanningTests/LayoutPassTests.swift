import Execution
import Foundation
import GraphSupport
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

/// Transposes move to where they cancel, and images are computed channels last.
@Suite("Orders of axes")
struct LayoutPassTests {
    private static let pass = "move-transposes"

    private static func ramp(_ shape: [Int], _ step: Float = 0.1) throws -> Tensor {
        try #require(Tensor((0..<shape.reduce(1, *)).map { Float(($0 * 7) % 23 - 11) * step }, shape: shape))
    }

    /// The ops of the plan; outputs must be those of a plan without the pass.
    private func ops(
        _ graph: TestGraph, _ fetches: [String] = ["y:0"], variables: [String: [Int]] = [:],
        feeds shapes: [String: [Int]], tolerance: Float = 0, form: PlanForm = .general, without pass: String = pass
    ) throws -> [String] {
        var values: [String: Tensor] = [:]
        for (name, shape) in variables { values[name] = try Self.ramp(shape) }
        if let variance = values["variance"]?.scalars(as: Float.self) {
            values["variance"] = Tensor(variance.map { $0 * $0 + 1 })
        }
        let names = shapes.keys.sorted()
        let tensors = try names.map { try Self.ramp(try #require(shapes[$0]), 0.3) }
        let session = try graph.session(values)
        let plain = try graph.session(values, passes: PassOptions(disabled: [pass]))
        let found = try session.callable(names, fetches).run(tensors)
        for (found, wanted) in zip(found, try plain.callable(names, fetches).run(tensors)) {
            #expect(found.shape == wanted.shape)
            #expect(found.dtype == wanted.dtype)
            guard let mine = found.scalars(as: Float.self), let theirs = wanted.scalars(as: Float.self) else {
                continue
            }
            #expect(zip(mine, theirs).allSatisfy { abs($0 - $1) <= tolerance + tolerance * abs($1) })
        }
        let stages = try session.explanation(names, fetches, shapes: tensors.map(\.shape)).stages
        return try #require(stages.last { $0.form == form }).rows.map(\.op)
    }

    private static let first: AttrValue = .with { $0.s = Data("NCHW".utf8) }
    private static func text(_ text: String) -> AttrValue { .with { $0.s = Data(text.utf8) } }
    private static func ints(_ numbers: [Int64]) -> AttrValue { .with { $0.list.i = numbers } }

    @discardableResult
    private static func transpose(
        _ graph: inout TestGraph, _ name: String, _ input: String, _ axes: [Int32], type: Int32 = 1
    ) -> String {
        graph.integers("\(name)/axes", axes)
        return graph.add("Transpose", name, [input, "\(name)/axes"], types: ["T": type, "Tperm": 3])
    }

    private static func toLast(_ graph: inout TestGraph, _ name: String, _ input: String) -> String {
        transpose(&graph, name, input, [0, 2, 3, 1])
    }

    private static func toFirst(_ graph: inout TestGraph, _ name: String, _ input: String) -> String {
        transpose(&graph, name, input, [0, 3, 1, 2])
    }

    /// A convolution with a variable; channels come first unless `last`.
    private static func convolve(
        _ graph: inout TestGraph, _ name: String, _ input: String, _ filter: [Int64], stride: Int64 = 1,
        padding: String = "SAME", explicit: [Int64] = [], last: Bool = false, op: String = "Conv2D"
    ) -> String {
        let w = graph.variable("\(name)/w", 1, filter)
        var attributes = [
            "strides": ints(last ? [1, stride, stride, 1] : [1, 1, stride, stride]), "padding": text(padding),
            "explicit_paddings": ints(explicit),
        ]
        if !last { attributes["data_format"] = first }
        return graph.add(op, name, [input, w], types: ["T": 1], attributes)
    }

    private static func normalize(_ graph: inout TestGraph, _ name: String, _ input: String, _ channels: Int64)
        -> String
    {
        let numbers = ["gamma", "beta", "mean", "variance"].map { part in
            graph.variable(part == "variance" ? part : "\(name)/\(part)", 1, [channels])
        }
        return graph.add(
            "FusedBatchNormV3", name, [input] + numbers, types: ["T": 1, "U": 1],
            ["data_format": first, "is_training": .with { $0.b = false }, "epsilon": .with { $0.f = 0.001 }])
    }

    private static func pool(_ graph: inout TestGraph, _ name: String, _ input: String, op: String = "MaxPool")
        -> String
    {
        graph.add(
            op, name, [input], types: ["T": 1],
            [
                "ksize": ints([1, 1, 2, 2]), "strides": ints([1, 1, 2, 2]), "padding": text("SAME"),
                "data_format": first,
            ])
    }

    @Test("a residual network of images whose channels come first has one transpose, of its input")
    func network() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 3, 8, 8])
        let bias = graph.variable("bias", 1, [5])
        let stem = Self.convolve(
            &graph, "stem", x, [3, 3, 3, 5], stride: 2, padding: "EXPLICIT", explicit: [0, 0, 0, 0, 2, 1, 1, 0])
        graph.add("BiasAdd", "biased", [stem, bias], types: ["T": 1], ["data_format": Self.first])
        let pooled = Self.pool(&graph, "pooled", graph.float("Relu", "relu", "biased"))
        let one = Self.convolve(&graph, "one", pooled, [3, 3, 5, 5])
        let norm = Self.normalize(&graph, "norm", one, 5)
        let two = Self.convolve(&graph, "two", graph.float("Relu", "relu1", norm), [1, 1, 5, 5])
        graph.float("AddV2", "sum", two, pooled)
        graph.float("Relu", "relu2", "sum")
        let mean = graph.mean("mean", of: "relu2", [2, 3], keepsDimensions: false)
        graph.float("MatMul", "y", mean, graph.variable("w", 1, [5, 4]))
        let variables = [
            "stem/w": [3, 3, 3, 5], "bias": [5], "one/w": [3, 3, 5, 5], "norm/gamma": [5], "norm/beta": [5],
            "norm/mean": [5], "variance": [5], "two/w": [1, 1, 5, 5], "w": [5, 4],
        ]
        let found = try ops(graph, variables: variables, feeds: ["x:0": [2, 3, 8, 8]], tolerance: 1e-4)
        #expect(found.filter { $0 == "Transpose" }.count == 1)
        #expect(found.first == "Transpose" && found.contains("Mean") && !found.contains("FusedBatchNormV3"))
        #expect(found.count == 9, "\(found)")
    }

    @Test("a fetched tensor keeps its axes", arguments: ["Conv2D", "DepthwiseConv2dNative"])
    func fetched(op: String) throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 4, 6, 5])
        let filter: [Int64] = op == "Conv2D" ? [3, 3, 4, 6] : [3, 3, 4, 2]
        let conv = Self.convolve(&graph, "conv", x, filter, op: op)
        graph.float("Tanh", "y", conv)
        let variables = ["conv/w": filter.map(Int.init)]
        for fetches in [["y:0"], ["conv:0", "y:0"]] {
            let found = try ops(graph, fetches, variables: variables, feeds: ["x:0": [2, 4, 6, 5]], tolerance: 1e-4)
            #expect(found.filter { $0 == "Transpose" }.count == 2, "\(found)")
        }
    }

    @Test("a transposed convolution is computed channels last, with what follows it")
    func transposedConvolution() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 4, 6, 5])
        graph.integers("sizes", [2, 6, 12, 10])
        graph.add(
            "Conv2DBackpropInput", "grown", ["sizes", graph.variable("grown/w", 1, [3, 3, 6, 4]), x], types: ["T": 1],
            ["strides": Self.ints([1, 1, 2, 2]), "padding": Self.text("SAME"), "data_format": Self.first])
        let norm = Self.normalize(&graph, "norm", "grown", 6)
        let conv = Self.convolve(&graph, "conv", graph.float("Relu", "relu", norm), [3, 3, 6, 2])
        graph.float("Tanh", "y", conv)
        let variables = [
            "grown/w": [3, 3, 6, 4], "norm/gamma": [6], "norm/beta": [6], "norm/mean": [6], "variance": [6],
            "conv/w": [3, 3, 6, 2],
        ]
        let found = try ops(graph, variables: variables, feeds: ["x:0": [2, 4, 6, 5]], tolerance: 1e-4)
        // What is left of the normalisation is a bias.
        #expect(found == ["Transpose", "Conv2DBackpropInput", "FusedBatchNormV3", "Relu", "Conv2D", "Transpose"])
    }

    @Test("pools, normalisations and biases alone stay as they are")
    func alone() throws {
        var graph = TestGraph()
        let pooled = Self.pool(&graph, "pooled", graph.placeholder("x", 1, [-1, 3, 8, 8]), op: "AvgPool")
        let norm = Self.normalize(&graph, "norm", pooled, 3)
        graph.add("BiasAdd", "y", [norm, graph.variable("bias", 1, [3])], types: ["T": 1], ["data_format": Self.first])
        let variables = ["norm/gamma": [3], "norm/beta": [3], "norm/mean": [3], "variance": [3], "bias": [3]]
        let found = try ops(graph, variables: variables, feeds: ["x:0": [2, 3, 8, 8]])
        #expect(found == ["AvgPool", "FusedBatchNormV3", "BiasAdd"])
    }

    @Test(
        "what a converter puts around each convolution cancels through formulas, pads, parts, joins and sums over known axes"
    )
    func converted() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 2, 6, 5])
        let a = Self.convolve(&graph, "a", Self.toLast(&graph, "t1", x), [3, 3, 2, 4], last: true)
        var y = Self.toFirst(&graph, "t2", a)
        // One number for each channel, as a weight and as a constant of lower rank.
        y = graph.float("Mul", "scaled", y, graph.variable("scale", 1, [1, 4, 1, 1]))
        graph.floats("offset", [1, 2, 3, 4], [4, 1, 1])
        y = graph.float("AddV2", "moved", "offset", y)
        y = graph.float("Maximum", "capped", y, graph.floats("zero", [0]))
        graph.add(
            "Const", "amounts", types: ["dtype": 3],
            [
                "value": .with { value in
                    value.tensor = .with { tensor in
                        tensor.dtype = 3
                        tensor.tensorShape.dim = [4, 2].map { size in .with { $0.size = size } }
                        tensor.intVal = [0, 0, 0, 0, 1, 0, 2, 1]
                    }
                }
            ])
        y = graph.add("Pad", "padded", [y, "amounts"], types: ["T": 1, "Tpaddings": 3])
        let axis = graph.constant("axis", 1)
        graph.add("Split", "parts", [axis, y], types: ["T": 1], ["num_split": .with { $0.i = 2 }])
        graph.float("Neg", "negated", "parts:1")
        y = graph.add(
            "ConcatV2", "joined", ["negated", "parts", y, axis], types: ["T": 1, "Tidx": 3], ["N": .with { $0.i = 3 }])
        let mean = graph.mean("mean", of: y, [2, -1])
        y = graph.float("Mul", "gated", y, graph.float("Sigmoid", "gate", mean))
        let b = Self.convolve(&graph, "b", Self.toLast(&graph, "t3", y), [2, 2, 8, 3], last: true)
        _ = Self.toFirst(&graph, "y", b)
        let variables = ["a/w": [3, 3, 2, 4], "scale": [1, 4, 1, 1], "b/w": [2, 2, 8, 3]]
        let found = try ops(graph, variables: variables, feeds: ["x:0": [3, 2, 6, 5]], tolerance: 1e-4)
        #expect(found.filter { $0 == "Transpose" }.count == 2, "\(found)")
        #expect(found.first == "Transpose" && found.last == "Transpose")
    }

    @Test("other orders cancel too; two transposes become one, or none")
    func pairs() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [2, 3, 4])
        let one = Self.transpose(&graph, "one", x, [2, 0, 1])
        let exp = graph.float("Tanh", "tanh", one)
        let added = graph.float("AddV2", "added", exp, graph.float("Neg", "neg", exp))
        Self.transpose(&graph, "y", added, [1, 2, 0])
        #expect(try ops(graph, feeds: ["x:0": [2, 3, 4]]) == ["Tanh", "Neg", "AddV2"])
        var chain = TestGraph()
        let z = Self.transpose(&chain, "one", chain.placeholder("x", 1, [-1, 3, 4]), [0, 2, 1])
        Self.transpose(&chain, "y", z, [1, 0, 2])
        Self.transpose(&chain, "same", z, [0, -1, 1])
        #expect(try ops(chain, ["y:0", "same:0"], feeds: ["x:0": [2, 3, 4]]) == ["Transpose"])
        var numbers = TestGraph()
        let n = Self.transpose(&numbers, "one", numbers.placeholder("x", 3, [2, 3]), [1, 0], type: 3)
        numbers.add("Neg", "neg", [n], types: ["T": 3])
        Self.transpose(&numbers, "y", "neg", [1, 0], type: 3)
        let session = try numbers.session()
        let result = try session.callable(["x:0"], ["y:0"]).run([
            try #require(Tensor([1, 2, 3, 4, 5, 6] as [Int32], shape: [2, 3]))
        ])
        #expect(result[0].scalars(as: Int32.self) == [-1, -2, -3, -4, -5, -6])
    }

    @Test("nothing moves where as much would be transposed, and past nothing that depends on the order")
    func refusals() throws {
        var neutral = TestGraph()
        let one = Self.transpose(&neutral, "one", neutral.placeholder("x", 1, [2, 3, 4]), [0, 2, 1])
        neutral.float("Tanh", "y", one)
        #expect(try ops(neutral, feeds: ["x:0": [2, 3, 4]]) == ["Transpose", "Tanh"])
        // Fetched in between.
        var fetched = TestGraph()
        let two = Self.transpose(&fetched, "two", fetched.placeholder("x", 1, [2, 3, 4]), [0, 2, 1])
        Self.transpose(&fetched, "y", fetched.float("Tanh", "tanh", two), [0, 2, 1])
        let kept = try ops(fetched, ["y:0", "tanh:0"], feeds: ["x:0": [2, 3, 4]])
        #expect(kept.filter { $0 == "Transpose" }.count == 1, "\(kept)")
        // A softmax is one along the last axis, and a reshape keeps the order of elements.
        for op in ["Softmax", "Reshape"] {
            var graph = TestGraph()
            let one = Self.transpose(&graph, "one", graph.placeholder("x", 1, [2, 3, 4]), [0, 2, 1])
            if op == "Softmax" {
                graph.float("Softmax", "inner", one)
            } else {
                graph.integers("sizes", [2, 4, 3])
                graph.add(
                    "Reshape", "inner0", [graph.float("Tanh", "tanh", one), "sizes"], types: ["T": 1, "Tshape": 3])
                graph.integers("sizes2", [2, 2, 6])
                graph.add("Reshape", "inner", ["inner0", "sizes2"], types: ["T": 1, "Tshape": 3])
            }
            Self.transpose(&graph, "y", "inner", [0, 2, 1])
            #expect(try ops(graph, feeds: ["x:0": [2, 3, 4]]).filter { $0 == "Transpose" }.count == 2)
        }
        // What is left of a sum would lie in another order.
        var sum = TestGraph()
        let turned = Self.transpose(&sum, "one", sum.placeholder("x", 1, [2, 3, 4]), [2, 1, 0])
        sum.mean("y", of: turned, [1], keepsDimensions: false)
        #expect(try ops(sum, feeds: ["x:0": [2, 3, 4]]) == ["Transpose", "Mean"])
        // A vector along the last axis is one along another axis.
        var bias = TestGraph()
        let last = Self.toLast(&bias, "one", bias.placeholder("x", 1, [2, 3, 4, 4]))
        bias.add("BiasAdd", "biased", [last, bias.variable("b", 1, [3])], types: ["T": 1])
        _ = Self.toFirst(&bias, "y", "biased")
        #expect(
            try ops(bias, variables: ["b": [3]], feeds: ["x:0": [2, 3, 4, 4]]).filter { $0 == "Transpose" }.count == 2)
    }

    @Test("ranks that are known for given shapes only are enough for plans for these")
    func specialized() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, nil)
        let conv = Self.convolve(&graph, "conv", x, [3, 3, 2, 4])
        let norm = Self.normalize(&graph, "norm", conv, 4)
        graph.float("Relu", "y", norm)
        let variables = [
            "conv/w": [3, 3, 2, 4], "norm/gamma": [4], "norm/beta": [4], "norm/mean": [4], "variance": [4],
        ]
        let found = try ops(
            graph, variables: variables, feeds: ["x:0": [1, 2, 5, 5]], tolerance: 1e-4, form: .specialized)
        #expect(found == ["Transpose", "Conv2D", "Transpose"])
    }

    @Test("a branch is computed in its order by itself")
    func branches() throws {
        for truth in [true, false] {
            var graph = TestGraph()
            let x = graph.placeholder("x", 1, [2, 3, 4])
            let p = graph.placeholder("p", 10)
            let one = Self.transpose(&graph, "one", x, [0, 2, 1])
            graph.add("Switch", "switch", [one, p], types: ["T": 1])
            Self.transpose(&graph, "then", graph.float("Tanh", "tanh", "switch:1"), [0, 2, 1])
            Self.transpose(&graph, "else", graph.float("Neg", "neg", "switch:0"), [0, 2, 1])
            graph.add("Merge", "y", ["else", "then"], types: ["T": 1])
            let tensors = [try #require(Tensor([truth], shape: [])), try Self.ramp([2, 3, 4])]
            let found = try graph.session().callable(["p:0", "x:0"], ["y:0"]).run(tensors)[0]
            let plain = try graph.session(passes: PassOptions(disabled: [Self.pass]))
            let wanted = try plain.callable(["p:0", "x:0"], ["y:0"]).run(tensors)[0]
            #expect(found.scalars(as: Float.self) == wanted.scalars(as: Float.self))
        }
    }

    // MARK: - Products

    @Test("a product takes a matrix that lies transposed, of numbers that are not complex")
    func products() throws {
        func product(_ op: String, _ left: Bool, type: Int32, weight: Bool = false) throws -> [String] {
            var graph = TestGraph()
            let batch: [Int64] = op == "MatMul" ? [] : [3]
            let x = graph.placeholder("x", type, batch + (left ? [5, 2] : [2, 5]))
            let z =
                weight
                ? graph.variable("w", 1, left ? [5, 4] : [4, 5])
                : graph.placeholder("z", type, batch + (left ? [5, 4] : [4, 5]))
            let axes: [Int32] = op == "MatMul" ? [1, 0] : [0, 2, 1]
            let turned = Self.transpose(&graph, "turned", left ? x : z, axes, type: type)
            graph.add(op, "y", left ? [turned, z] : [x, turned], types: ["T": type])
            let feeds = ["x:0": (batch + (left ? [5, 2] : [2, 5])).map(Int.init)]
                .merging(weight ? [:] : ["z:0": (batch + (left ? [5, 4] : [4, 5])).map(Int.init)]) { $1 }
            guard type == 1 else {
                return try #require(try graph.session().explanation(feeds.keys.sorted(), ["y:0"]).stages.last).rows.map(
                    \.op)
            }
            return try ops(
                graph, variables: weight ? ["w": left ? [5, 4] : [4, 5]] : [:], feeds: feeds, tolerance: 1e-5,
                without: "fold-transposes")
        }
        for op in ["MatMul", "BatchMatMulV2"] {
            for left in [true, false] { #expect(try product(op, left, type: 1) == [op]) }
        }
        #expect(try product("MatMul", true, type: 8) == ["MatMul"])
        #expect(try product("BatchMatMulV2", true, type: 8) == ["Transpose", "BatchMatMulV2"])
        // The weight lies in panels, for matrices whose rows lie together.
        #expect(try product("MatMul", true, type: 1, weight: true) == ["Transpose", "MatMul"])
    }
}
