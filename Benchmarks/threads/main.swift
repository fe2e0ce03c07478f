// How much sooner one request is answered when helpers compute with it: see Benchmarks/README.md.
//
//     threads-benchmark [WORKERS] [PAIRS]
//     threads-benchmark ops [OP...] [WORKERS] [PAIRS]
//
// Runs small networks with one worker and with several, in pairs, and prints medians. With `ops`, runs single ops, all
// or those with some names: each kernel that computes the op, the chosen one first.
import Execution
import Foundation
import Graphs
import Kernels
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Threads

/// A graph built layer by layer.
struct Network {
    private var def = GraphDef()
    private(set) var last: String
    private(set) var shape: [Int]

    init(_ shape: [Int]) {
        self.shape = shape
        last = "x"
        add("Placeholder", "x", [], [:]) { node in
            node.attr["dtype"] = .with { $0.type = 1 }
            node.attr["shape"] = .with { value in
                value.shape.dim = shape.map { size in .with { $0.size = Int64(size) } }
            }
        }
    }

    private mutating func add(
        _ op: String, _ name: String, _ inputs: [String], _ numbers: [String: [Int64]],
        _ change: (inout NodeDef) -> Void = { _ in }
    ) {
        var node = NodeDef()
        node.op = op
        node.name = name
        node.input = inputs
        if op != "Placeholder", op != "Const" { node.attr["T"] = .with { $0.type = 1 } }
        for (key, values) in numbers { node.attr[key] = .with { $0.list.i = values } }
        change(&node)
        def.node.append(node)
    }

    private mutating func weights(_ shape: [Int], _ scale: Float, _ offset: Float = 0) -> String {
        let name = "w\(def.node.count)"
        let count = shape.reduce(1, *)
        let values = (0..<count).map { offset + scale * (Float(($0 &* 7919) % 2003) / 1001 - 1) }
        add("Const", name, [], [:]) { node in
            node.attr["dtype"] = .with { $0.type = 1 }
            node.attr["value"] = .with { value in
                value.tensor = .with { tensor in
                    tensor.dtype = 1
                    tensor.tensorShape.dim = shape.map { size in .with { $0.size = Int64(size) } }
                    tensor.tensorContent = values.withUnsafeBytes { Data($0) }
                }
            }
        }
        return name
    }

    private mutating func then(_ op: String, _ inputs: [String], _ shape: [Int], _ numbers: [String: [Int64]] = [:]) {
        let name = "n\(def.node.count)"
        add(op, name, [last] + inputs, numbers) { node in
            if numbers["strides"] != nil { node.attr["padding"] = .with { $0.s = Data("SAME".utf8) } }
        }
        last = name
        self.shape = shape
    }

    private func scaled(_ stride: Int, _ depth: Int) -> [Int] {
        [shape[0], (shape[1] + stride - 1) / stride, (shape[2] + stride - 1) / stride, depth]
    }

    mutating func relu() { then("Relu", [], shape) }

    mutating func convolve(_ size: Int, _ depth: Int, stride: Int = 1) {
        let filter = weights([size, size, shape[3], depth], 1 / Float(size * size * shape[3]).squareRoot())
        let strides = [1, Int64(stride), Int64(stride), 1]
        then("Conv2D", [filter], scaled(stride, depth), ["strides": strides, "dilations": [1, 1, 1, 1]])
    }

    mutating func convolveDepthwise(stride: Int = 1) {
        let filter = weights([3, 3, shape[3], 1], 0.4)
        let strides = [1, Int64(stride), Int64(stride), 1]
        then("DepthwiseConv2dNative", [filter], scaled(stride, shape[3]), ["strides": strides])
    }

    mutating func normalize() {
        let inputs = [weights([shape[3]], 0.1, 1), weights([shape[3]], 0.1), weights([shape[3]], 0.1)]
        let variance = weights([shape[3]], 0.1, 1)
        let name = "n\(def.node.count)"
        add("FusedBatchNorm", name, [last] + inputs + [variance], [:]) { node in
            node.attr["is_training"] = .with { $0.b = false }
        }
        last = name
    }

    mutating func addBias() {
        let bias = weights([shape[shape.count - 1]], 0.1)
        then("BiasAdd", [bias], shape)
    }

    mutating func pool() {
        then("MaxPool", [], scaled(2, shape[3]), ["strides": [1, 2, 2, 1], "ksize": [1, 2, 2, 1]])
    }

    mutating func multiply(_ columns: Int) {
        let depth = shape[shape.count - 1]
        let matrix = weights([depth, columns], 1 / Float(depth).squareRoot())
        then("MatMul", [matrix], [shape[0], columns])
    }

    mutating func softmax() { then("Softmax", [], shape) }

    func callable() throws -> Callable {
        struct NoVariables: VariableSource {
            func value(of variable: VariableReference) throws(OpError) -> Tensor {
                throw OpError(.missingVariable, variable.name)
            }
        }
        let graph = try Graph(def)
        let session = Session(graph: graph, variables: NoVariables(), threadCount: 1)
        guard let x = graph.index(ofNode: "x"), let y = graph.index(ofNode: last) else { throw Usage() }
        return try session.callable(
            feeds: [Endpoint(node: x, output: 0)], fetches: [Endpoint(node: y, output: 0)])
    }
}

struct Usage: Error {}

/// The convolutions of VGG-16 on one image.
func vgg() -> Network {
    var network = Network([1, 224, 224, 3])
    for (count, depth) in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)] {
        for _ in 0..<count {
            network.convolve(3, depth)
            network.addBias()
            network.relu()
        }
        network.pool()
    }
    return network
}

/// Depthwise and pointwise convolutions, as in MobileNet.
func mobile() -> Network {
    var network = Network([1, 224, 224, 3])
    network.convolve(3, 32, stride: 2)
    network.normalize()
    network.relu()
    let blocks = [
        (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
    ]
    for (depth, stride) in blocks {
        network.convolveDepthwise(stride: stride)
        network.normalize()
        network.relu()
        network.convolve(1, depth)
        network.normalize()
        network.relu()
    }
    return network
}

/// Products of matrices, as of the tokens of a text.
func perceptron(rows: Int) -> Network {
    var network = Network([rows, 768])
    for _ in 0..<4 {
        network.multiply(3072)
        network.addBias()
        network.relu()
        network.multiply(768)
        network.addBias()
    }
    network.softmax()
    return network
}

/// A network whose kernels are all short: nobody helps with it.
func small() -> Network {
    var network = Network([1, 32])
    for _ in 0..<8 {
        network.multiply(32)
        network.addBias()
        network.relu()
    }
    return network
}

func milliseconds(_ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    body()
    return (clock.now - start) / .milliseconds(1)
}

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let workers = arguments.first ?? 2
let pairs = arguments.dropFirst().first ?? 15
let networks: [(String, Network)] = [
    ("VGG-16's convolutions", vgg()), ("MobileNet-like", mobile()), ("perceptron of 128 rows", perceptron(rows: 128)),
    ("perceptron of 4 rows", perceptron(rows: 4)), ("perceptron of 1 row", perceptron(rows: 1)),
    ("small", small()),
]
print("kernels of OpenBLAS: \(LinearAlgebra.core); \(workers) workers, \(pairs) pairs")
let helpers = SpareProcessors(processors: workers)
if CommandLine.arguments.contains("ops") {
    print("| Op | kernel | 1 worker | \(workers) workers | ratio, range |\n| --- | --- | ---: | ---: | --- |")
    let names = CommandLine.arguments.dropFirst().filter { $0 != "ops" && Int($0) == nil }
    for sample in OpSample.all where names.isEmpty || names.contains(sample.op) {
        try sample.measure(helpers, pairs: pairs)
    }
    exit(0)
}
for (name, network) in networks {
    let callable = try network.callable()
    let count = callable.feeds[0].shape.dimensions?.reduce(1, *) ?? 0
    let values = (0..<count).map { Float(($0 &* 31) % 97) / 97 }
    guard let shape = callable.feeds[0].shape.dimensions, let image = Tensor(values, shape: shape) else {
        throw Usage()
    }
    TensorView.withViews(of: [image]) { feeds in
        let ratio = Pairs(pairs) {
            try? callable.run(feeds) { _ in }
        } _: {
            try? callable.run(feeds, helpers: helpers) { _ in }
        }
        print("\(name): \(ratio.text)")
    }
}
