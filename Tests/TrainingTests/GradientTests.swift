import Execution
import Foundation
import GraphSupport
import Graphs
import OperationSupport
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import Training
import VectorSupport

/// Gradients of small graphs, as `Tests/Fixtures/generator/derivatives.py` has recorded them from `tf.gradients`.
@Suite("Gradients")
struct GradientTests {
    static let vectors: [GraphVector] =
        (try? VectorFile.readGraphs(Fixtures.path("derivatives/derivatives.graphs"))) ?? []

    @Test("There are records")
    func exists() { #expect(Self.vectors.count > 200) }

    @Test("Every gradient is TensorFlow's")
    func vectors() throws {
        for vector in Self.vectors {
            let difference: String?
            do { difference = try Self.difference(vector) } catch { difference = "\(error)" }
            #expect(difference == nil, "\(vector.label)")
        }
    }

    /// Graphs that have no slope where they are recorded, or whose gradient TensorFlow does not take for the slope: of a stopped input, and
    /// of a cross entropy whose labels are not probabilities.
    static let withoutSlope: Set<String> = [
        "abs", "clip", "clip op", "stop_gradient", "max of equal ones", "softmax cross entropy", "crop_and_resize",
    ]

    @Test("Every gradient is what differences of values say")
    func differences() throws {
        for vector in Self.vectors where !Self.withoutSlope.contains(vector.label) {
            let trial = try GradientTrial(vector)
            for index in trial.floatInputs {
                let slope = try trial.slope(along: index)
                let product = try trial.product(along: index)
                // Differences of float32 over a thousandth of the way are good to some thousandths.
                #expect(abs(slope - product) <= 0.02 * (1 + abs(product)), "\(vector.label), x\(index)")
            }
        }
    }

    /// The ops of published forward graphs that `tf.gradients` has a gradient of, apart from MaxPoolGrad: nothing computes its gradient.
    static let published = """
        Abs Add AddN AddV2 AvgPool BatchMatMul BiasAdd BiasAddGrad BroadcastTo Cast Concat ConcatV2 Conv2D
        Conv2DBackpropFilter Conv2DBackpropInput Cumprod Cumsum DepthwiseConv2dNative DiagPart Div DivNoNan
        DynamicPartition DynamicStitch Elu Exp ExpandDims Fill FloorMod FusedBatchNorm Gather GatherNd GatherV2 Identity
        Inv L2Loss Log Log1p LogSoftmax MatMul Max MaxPool Maximum Mean Min Minimum Mul Neg Pack Pad
        PlaceholderWithDefault Pow PreventGradient Prod Qr ReadVariableOp RealDiv Reciprocal Relu Relu6 ReluGrad Reshape
        ResizeBilinear ReverseSequence ReverseV2 Rsqrt Select Sigmoid SigmoidGrad Sign Slice Softmax
        SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits SparseTensorDenseAdd Split Sqrt Square
        SquaredDifference Squeeze StridedSlice Sub Sum Tanh TanhGrad TensorArrayGatherV3 TensorArrayReadV3
        TensorArrayScatterV3 TensorArrayWriteV3 Tile TopKV2 Transpose Unpack UnsortedSegmentSum
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    @Test("Every differentiable op of published graphs has a rule, and no op has two")
    func rules() {
        for op in Self.published { #expect(OpTable.gradientRules[op]?.make != nil, "\(op)") }
        let names = OpTable.gradientRuleNames
        #expect(Set(names).count == names.count)
        for op in names { #expect(OpTable.entries[op] != nil, "a rule for \(op), which is not supported") }
    }

    @Test("An op without a gradient gets an error that names the node")
    func withoutRule() throws {
        var test = TestGraph()
        test.floats("x", [1, 2], [2])
        test.float(
            "Einsum", "product", "x", "x",
            with: ["equation": .with { $0.s = Data("i,i->".utf8) }, "N": .with { $0.i = 2 }])
        let graph = try Graph(test.def)
        let (x, y) = (Endpoint(node: 0, output: 0), Endpoint(node: 1, output: 0))
        let error = #expect(throws: OpError.self) { try Gradients.of([y], by: [x], in: graph, FactInference(graph)) }
        #expect("\(try #require(error))".contains("node \"product\" (op Einsum): has no gradient here"))
    }

    /// How the gradients that are made here differ from the recorded ones, in words; nil if they do not.
    private static func difference(_ vector: GraphVector) throws -> String? {
        let run = try #require(vector.runs.first)
        guard run.error.isEmpty else { return "the record has an error: \(run.message)" }
        let trial = try GradientTrial(vector)
        let expected = Dictionary(zip(run.fetches, run.outputs), uniquingKeysWith: { first, _ in first })
        for (x, gradient) in zip(trial.names, trial.gradients) where (gradient == nil) != (expected["d_\(x):0"] == nil)
        {
            return "\(x) \(gradient == nil ? "has no gradient" : "has a gradient, which TensorFlow does not make")"
        }
        let tolerance = Tolerance(relative: vector.rtol, absolute: vector.atol)
        for (x, gradient) in zip(trial.names, try trial.values()) {
            guard let gradient else { continue }
            let wanted = try Tensor(decoding: #require(expected["d_\(x):0"]))
            if let difference = tolerance.difference(gradient, wanted) { return "\(x): \(difference)" }
        }
        return nil
    }
}

/// A recorded graph, and its gradients by all inputs.
private struct GradientTrial {
    let names: [String]
    /// The gradients' tensors; nil for inputs without one.
    let gradients: [Endpoint?]
    private let session: Execution.Session
    private let inputs: [Endpoint]
    private let y: Endpoint
    private let feeds: [Tensor]

    init(_ vector: GraphVector) throws {
        let graph = try Graph(vector.graph)
        let run = try #require(vector.runs.first)
        names = run.feeds.map { $0.name.replacing(":0", with: "") }
        feeds = try run.feeds.map { try Tensor(decoding: $0.tensor) }
        y = Endpoint(node: try #require(graph.index(ofNode: "y")), output: 0)
        inputs = try names.map { Endpoint(node: try #require(graph.index(ofNode: $0)), output: 0) }
        let made = try Gradients.of([y], by: inputs, in: graph, FactInference(graph))
        gradients = made.gradients
        session = Execution.Session(
            graph: try graph.adding(made.nodes.added), variables: TestGraph.Variables(), threadCount: 1,
            areVariablesTrained: true)
    }

    /// The values of the gradients.
    func values() throws -> [Tensor?] {
        var results = try run(gradients.compactMap(\.self), feeds).makeIterator()
        return gradients.map { $0 == nil ? nil : results.next() }
    }

    /// The inputs that can be changed a little.
    var floatInputs: [Int] { feeds.indices.filter { feeds[$0].dtype == .float32 && gradients[$0] != nil } }

    private func direction(_ index: Int) -> [Double] {
        Noise.numbers(seed: UInt64(index + 1), count: feeds[index].shape.elementCount).map { 2 * $0 - 1 }
    }

    /// How fast y changes along a direction, by values on both sides.
    func slope(along index: Int) throws -> Double {
        let step = 2e-3
        var sums: [Double] = []
        for side in [1.0, -1.0] {
            var changed = feeds
            let numbers = try #require(feeds[index].scalars(as: Float.self))
            let moved = zip(numbers, direction(index)).map { Float(Double($0) + side * step * $1) }
            changed[index] = try #require(Tensor(moved, shape: feeds[index].shape.dimensions))
            sums.append(Double(try #require(try run([y], changed)[0].scalars(as: Float.self)?.first)))
        }
        return (sums[0] - sums[1]) / (2 * step)
    }

    /// The product of the gradient and the direction.
    func product(along index: Int) throws -> Double {
        let gradient = try #require(try values()[index]?.scalars(as: Float.self))
        return zip(gradient, direction(index)).reduce(0) { $0 + Double($1.0) * $1.1 }
    }

    private func run(_ fetches: [Endpoint], _ feeds: [Tensor]) throws -> [Tensor] {
        guard !fetches.isEmpty else { return [] }
        return try session.callable(feeds: inputs, fetches: fetches).run(feeds)
    }
}
