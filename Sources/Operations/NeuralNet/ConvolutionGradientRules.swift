internal import Graphs
internal import Tensors

// The formulas are those of nn_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of convolutions and pools.
    static let convolutionGradientRules: [GradientRule] = [
        GradientRule(
            "Conv2D",
            one: { n, node, g throws(OpError) in
                let attributes = try convolution(node)
                let (x, filter) = (try node.input(0), try node.input(1))
                return [
                    try n.add("Conv2DBackpropInput", [n.shapeVector(x), filter, g], attributes),
                    try n.add("Conv2DBackpropFilter", [x, n.shapeVector(filter), g], attributes),
                ]
            }),
        GradientRule(
            "Conv2DBackpropInput",
            one: { n, node, g throws(OpError) in
                let attributes = try convolution(node)
                let (filter, out) = (try node.input(1), try node.input(2))
                return [
                    nil, try n.add("Conv2DBackpropFilter", [g, n.shapeVector(filter), out], attributes),
                    try n.add("Conv2D", [g, filter], attributes),
                ]
            }),
        GradientRule(
            "Conv2DBackpropFilter",
            one: { n, node, g throws(OpError) in
                let attributes = try convolution(node)
                let (x, out) = (try node.input(0), try node.input(2))
                return [
                    try n.add("Conv2DBackpropInput", [n.shapeVector(x), g, out], attributes), nil,
                    try n.add("Conv2D", [x, g], attributes),
                ]
            }),
        GradientRule(
            "DepthwiseConv2dNative",
            one: { n, node, g throws(OpError) in
                let attributes = try node.attributes(
                    "strides", "padding", "explicit_paddings", "data_format", "dilations")
                let (x, filter) = (try node.input(0), try node.input(1))
                return [
                    try n.add("DepthwiseConv2dNativeBackpropInput", [n.shapeVector(x), filter, g], attributes),
                    try n.add("DepthwiseConv2dNativeBackpropFilter", [x, n.shapeVector(filter), g], attributes),
                ]
            }),
        GradientRule(
            "Conv3D",
            one: { n, node, g throws(OpError) in
                let attributes = try node.attributes("strides", "padding", "data_format", "dilations")
                let (x, filter) = (try node.input(0), try node.input(1))
                return [
                    try n.add("Conv3DBackpropInputV2", [n.shapeVector(x), filter, g], attributes),
                    try n.add("Conv3DBackpropFilterV2", [x, n.shapeVector(filter), g], attributes),
                ]
            }),
        GradientRule(
            "MaxPool",
            one: { n, node, g throws(OpError) in
                [try n.add("MaxPoolGrad", [node.input(0), node.output(), g], pool(node))]
            }),
        GradientRule(
            "MaxPoolV2",
            one: { n, node, g throws(OpError) in
                [
                    try n.add(
                        "MaxPoolGradV2", [node.input(0), node.output(), g, node.input(1), node.input(2)],
                        node.attributes("padding", "data_format"))
                ]
            }),
        GradientRule(
            "AvgPool",
            one: { n, node, g throws(OpError) in
                [try n.add("AvgPoolGrad", [n.shapeVector(node.input(0)), g], pool(node))]
            }),
        GradientRule(
            "AvgPoolGrad", one: { n, node, g throws(OpError) in [nil, try n.add("AvgPool", [g], pool(node))] }),
        GradientRule(
            "MaxPool3D",
            one: { n, node, g throws(OpError) in
                [try n.add("MaxPool3DGrad", [node.input(0), node.output(), g], pool(node))]
            }),
        GradientRule(
            "AvgPool3D",
            one: { n, node, g throws(OpError) in
                [try n.add("AvgPool3DGrad", [n.shapeVector(node.input(0)), g], pool(node))]
            }),
    ]

    private static func convolution(_ node: ForwardNode) throws(OpError) -> [String: AttributeValue] {
        try node.attributes("strides", "padding", "explicit_paddings", "use_cudnn_on_gpu", "data_format", "dilations")
    }

    private static func pool(_ node: ForwardNode) throws(OpError) -> [String: AttributeValue] {
        try node.attributes("ksize", "strides", "padding", "explicit_paddings", "data_format")
    }
}
