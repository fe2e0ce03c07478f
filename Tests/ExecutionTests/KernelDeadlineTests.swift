import Execution
import Foundation
import GraphSupport
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import Threads

/// Kernels that compute for long end when the run's time is over: even where the graph has no other step.
@Suite("The deadline within kernels")
struct KernelDeadlineTests {
    /// An op, and what it is given: zeros of some shapes, then constants, which are vectors of int32.
    struct Case: Sendable, CustomStringConvertible {
        let op: String
        let inputs: [[Int]]
        var constants: [[Int32]] = []
        var types: [String] = ["T"]
        var dtype = DataType.float32
        var numbers: [String: [Int64]] = [:]
        /// Attributes that are types other than `dtype`.
        var others: [String: DataType] = [:]
        var padding: String?

        var description: String { "\(op) \(dtype) \(inputs)" }
    }

    private static let window: [String: [Int64]] = ["strides": [1, 1, 1, 1]]

    static let cases: [Case] = [
        Case(op: "Exp", inputs: [[1 << 20]]),
        Case(op: "Cast", inputs: [[1 << 20]], types: ["SrcT"], others: ["DstT": .float64]),
        Case(op: "AddV2", inputs: [[1 << 20], [1 << 20]]),
        Case(op: "AddV2", inputs: [[1 << 20], [1]]),
        Case(op: "Mul", inputs: [[1024, 1], [1, 1024]]),
        Case(op: "Mul", inputs: [[4, 1], [1, 1 << 19]]),
        Case(op: "Mul", inputs: [[2, 1, 1024], [1, 1024, 1]]),
        Case(op: "Sum", inputs: [[1024, 1024]], constants: [[1]], others: ["Tidx": .int32]),
        Case(op: "Max", inputs: [[4, 1024, 256]], constants: [[1]], others: ["Tidx": .int32]),
        Case(op: "Softmax", inputs: [[1024, 1024]]),
        Case(op: "Transpose", inputs: [[1024, 1024]], constants: [[1, 0]], others: ["Tperm": .int32]),
        Case(op: "Tile", inputs: [[16, 16]], constants: [[64, 64]], others: ["Tmultiples": .int32]),
        Case(op: "SpaceToDepth", inputs: [[16, 256, 256, 1]], numbers: ["block_size": [2]]),
        Case(op: "MatMul", inputs: [[512, 512], [512, 512]]),
        Case(op: "MatMul", inputs: [[128, 128], [128, 128]], dtype: .int32),
        Case(op: "BatchMatMulV2", inputs: [[64, 128, 128], [64, 128, 128]], dtype: .float64),
        Case(op: "Conv2D", inputs: [[1, 128, 128, 16], [3, 3, 16, 16]], numbers: window, padding: "SAME"),
        Case(
            op: "DepthwiseConv2dNative", inputs: [[32, 64, 64, 8], [3, 3, 8, 1]], numbers: window, padding: "SAME"),
        Case(
            op: "MaxPool", inputs: [[32, 64, 64, 4]], numbers: window.merging(["ksize": [1, 3, 3, 1]]) { $1 },
            padding: "SAME"),
        Case(
            op: "Dilation2D", inputs: [[1, 128, 128, 4], [5, 5, 4]],
            numbers: window.merging(["rates": [1, 1, 1, 1]]) { $1 }, padding: "SAME"),
        Case(op: "LRN", inputs: [[1, 128, 128, 64]]),
        Case(op: "ResizeBilinear", inputs: [[64, 64, 64, 3]], constants: [[64, 64]]),
        Case(op: "AdjustContrastv2", inputs: [[16, 256, 256, 1], []], types: []),
    ]

    @Test("A kernel alone in its graph ends at the deadline, and computes without one", arguments: cases)
    func ends(_ sample: Case) throws {
        var graph = TestGraph()
        var names: [String] = []
        var feeds: [Tensor] = []
        for (index, dimensions) in sample.inputs.enumerated() {
            let type = sample.dtype.rawValue
            names.append(graph.placeholder("x\(index)", Int32(type), dimensions.map { Int64($0) }))
            let shape = try #require(Shape(dimensions))
            feeds.append(
                try #require(
                    Tensor(dtype: sample.dtype, shape: shape) { bytes in
                        _ = bytes.initializeMemory(as: UInt8.self, repeating: 0)
                    }))
        }
        for (index, values) in sample.constants.enumerated() {
            names.append(constant(&graph, "c\(index)", values))
        }
        var attributes = sample.numbers.mapValues { values in
            AttrValue.with { value in
                if values.count == 1 { value.i = values[0] } else { value.list.i = values }
            }
        }
        if let padding = sample.padding { attributes["padding"] = .with { $0.s = .init(padding.utf8) } }
        var types: [String: Int32] = [:]
        for name in sample.types { types[name] = Int32(sample.dtype.rawValue) }
        for (name, dtype) in sample.others { types[name] = Int32(dtype.rawValue) }
        graph.add(sample.op, "op", names, types: types, attributes)
        let inputs = sample.inputs.indices.map { "x\($0):0" }
        let callable = try graph.session(limitBytes: 1 << 30).callable(inputs, ["op:0"])
        let past = RunLimits(deadline: Deadline(after: 0, from: 0))
        #expect(failure { _ = try callable.run(feeds, limits: past) }?.kind == .deadlineExceeded)
        let flag = Flag()
        flag.raise()
        #expect(failure { _ = try callable.run(feeds, limits: RunLimits(abandonment: flag)) }?.kind == .cancelled)
        #expect(throws: Never.self) { _ = try callable.run(feeds) }
    }

    private func constant(_ graph: inout TestGraph, _ name: String, _ values: [Int32]) -> String {
        let tensor = TensorProto.with { tensor in
            tensor.dtype = 3
            tensor.tensorShape.dim = [.with { $0.size = Int64(values.count) }]
            tensor.intVal = values
        }
        return graph.add("Const", name, types: ["dtype": 3], ["value": .with { $0.tensor = tensor }])
    }
}
