internal import Graphs
internal import Tensors

// The formulas are those of nn_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of losses, normalisations and biases.
    static let neuralNetGradientRules: [GradientRule] = [
        GradientRule(
            "BiasAdd",
            one: { n, node, g throws(OpError) in
                [g, try n.add("BiasAddGrad", [g], node.attributes("data_format"))]
            }),
        GradientRule(
            "BiasAddV1",
            one: { n, node, g throws(OpError) in
                let axes = try n.add("Range", [n.integer(0), n.sub(n.rank(g), n.integer(1)), n.integer(1)])
                return [g, try n.reduceSum(g, axes)]
            }),
        GradientRule(
            "BiasAddGrad",
            one: { n, node, g throws(OpError) in
                let x = try node.input(0)
                guard try node.reader.string("data_format", default: "NHWC") == "NHWC" else {
                    throw OpError(
                        .unsupported, "node \"\(node.name)\": the gradient of BiasAddGrad of NCHW is not supported")
                }
                return [try n.add("BroadcastTo", [g, n.shapeVector(x)])]
            }),
        GradientRule(
            "Softmax",
            one: { n, node, g throws(OpError) in
                let y = node.output()
                let sums = try n.reduceSum(n.mul(g, y), n.integer(-1), keepsDimensions: true)
                return [try n.mul(n.sub(g, sums), y)]
            }),
        GradientRule(
            "LogSoftmax",
            one: { n, node, g throws(OpError) in
                let sums = try n.reduceSum(g, n.integer(-1), keepsDimensions: true)
                return [try n.sub(g, n.mul(sums, n.unary("Exp", node.output())))]
            }),
        GradientRule("SoftmaxCrossEntropyWithLogits") { n, node, gradients throws(OpError) in
            try crossEntropy(n, node, gradients)
        },
        GradientRule("SparseSoftmaxCrossEntropyWithLogits") { n, node, gradients throws(OpError) in
            guard let g = gradients[0] else { return [] }
            guard gradients.count < 2 || gradients[1] == nil else { throw noSecond(node) }
            return [try n.mul(n.expandDims(g, -1), node.output(1))]
        },
        GradientRule("FusedBatchNorm") { n, node, gradients throws(OpError) in try batchNorm(n, node, gradients) },
        GradientRule("FusedBatchNormV2") { n, node, gradients throws(OpError) in try batchNorm(n, node, gradients) },
        GradientRule("FusedBatchNormV3") { n, node, gradients throws(OpError) in try batchNorm(n, node, gradients) },
        GradientRule(
            "LRN",
            one: { n, node, g throws(OpError) in
                [
                    try n.add(
                        "LRNGrad", [g, node.input(0), node.output()],
                        node.attributes("depth_radius", "bias", "alpha", "beta"))
                ]
            }),
    ]

    private static func noSecond(_ node: ForwardNode) -> OpError {
        OpError(.unsupported, "node \"\(node.name)\": the second gradient of \(node.op) is not supported")
    }

    /// The loss' gradient is the second output; the labels' the negative logarithm of the probabilities.
    private static func crossEntropy(
        _ n: GradientNodes, _ node: ForwardNode, _ gradients: [Endpoint?]
    ) throws(OpError) -> [Endpoint?] {
        guard let g = gradients[0] else { return [] }
        guard gradients.count < 2 || gradients[1] == nil else { throw noSecond(node) }
        let column = try n.expandDims(g, -1)
        let logarithm = try n.neg(n.unary("LogSoftmax", node.input(0)))
        return [try n.mul(column, node.output(1)), try n.mul(column, logarithm)]
    }

    /// The op with the statistics of the batch, or with those that were given.
    private static func batchNorm(
        _ n: GradientNodes, _ node: ForwardNode, _ gradients: [Endpoint?]
    ) throws(OpError) -> [Endpoint?] {
        guard let g = gradients[0] else { return [] }
        let isTraining = try node.reader.bool("is_training", default: true)
        var inputs = [g, try node.input(0), try node.input(1)]
        // Means and variances: of the batch, which the op reserves, or the given ones.
        inputs += isTraining ? [node.output(3), node.output(4)] : [try node.input(3), try node.input(4)]
        if node.op == "FusedBatchNormV3" { inputs.append(node.output(5)) }
        let name = node.op.replacing("FusedBatchNorm", with: "FusedBatchNormGrad")
        var attributes = try node.attributes("epsilon", "data_format")
        attributes["is_training"] = .bool(isTraining)
        let first = try n.add(name, inputs, attributes)
        return [first, first.output(1), first.output(2), nil, nil]
    }
}
