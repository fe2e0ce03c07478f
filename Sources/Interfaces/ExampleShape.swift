package import Graphs
internal import Operations
package import Planning
internal import Tensors

/// Finds the shape of an input from the nodes that read it.
package struct ExampleShape {
    private let graph: Graph
    private let inference: FactInference

    package init(_ graph: Graph, _ inference: FactInference) {
        self.graph = graph
        self.inference = inference
    }

    private static let imageDecoders: Set<String> = [
        "DecodeJpeg", "DecodePng", "DecodeImage", "DecodeBmp", "DecodeGif",
    ]

    /// Whether a graph decodes images, so that its string input expects image files.
    package static func decodesImages(_ graph: Graph) -> Bool {
        graph.nodes.contains { imageDecoders.contains($0.op) }
    }

    /// The usual size of an image.
    private static let imageSize = 224
    private static let channelCounts: Set<Int> = [1, 3, 4]

    /// Replaces unknown dimensions (-1): by those of an image if the others fit an image, otherwise by 1.
    package static func filled(_ dimensions: [Int]) -> [Int] {
        var sizes = dimensions
        let places: (channels: Int, sizes: [Int])? =
            switch dimensions.count {
            case 4 where channelCounts.contains(dimensions[1]) && dimensions[2] < 0 && dimensions[3] < 0: (1, [2, 3])
            case 4 where channelCounts.contains(dimensions[3]) || dimensions[3] < 0: (3, [1, 2])
            case 3 where channelCounts.contains(dimensions[2]) && dimensions[0] < 0 && dimensions[1] < 0: (2, [0, 1])
            default: nil
            }
        if let places {
            for place in places.sizes where sizes[place] < 0 { sizes[place] = imageSize }
            if sizes[places.channels] < 0 { sizes[places.channels] = 3 }
        }
        return sizes.map { $0 < 0 ? 1 : $0 }
    }

    /// Ops that keep the shape of their input.
    private static let passing: Set<String> = [
        "Identity", "Cast", "StopGradient", "Add", "AddV2", "Sub", "Mul", "Div", "RealDiv", "Pad", "PadV2", "MirrorPad",
        "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "Relu", "PlaceholderWithDefault", "CheckNumerics",
    ]
    private static let maxNodes = 1000

    /// The dimensions of a tensor that follow from the ops that read it; nil if none follow.
    package func dimensions(of tensor: String) -> [Int]? {
        guard let name = TensorName(parsing: tensor), let start = graph.index(ofNode: name.node) else { return nil }
        var readers: [Int: [(node: Int, input: Int)]] = [:]
        for (index, node) in graph.nodes.enumerated() {
            for (place, input) in node.inputs.enumerated() {
                if case .endpoint(let source) = input { readers[source.node, default: []].append((index, place)) }
            }
        }
        var open = [start]
        var seen = Set(open)
        while let next = open.popLast(), seen.count < Self.maxNodes {
            for reader in readers[next] ?? [] {
                if let dimensions = dimensions(readBy: graph.nodes[reader.node], reader.input) { return dimensions }
                if Self.passing.contains(graph.nodes[reader.node].op), seen.insert(reader.node).inserted {
                    open.append(reader.node)
                }
            }
        }
        return nil
    }

    /// The dimensions of an op's first input that follow from the op.
    private func dimensions(readBy node: Node, _ input: Int) -> [Int]? {
        guard input == 0, node.inputs.count > 1, case .endpoint(let source) = node.inputs[1],
            let weights = inference.feedableFact(of: source)?.shape.dimensions
        else { return nil }
        switch node.op {
        case "Conv2D", "DepthwiseConv2dNative":
            guard weights.count == 4 else { return nil }
            if case .bytes(let format)? = try? node.attribute("data_format"), Array(format) == Array("NCHW".utf8) {
                return [1, weights[2], -1, -1]
            }
            return [1, -1, -1, weights[2]]
        case "MatMul":
            guard weights.count == 2 else { return nil }
            if case .bool(true)? = try? node.attribute("transpose_b") { return [1, weights[1]] }
            return [1, weights[0]]
        default: return nil
        }
    }
}
