import Foundation
import Kernels
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Operations

/// Ops that several kernels can compute. ``OpVectorTests`` compare each with TensorFlow, for the shapes that are recorded.
@Suite("Choices among kernels")
struct KernelChoiceTests {
    struct Case: Sendable, CustomStringConvertible {
        let op: String
        let inputs: [[Int]]
        /// The names of the kernels that there are.
        let names: Set<String>
        var flags: [String: Bool] = [:]
        var strides: [Int64] = []
        var padding = "SAME"

        var description: String { "\(op) \(inputs)" }
    }

    private static let batch = "batchMatmul."

    static let cases: [Case] = [
        Case(op: "MatMul", inputs: [[4, 40], [40, 70]], names: ["matmul.blas", "matmul.packed", "matmul.fewRows"]),
        Case(
            op: "MatMul", inputs: [[1, 40], [40, 70]], names: ["matmul.blas", "matmul.packed", "matmul.blasVector"]),
        Case(
            op: "BatchMatMulV2", inputs: [[3, 4, 40], [1, 40, 70]],
            names: [
                batch + "blas", batch + "packed", batch + "fewRows", batch + "stacked", batch + "stackedPacked",
            ]),
        Case(
            op: "BatchMatMulV2", inputs: [[2, 3, 40], [40, 70]],
            names: [
                batch + "blas", batch + "packed", batch + "fewRows", batch + "stacked", batch + "stackedPacked",
                batch + "stackedFewRows",
            ]),
        Case(
            op: "BatchMatMulV2", inputs: [[2, 1, 40], [1, 40, 70]],
            names: [
                batch + "blas", batch + "packed", batch + "blasVector", batch + "stacked", batch + "stackedPacked",
                batch + "stackedFewRows",
            ]),
        Case(
            op: "BatchMatMulV2", inputs: [[2, 3, 9, 40], [40, 1]],
            names: [batch + "blas", batch + "blasVector", batch + "stacked", batch + "stackedVector"]),
        Case(
            op: "BatchMatMulV2", inputs: [[2, 3, 9, 40], [1, 1, 70, 40]],
            names: [batch + "blas", batch + "packed", batch + "stacked", batch + "stackedPacked"],
            flags: ["adj_y": true]),
        // The right matrices differ, or the left ones are transposed or repeat.
        Case(
            op: "BatchMatMulV2", inputs: [[2, 3, 9, 40], [2, 1, 40, 70]], names: [batch + "blas", batch + "packed"]),
        Case(
            op: "BatchMatMulV2", inputs: [[3, 40, 9], [1, 40, 70]], names: [batch + "blas"], flags: ["adj_x": true]),
        Case(
            op: "BatchMatMulV2", inputs: [[2, 1, 9, 40], [1, 3, 40, 70]], names: [batch + "blas", batch + "packed"]),
        Case(
            op: "Conv2D", inputs: [[2, 9, 8, 1], [3, 3, 1, 5]],
            names: ["conv2d.depthwise", "conv2d.im2colBlocks", "conv2d.im2colWhole"], strides: [1, 1, 1, 1]),
        Case(
            op: "Conv2D", inputs: [[2, 9, 8, 1], [1, 1, 1, 5]],
            names: ["conv2d.depthwise", "conv2d.product", "conv2d.im2colBlocks"], strides: [1, 1, 1, 1]),
        Case(
            op: "Conv2D", inputs: [[2, 9, 8, 4], [3, 3, 1, 12]], names: ["conv2d.depthwise", "conv2d.im2colBlocks"],
            strides: [1, 2, 2, 1]),
        Case(
            op: "DepthwiseConv2dNative", inputs: [[2, 9, 8, 4], [3, 3, 4, 3]],
            names: ["conv2d.depthwise", "conv2d.im2colBlocks"], strides: [1, 2, 2, 1]),
        Case(
            op: "DepthwiseConv2dNative", inputs: [[2, 9, 8, 1], [3, 3, 1, 5]],
            names: ["conv2d.depthwise", "conv2d.im2colBlocks", "conv2d.im2colWhole"], strides: [1, 1, 1, 1]),
        Case(
            op: "Conv3D", inputs: [[2, 3, 9, 8, 4], [1, 1, 1, 4, 6]], names: ["conv3d.product", "conv3d.im2col"],
            strides: [1, 1, 1, 1, 1]),
        Case(
            op: "Conv3D", inputs: [[3, 2, 3, 4, 5], [2, 3, 4, 5, 6]], names: ["conv3d.product", "conv3d.im2col"],
            strides: [1, 1, 1, 1, 1], padding: "VALID"),
        Case(
            op: "Conv3D", inputs: [[2, 3, 9, 8, 4], [2, 3, 3, 4, 6]], names: ["conv3d.im2col"],
            strides: [1, 2, 2, 2, 1]),
    ]

    @Test("All kernels of an op give the same outputs, but for rounding", arguments: cases)
    func agree(_ sample: Case) throws {
        var attributes = sample.flags.mapValues { flag in AttrValue.with { $0.b = flag } }
        if !sample.strides.isEmpty {
            attributes["strides"] = .with { $0.list.i = sample.strides }
            attributes["padding"] = .with { $0.s = Data(sample.padding.utf8) }
        }
        let made = try plainOp(sample.op, inputs: sample.inputs.count, attributes)
        let op = try #require(made as? any KernelChoosing)
        var numbers = SplitMix(state: 1)
        let inputs = try sample.inputs.map { shape in
            let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &numbers) }
            return try #require(Tensor(values, shape: shape))
        }
        let facts = inputs.map { TensorFact($0.dtype, $0.shape) }
        let spec = KernelSpec(inputs: facts, outputs: try op.outputs(for: facts))
        let shape = try spec.outputShape()
        var results: [String: [Float]] = [:]
        for choice in try op.kernels(for: spec) {
            let result = try #require(Tensor(dtype: .float32, shape: shape, initializing: { _ in }))
            // Safety: the tensors outlive the call.
            try choice.make().run(inputs.map(\.memory), [result.memory]) {}
            let values = try #require(result.scalars(as: Float.self))
            results["\(choice.name)"] = values
        }
        #expect(Set(results.keys) == sample.names)
        let expected = try #require(results.values.first)
        for (name, result) in results {
            let difference = zip(result, expected).map { abs($0 - $1) }.max() ?? 0
            #expect(difference < 1e-4, "\(name)")
        }
    }
}
