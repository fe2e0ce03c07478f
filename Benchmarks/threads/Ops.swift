import Execution
import Foundation
import Graphs
import Kernels
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Threads

/// One op with inputs of given shapes.
struct OpSample {
    let op: String
    let inputs: [[Int]]
    var lists: [String: [Int64]] = [:]
    var texts: [String: String] = [:]
    var integers: [String: Int64] = [:]
    var flags: [String: Bool] = [:]
    /// Inputs that are int32 constants, by their places among all inputs.
    var constants: [Int: [Int32]] = [:]
    /// The places of constants that are scalars.
    var scalars: Set<Int> = []

    var description: String {
        let shapes = inputs.map { "[\($0.map(String.init).joined(separator: ","))]" }.joined(separator: " ")
        let values = constants.sorted { $0.key < $1.key }.filter { $0.value.count < 8 }.map { "\($0.value)" }
        return ([op, shapes] + values + texts.values.filter { $0 != "SAME" }).joined(separator: " ")
    }

    /// The inputs, with numbers between 0 and 1.
    func tensors() -> [Tensor] {
        var tensors: [Tensor] = inputs.enumerated().compactMap { number, shape in
            let count = shape.reduce(1, *)
            return Tensor((0..<count).map { Float(($0 &* (31 + 2 * number)) % 97) / 97 + 0.01 }, shape: shape)
        }
        for (place, values) in constants.sorted(by: { $0.key < $1.key }) {
            guard let tensor = Tensor(values, shape: scalars.contains(place) ? [] : [values.count]) else { continue }
            tensors.insert(tensor, at: place)
        }
        return tensors
    }

    /// The kernels that compute the op, with their names.
    func kernels(_ tensors: [Tensor]) throws -> (spec: KernelSpec, kernels: [(name: String, kernel: Kernel)]) {
        var def = GraphDef()
        for index in tensors.indices {
            def.node.append(
                .with { node in
                    node.op = "Placeholder"
                    node.name = "x\(index)"
                    node.attr["dtype"] = .with { $0.type = tensors[index].dtype.rawValue }
                })
        }
        def.node.append(
            .with { node in
                node.op = op
                node.name = "op"
                node.input = tensors.indices.map { "x\($0)" }
                node.attr["T"] = .with { $0.type = 1 }
                for (key, values) in lists { node.attr[key] = .with { $0.list.i = values } }
                for (key, text) in texts { node.attr[key] = .with { $0.s = Data(text.utf8) } }
                for (key, number) in integers { node.attr[key] = .with { $0.i = number } }
                for (key, flag) in flags { node.attr[key] = .with { $0.b = flag } }
            })
        let graph = try Graph(def)
        guard let node = graph.node(named: "op"), let entry = OpTable.entries[op] else { throw Usage() }
        let made = try entry.make(NodeReader(node))
        let facts = tensors.indices.map { index in
            constants[index] == nil
                ? TensorFact(tensors[index].dtype, tensors[index].shape) : TensorFact(tensors[index])
        }
        let spec = KernelSpec(inputs: facts, outputs: try made.outputs(for: facts))
        if let op = made as? any KernelChoosing {
            let choices = try op.kernels(for: spec).sorted { $0.picoseconds < $1.picoseconds }
            return (spec, try choices.map { ("\($0.name)", try $0.make()) })
        }
        guard case .kernel(let op) = made.implementation else { throw Usage() }
        let kernel = try op.makeKernel(for: spec)
        return (spec, [("\(kernel.name)", kernel)])
    }

    /// Prints how long each kernel takes alone and with workers; the one that is chosen comes first.
    func measure(_ helpers: SpareProcessors, pairs: Int) throws {
        let tensors = tensors()
        let (spec, kernels) = try kernels(tensors)
        let outputs = try spec.outputs.indices.compactMap { index in
            let count = try spec.outputShape(index).byteCount(of: spec.outputs[index].dtype) ?? 0
            return TensorStorage(byteCount: count)
        }
        for (name, kernel) in kernels {
            let account = RunAccount()
            let workers = KernelWorkers(account)
            // Safety: the tensors and the outputs outlive the calls.
            let inputs = tensors.map { $0.storage.baseAddress + $0.byteOffset }
            func run(_ helpers: SpareProcessors?) {
                try? kernel.run(inputs, outputs.map(\.baseAddress), account, helpers: helpers, workers: workers) {}
            }
            let ratio = Pairs(pairs) {
                run(nil)
            } _: {
                run(helpers)
            }
            print("| \(description) | \(name) | \(ratio.text) |")
        }
        withExtendedLifetime((tensors, outputs)) {}
    }

    private static func window(_ stride: Int64, _ size: Int64? = nil) -> [String: [Int64]] {
        let lists = ["strides": [1, stride, stride, 1]]
        return size.map { lists.merging(["ksize": [1, $0, $0, 1]]) { $1 } } ?? lists
    }

    private static func volume(_ stride: Int64, _ size: Int64? = nil) -> [String: [Int64]] {
        let lists = ["strides": [1, stride, stride, stride, 1]]
        return size.map { lists.merging(["ksize": [1, $0, $0, $0, 1]]) { $1 } } ?? lists
    }

    private static func reduce(_ op: String, _ shape: [Int], _ axes: [Int32]) -> OpSample {
        OpSample(op: op, inputs: [shape], constants: [1: axes])
    }

    private static let same = ["padding": "SAME"]

    static let all: [OpSample] = [
        OpSample(op: "Conv3D", inputs: [[1, 16, 56, 56, 32], [3, 3, 3, 32, 64]], lists: volume(1), texts: same),
        OpSample(op: "Conv3D", inputs: [[1, 8, 28, 28, 256], [1, 1, 1, 256, 128]], lists: volume(1), texts: same),
        OpSample(op: "MaxPool3D", inputs: [[1, 16, 56, 56, 64]], lists: volume(2, 3), texts: same),
        OpSample(op: "AvgPool3D", inputs: [[1, 16, 56, 56, 64]], lists: volume(2, 2), texts: same),
        OpSample(op: "MaxPoolWithArgmax", inputs: [[1, 112, 112, 64]], lists: window(2, 2), texts: same),
        OpSample(
            op: "Conv2DBackpropInput", inputs: [[4, 4, 64, 128], [1, 56, 56, 128]], lists: window(2), texts: same,
            constants: [0: [1, 112, 112, 64]]),
        OpSample(
            op: "DepthwiseConv2dNative", inputs: [[1, 56, 56, 128], [3, 3, 128, 1]], lists: window(1), texts: same),
        OpSample(
            op: "DepthwiseConv2dNative", inputs: [[1, 98, 40, 1], [20, 8, 1, 32]], lists: window(1), texts: same),
        OpSample(
            op: "DepthwiseConv2dNative", inputs: [[1, 56, 56, 16], [3, 3, 16, 8]], lists: window(1), texts: same),
        OpSample(
            op: "DepthwiseConv2dNative", inputs: [[1, 56, 56, 16], [3, 3, 16, 32]], lists: window(1), texts: same),
        OpSample(
            op: "DepthwiseConv2dNative", inputs: [[1, 56, 56, 4], [5, 5, 4, 64]], lists: window(1), texts: same),
        OpSample(op: "ResizeBilinear", inputs: [[1, 480, 640, 3]], constants: [1: [224, 224]]),
        OpSample(op: "ResizeBilinear", inputs: [[1, 64, 64, 64]], constants: [1: [128, 128]]),
        OpSample(op: "LRN", inputs: [[1, 56, 56, 64]]),
        OpSample(op: "Conv2D", inputs: [[1, 28, 28, 1], [5, 5, 1, 32]], lists: window(1), texts: same),
        OpSample(op: "Conv2D", inputs: [[8, 224, 224, 1], [3, 3, 1, 16]], lists: window(1), texts: same),
        OpSample(op: "BatchMatMulV2", inputs: [[8, 64, 768], [768, 768]]),
        OpSample(op: "BatchMatMulV2", inputs: [[32, 4, 512], [1, 512, 512]]),
        OpSample(op: "BatchMatMulV2", inputs: [[12, 128, 64], [12, 64, 128]]),
        OpSample(op: "BatchMatMulV2", inputs: [[48, 4, 64], [48, 64, 128]]),
        OpSample(op: "BatchMatMulV2", inputs: [[48, 1, 64], [48, 64, 128]]),
        OpSample(op: "Einsum", inputs: [[8, 128, 768], [768, 12, 64]], texts: ["equation": "abc,cde->abde"]),
        OpSample(
            op: "Einsum", inputs: [[4, 128, 12, 64], [4, 128, 12, 64]], texts: ["equation": "bqhd,bkhd->bhqk"]),
        reduce("Sum", [4_000_000], [0]), reduce("Sum", [4000, 1000], [1]), reduce("Sum", [4000, 1000], [0]),
        reduce("Sum", [1_000_000, 3], [0]), reduce("Mean", [1, 112, 112, 256], [1, 2]), reduce("Max", [4_000_000], [0]),
        reduce("Mean", [16, 7, 7, 2048], [1, 2]), reduce("EuclideanNorm", [4_000_000], [0]),
        OpSample(op: "TopKV2", inputs: [[64, 20_000]], constants: [1: [100]], scalars: [1]),
        OpSample(op: "ArgMax", inputs: [[4000, 1000]], constants: [1: [1]], scalars: [1]),
        OpSample(op: "ClipByValue", inputs: [[4_000_000], [], []]),
        OpSample(op: "LeakyRelu", inputs: [[4_000_000]]),
        OpSample(op: "Betainc", inputs: [[20_000], [20_000], [20_000]]),
        OpSample(
            op: "FusedBatchNorm", inputs: [[8, 56, 56, 64], [64], [64], [0], [0]], flags: ["is_training": true]),
        OpSample(
            op: "FusedBatchNorm", inputs: [[1, 112, 112, 64], [64], [64], [64], [64]], flags: ["is_training": false]),
        OpSample(op: "Transpose", inputs: [[2000, 2000]], constants: [1: [1, 0]]),
        OpSample(op: "Transpose", inputs: [[8, 56, 56, 64]], constants: [1: [0, 3, 1, 2]]),
        OpSample(op: "Transpose", inputs: [[8, 128, 12, 64]], constants: [1: [0, 2, 1, 3]]),
        OpSample(op: "ConcatV2", inputs: [[2000, 600], [2000, 400]], constants: [2: [1]], scalars: [2]),
        OpSample(op: "ConcatV2", inputs: [[2_000_000], [2_000_000]], constants: [2: [0]], scalars: [2]),
        OpSample(op: "Split", inputs: [[2000, 1200]], integers: ["num_split": 3], constants: [0: [1]], scalars: [0]),
        OpSample(op: "Tile", inputs: [[1000, 500]], constants: [1: [2, 3]]),
        OpSample(op: "Slice", inputs: [[2000, 2000]], constants: [1: [1, 1], 2: [1900, 1900]]),
        OpSample(
            op: "GatherV2", inputs: [[30_000, 128]], constants: [1: (0..<20_000).map { $0 * 7 % 30_000 }, 2: [0]],
            scalars: [2]),
    ]
}

/// Medians of times that were measured in turn.
struct Pairs {
    let text: String

    init(_ pairs: Int, _ first: () -> Void, _ second: () -> Void) {
        // As often as takes some milliseconds.
        let once = milliseconds(first)
        let again = milliseconds(first)
        let repeats = max(1, Int(20 / max(0.001, min(once, again))))
        var (alone, together): ([Double], [Double]) = ([], [])
        for _ in 0..<pairs {
            alone.append(milliseconds { for _ in 0..<repeats { first() } } / Double(repeats))
            together.append(milliseconds { for _ in 0..<repeats { second() } } / Double(repeats))
        }
        let ratios = zip(alone, together).map { $0 / $1 }.sorted()
        func number(_ number: Double) -> String { String(format: "%.3f", number) }
        func median(_ numbers: [Double]) -> Double { numbers.sorted()[numbers.count / 2] }
        text =
            "\(number(median(alone))) ms | \(number(median(together))) ms | \(number(median(ratios))), "
            + "\(number(ratios[0])) to \(number(ratios[ratios.count - 1]))"
    }
}
