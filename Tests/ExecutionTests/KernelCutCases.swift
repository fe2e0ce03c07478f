import Tensors

/// An op that is cut, and the shapes of its inputs, which get random elements.
struct KernelCutCase: Sendable, CustomStringConvertible {
    let op: String
    let inputs: [[Int]]
    var numbers: [String: [Int64]] = [:]
    var integers: [String: Int64] = [:]
    var texts: [String: String] = [:]
    var flags: [String: Bool] = [:]
    var dtype = DataType.float32
    /// Inputs that are constants, by their places among all inputs.
    var constants: [Int: Constant] = [:]
    var outputs = 1

    var description: String { "\(op) \(dtype) \(inputs) \(constants.values.map(\.values)) \(texts)" }

    /// A tensor of int32.
    struct Constant: Sendable, ExpressibleByArrayLiteral, ExpressibleByIntegerLiteral {
        let values: [Int32]
        let shape: [Int]

        init(_ values: [Int32], shape: [Int]) {
            self.values = values
            self.shape = shape
        }

        init(arrayLiteral values: Int32...) { self.init(values, shape: [values.count]) }

        init(integerLiteral value: Int32) { self.init([value], shape: []) }
    }

    private static func window(_ stride: Int64, _ more: [String: [Int64]] = [:]) -> [String: [Int64]] {
        more.merging(["strides": [1, stride, stride, 1]]) { $1 }
    }

    private static func volume(_ stride: Int64, size: Int64? = nil) -> [String: [Int64]] {
        let strides = ["strides": [1, stride, stride, stride, 1]]
        return size.map { strides.merging(["ksize": [1, $0, $0, $0, 1]]) { $1 } } ?? strides
    }

    private static let same = ["padding": "SAME"]
    private static let valid = ["padding": "VALID"]

    static let all = elementwise + products + windows + reductions + movements

    static let elementwise: [KernelCutCase] = [
        KernelCutCase(op: "Exp", inputs: [[700_001]]),
        KernelCutCase(op: "Tanh", inputs: [[3, 70_001]]),
        KernelCutCase(op: "Relu", inputs: [[2_000_003]]),
        KernelCutCase(op: "AddV2", inputs: [[1_000_003], [1_000_003]]),
        KernelCutCase(op: "BiasAdd", inputs: [[7001, 70], [70]]),
        KernelCutCase(op: "Mul", inputs: [[301, 1, 1001], [1, 7, 1]]),
        KernelCutCase(op: "FloorDiv", inputs: [[200_001], [1]], dtype: .int32),
        KernelCutCase(op: "ClipByValue", inputs: [[2_000_003], [], []]),
        KernelCutCase(op: "LeakyRelu", inputs: [[2_000_003]]),
        KernelCutCase(op: "Betainc", inputs: [[5001], [5001], [5001]]),
        KernelCutCase(op: "Softmax", inputs: [[801, 1001]]),
        KernelCutCase(op: "LogSoftmax", inputs: [[50_001, 7]]),
        KernelCutCase(
            op: "FusedBatchNorm", inputs: [[1, 112, 112, 64], [64], [64], [64], [64]], flags: ["is_training": false]),
        KernelCutCase(
            op: "FusedBatchNorm", inputs: [[1, 64, 112, 112], [64], [64], [64], [64]],
            texts: ["data_format": "NCHW"], flags: ["is_training": false]),
        KernelCutCase(
            op: "FusedBatchNorm", inputs: [[8, 56, 56, 64], [64], [64], [0], [0]], flags: ["is_training": true],
            outputs: 3),
        KernelCutCase(
            op: "FusedBatchNorm", inputs: [[8, 64, 41, 41], [64], [64], [0], [0]], texts: ["data_format": "NCHW"],
            flags: ["is_training": true], outputs: 3),
    ]

    static let products: [KernelCutCase] = [
        KernelCutCase(op: "MatMul", inputs: [[533, 601], [601, 389]]),
        KernelCutCase(op: "MatMul", inputs: [[600, 300], [600, 700]], flags: ["transpose_a": true]),
        KernelCutCase(op: "MatMul", inputs: [[100, 300], [1500, 300]], flags: ["transpose_b": true]),
        KernelCutCase(op: "MatMul", inputs: [[1, 2000], [2000, 2100]]),
        KernelCutCase(op: "MatMul", inputs: [[5, 1000], [1000, 2100]]),
        KernelCutCase(op: "MatMul", inputs: [[2100, 1000], [1000, 1]]),
        KernelCutCase(op: "MatMul", inputs: [[400, 300], [300, 600]], dtype: .float64),
        KernelCutCase(op: "MatMul", inputs: [[600, 60], [60, 70]], dtype: .int32),
        KernelCutCase(op: "BatchMatMulV2", inputs: [[12, 64, 96], [12, 96, 64]]),
        KernelCutCase(op: "BatchMatMulV2", inputs: [[2, 400, 200], [1, 200, 300]]),
        KernelCutCase(op: "BatchMatMulV2", inputs: [[7, 90, 200], [200, 300]]),
        KernelCutCase(op: "Einsum", inputs: [[8, 90, 200], [200, 300]], texts: ["equation": "abc,cd->abd"]),
        KernelCutCase(
            op: "Einsum", inputs: [[4, 8, 60, 64], [4, 8, 60, 64]], texts: ["equation": "bhqd,bhkd->bhqk"]),
        KernelCutCase(op: "Einsum", inputs: [[50, 60, 200], [290, 60, 50]], texts: ["equation": "abc,dba->dc"]),
        KernelCutCase(op: "Einsum", inputs: [[300, 70, 101]], texts: ["equation": "abc->cb"]),
        KernelCutCase(op: "Einsum", inputs: [[300, 7001]], texts: ["equation": "ab->ba"]),
    ]

    static let windows: [KernelCutCase] = [
        KernelCutCase(op: "Conv2D", inputs: [[1, 61, 59, 16], [3, 3, 16, 32]], numbers: window(1), texts: same),
        KernelCutCase(op: "Conv2D", inputs: [[2, 120, 100, 8], [5, 5, 8, 16]], numbers: window(2), texts: same),
        KernelCutCase(op: "Conv2D", inputs: [[1, 14, 14, 64], [3, 3, 64, 512]], numbers: window(1), texts: same),
        KernelCutCase(op: "Conv2D", inputs: [[1, 56, 56, 64], [1, 1, 64, 128]], numbers: window(1), texts: same),
        KernelCutCase(op: "Conv2D", inputs: [[1, 120, 90, 16], [3, 3, 4, 32]], numbers: window(1), texts: same),
        KernelCutCase(op: "Conv2D", inputs: [[1, 120, 90, 16], [3, 3, 1, 32]], numbers: window(1), texts: same),
        KernelCutCase(
            op: "Conv2D", inputs: [[2, 16, 60, 60], [3, 3, 16, 32]], numbers: ["strides": [1, 1, 1, 1]],
            texts: ["padding": "SAME", "data_format": "NCHW"]),
        KernelCutCase(
            op: "Conv2D", inputs: [[6, 16, 40, 40], [3, 3, 16, 32]], numbers: ["strides": [1, 1, 1, 1]],
            texts: ["padding": "SAME", "data_format": "NCHW"]),
        KernelCutCase(
            op: "DepthwiseConv2dNative", inputs: [[1, 70, 70, 40], [3, 3, 40, 1]], numbers: window(1), texts: same),
        KernelCutCase(
            op: "DepthwiseConv2dNative", inputs: [[9, 30, 30, 40], [3, 3, 40, 2]], numbers: window(2), texts: same),
        KernelCutCase(
            op: "Conv3D", inputs: [[1, 8, 28, 28, 16], [3, 3, 3, 16, 32]], numbers: volume(1), texts: same),
        KernelCutCase(op: "Conv3D", inputs: [[2, 6, 40, 41, 8], [3, 3, 3, 8, 16]], numbers: volume(2), texts: same),
        KernelCutCase(
            op: "Conv3D", inputs: [[1, 8, 28, 28, 64], [1, 1, 1, 64, 128]], numbers: volume(1), texts: same),
        KernelCutCase(
            op: "Conv3D", inputs: [[2, 4, 4, 4, 16], [4, 4, 4, 16, 2100]], numbers: volume(1), texts: valid),
        KernelCutCase(
            op: "Conv2DBackpropInput", inputs: [[4, 4, 32, 64], [1, 56, 56, 64]], numbers: window(2), texts: same,
            constants: [0: [1, 112, 112, 32]]),
        KernelCutCase(
            op: "Conv2DBackpropInput", inputs: [[3, 3, 16, 32], [3, 60, 61, 32]], numbers: window(1), texts: same,
            constants: [0: [3, 60, 61, 16]]),
        KernelCutCase(
            op: "Conv2DBackpropInput", inputs: [[1, 1, 96, 200], [1, 60, 61, 200]], numbers: window(1), texts: same,
            constants: [0: [1, 60, 61, 96]]),
        KernelCutCase(
            op: "Conv3DBackpropInputV2", inputs: [[3, 3, 3, 16, 32], [1, 17, 20, 20, 32]], numbers: volume(2),
            texts: same, constants: [0: [1, 33, 40, 40, 16]]),
        KernelCutCase(
            op: "MaxPool", inputs: [[1, 112, 112, 64]], numbers: window(2, ["ksize": [1, 3, 3, 1]]), texts: same),
        KernelCutCase(
            op: "AvgPool", inputs: [[40, 20, 20, 32]], numbers: window(1, ["ksize": [1, 3, 3, 1]]), texts: same),
        KernelCutCase(op: "MaxPool3D", inputs: [[2, 11, 40, 40, 16]], numbers: volume(2, size: 3), texts: same),
        KernelCutCase(op: "AvgPool3D", inputs: [[2, 16, 40, 41, 32]], numbers: volume(2, size: 2), texts: valid),
        KernelCutCase(
            op: "MaxPoolWithArgmax", inputs: [[2, 60, 60, 32]], numbers: window(2, ["ksize": [1, 3, 3, 1]]),
            texts: same, outputs: 2),
        KernelCutCase(
            op: "MaxPoolGrad", inputs: [[6, 40, 40, 16], [6, 20, 20, 16], [6, 20, 20, 16]],
            numbers: window(2, ["ksize": [1, 3, 3, 1]]), texts: same),
        KernelCutCase(
            op: "AvgPoolGrad", inputs: [[6, 40, 40, 16]], numbers: window(1, ["ksize": [1, 3, 3, 1]]), texts: same,
            constants: [0: [6, 40, 40, 16]]),
        KernelCutCase(op: "LRN", inputs: [[2, 40, 40, 64]]),
        KernelCutCase(op: "ResizeBilinear", inputs: [[2, 100, 90, 16]], constants: [1: [301, 299]]),
        KernelCutCase(op: "ResizeBilinear", inputs: [[1, 300, 290, 16]], dtype: .int32, constants: [1: [201, 199]]),
        KernelCutCase(op: "ResizeBicubic", inputs: [[1, 100, 90, 16]], constants: [1: [301, 299]]),
        KernelCutCase(op: "ResizeArea", inputs: [[2, 300, 290, 16]], constants: [1: [101, 99]]),
        KernelCutCase(
            op: "MaxPool", inputs: [[50, 40, 40, 16]], numbers: ["ksize": [1, 1, 1, 4], "strides": [1, 1, 1, 4]],
            texts: valid),
    ]

    private static func reduce(
        _ op: String, _ shape: [Int], _ axes: [Int32], _ dtype: DataType = .float32
    ) -> KernelCutCase {
        KernelCutCase(op: op, inputs: [shape], dtype: dtype, constants: [1: Constant(axes, shape: [axes.count])])
    }

    static let reductions: [KernelCutCase] = [
        // Everything, with a rest of a part that is short, and one that is not.
        reduce("Sum", [1_000_003], [0]), reduce("Sum", [1001, 1001], [0, 1]), reduce("Sum", [1_000_003], [0], .float64),
        reduce("Sum", [1_000_003], [0], .int32), reduce("Mean", [1_000_003], [0], .int32),
        reduce("Max", [1_000_003], [0]), reduce("Min", [1_000_003], [0], .int32),
        reduce("EuclideanNorm", [700_001], [0]), reduce("Mean", [3, 700_001], [1]),
        // Rows, columns, few columns.
        reduce("Sum", [1001, 1001], [1]), reduce("Max", [1001, 1001], [1]), reduce("Prod", [1001, 1001], [1]),
        reduce("Sum", [101, 9001], [0]), reduce("Mean", [101, 9001], [0]), reduce("Min", [101, 9001], [0]),
        reduce("Sum", [300_001, 3], [0]), reduce("Mean", [2, 300_001, 3], [1]), reduce("Max", [300_001, 3], [0]),
        reduce("Mean", [300_001, 3], [0], .int32), reduce("EuclideanNorm", [101, 9001], [0]),
        reduce("Mean", [4, 112, 112, 64], [1, 2]), reduce("Mean", [4, 64, 112, 112], [2, 3]),
        // Several passes.
        reduce("Sum", [101, 51, 701], [0, 2]), reduce("Mean", [11, 100, 3, 1001], [1, 3], .int32),
        KernelCutCase(op: "TopKV2", inputs: [[301, 1001]], constants: [1: 10], outputs: 2),
        KernelCutCase(op: "NthElement", inputs: [[301, 1001]], constants: [1: 500]),
        KernelCutCase(op: "ArgMax", inputs: [[5001, 301]], constants: [1: 1]),
    ]

    static let movements: [KernelCutCase] = [
        KernelCutCase(op: "Transpose", inputs: [[1001, 1501]], constants: [1: [1, 0]]),
        KernelCutCase(op: "Transpose", inputs: [[300, 700, 5]], constants: [1: [1, 0, 2]]),
        KernelCutCase(op: "Transpose", inputs: [[20, 30, 40, 50]], constants: [1: [0, 2, 3, 1]]),
        KernelCutCase(op: "ConcatV2", inputs: [[1501, 700], [1501, 300], [1501, 3]], constants: [3: 1]),
        KernelCutCase(op: "Pack", inputs: [[1_000_003], [1_000_003]], integers: ["axis": 0]),
        KernelCutCase(op: "Split", inputs: [[1501, 1200]], integers: ["num_split": 3], constants: [0: 1], outputs: 3),
        KernelCutCase(op: "Tile", inputs: [[1001, 300]], constants: [1: [2, 3]]),
        KernelCutCase(op: "Slice", inputs: [[1600, 1500]], constants: [1: [5, 7], 2: [1501, 1403]]),
        KernelCutCase(
            op: "Pad", inputs: [[1001, 1100]], constants: [1: Constant([1, 2, 30, 40], shape: [2, 2])]),
        KernelCutCase(
            op: "GatherV2", inputs: [[301, 501]],
            constants: [1: Constant((0..<5001).map { $0 * 7 % 301 }, shape: [5001]), 2: 0]),
    ]
}
