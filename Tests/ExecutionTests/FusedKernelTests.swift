import Execution
import GraphSupport
import Planning
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

/// Kernels that passes put in the place of several, in sizes for which they are cut.
@Suite("Kernels of fused ops")
struct FusedKernelTests {
    /// Whole numbers, so that sums of products are exact and many scores are equal.
    private func numbers(_ shape: [Int], seed: UInt64, of count: UInt64 = 7) throws -> Tensor {
        var generator = SplitMix(state: seed)
        let elements = (0..<shape.reduce(1, *)).map { _ in Float(generator.next() % count) - Float(count / 2) }
        return try #require(Tensor(elements, shape: shape))
    }

    /// The outputs with the passes, with and without helpers, which must be the same; and those without a pass.
    private func outputs(
        _ graph: TestGraph, _ feeds: [String], _ fetches: [String], _ inputs: [Tensor], without pass: String
    ) throws -> (fused: [Tensor], plain: [Tensor]) {
        let callable = try graph.session(limitBytes: 1 << 30).callable(feeds, fetches)
        let fused = try callable.run(inputs)
        for processors in [2, 4] {
            let source = KernelCutTests.CountingSource(processors: processors)
            #expect(try callable.run(inputs, helpers: source).map(\.elements) == fused.map(\.elements))
            #expect(source.borrowed > 0, "nobody was asked for help")
        }
        let plain = try graph.session(limitBytes: 1 << 30, passes: PassOptions(disabled: [pass])).callable(
            feeds, fetches)
        return (fused, try plain.run(inputs))
    }

    @Test(
        "The largest of a product are those of the written product, of equal ones the first", arguments: [true, false])
    func largest(transposes: Bool) throws {
        var graph = TestGraph()
        let (rows, columns, depth) = (41, 5003, 67)
        let x = graph.placeholder("x", 1, [Int64(rows), Int64(depth)])
        let table = graph.placeholder("t", 1, (transposes ? [columns, depth] : [depth, columns]).map { Int64($0) })
        graph.add(
            "MatMul", "scores", [x, table], types: ["T": 1], ["transpose_b": AttrValue(transposes)])
        graph.add("TopKV2", "top", ["scores", graph.constant("k", 9)], types: ["T": 1])
        let inputs = [
            try numbers([rows, depth], seed: 1),
            try numbers(transposes ? [columns, depth] : [depth, columns], seed: 2),
        ]
        let (fused, plain) = try outputs(
            graph, ["x:0", "t:0"], ["top:0", "top:1"], inputs, without: "fuse-topk-product")
        #expect(fused.map(\.elements) == plain.map(\.elements))
    }

    @Test("NaN, infinities and signed zeros come where TopK puts them", arguments: [2, 18, 37])
    func specialScores(rows: Int) throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [Int64(rows), 1])
        let table = graph.placeholder("t", 1, [300, 1])
        graph.add("MatMul", "scores", [x, table], types: ["T": 1], ["transpose_b": AttrValue(true)])
        graph.add("TopKV2", "top", ["scores", graph.constant("k", 12)], types: ["T": 1])
        var elements = [Float](repeating: -1, count: 300)
        for (place, value) in [(5, Float.nan), (7, .infinity), (9, 0), (200, -0.0), (201, 0), (250, .nan), (299, 2)] {
            elements[place] = value
        }
        elements[100] = -.infinity
        let inputs = [
            try #require(Tensor((0..<rows).map { $0 % 2 == 0 ? 1 : -1 } as [Float], shape: [rows, 1])),
            try #require(Tensor(elements, shape: [300, 1])),
        ]
        let feeds = ["x:0", "t:0"]
        let fused = try graph.session().callable(feeds, ["top:0", "top:1"]).run(inputs)
        let plain = try graph.session(passes: PassOptions(disabled: ["fuse-topk-product"]))
            .callable(feeds, ["top:0", "top:1"]).run(inputs)
        #expect(fused[1].elements == plain[1].elements)
        let values = try #require(fused[0].scalars(as: Float.self))
        let others = try #require(plain[0].scalars(as: Float.self))
        #expect(zip(values, others).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
    }

    @Test("Attention gives what its ops give", arguments: [[4, 3, 200, 210, 40, 24], [2, 1, 33, 2000, 16, 8]])
    func attention(_ sizes: [Int]) throws {
        var graph = TestGraph()
        let (batch, heads, queries, keys, depth, width) = (sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5])
        let shapes = [
            [batch, heads, queries, depth], [batch, heads, keys, depth], [batch, heads, keys, width],
            [batch, 1, queries, keys],
        ]
        let names = shapes.enumerated().map { graph.placeholder("x\($0)", 1, $1.map { Int64($0) }) }
        graph.add("BatchMatMulV2", "scores", [names[0], names[1]], types: ["T": 1], ["adj_y": AttrValue(true)])
        graph.add("AddV2", "masked", ["scores", names[3]], types: ["T": 1])
        graph.add("Softmax", "weights", ["masked"], types: ["T": 1])
        graph.add("BatchMatMulV2", "y", ["weights", names[2]], types: ["T": 1])
        let inputs = try shapes.enumerated().map { try numbers($1, seed: UInt64($0), of: 3) }
        let (fused, plain) = try outputs(graph, names.map { $0 + ":0" }, ["y:0"], inputs, without: "fuse-attention")
        #expect(Tolerance(relative: 1e-5, absolute: 1e-6).difference(fused[0], plain[0]) == nil)
    }
}

extension AttrValue {
    fileprivate init(_ value: Bool) {
        self.init()
        b = value
    }
}

extension Tensor {
    fileprivate var elements: [UInt8] { withUnsafeBytes { Array($0) } }
}
