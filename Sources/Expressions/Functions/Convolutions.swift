internal import Graphs
internal import Tensors

extension Call {
    /// The sizes of a window or its steps, in all four dimensions: one number, or two, stands for height and width.
    fileprivate func window(_ name: String) throws(ExpressionError) -> AttributeValue {
        let given = isNone(name) ? [1] : try ints(name)
        var list = AttributeValue.List()
        switch given.count {
        case 1: list.ints = [1, Int64(given[0]), Int64(given[0]), 1]
        case 2: list.ints = [1, Int64(given[0]), Int64(given[1]), 1]
        case 4: list.ints = given.map(Int64.init)
        default: throw error("\(name) has \(given.count) elements, expected 1, 2 or 4")
        }
        return .list(list)
    }

    fileprivate func layout() throws(ExpressionError) -> [String: AttributeValue] {
        let padding = try string("padding").uppercased()
        guard padding == "SAME" || padding == "VALID" else {
            throw error("padding is \"\(padding)\", expected SAME or VALID")
        }
        _ = try choice("data_format", of: ["NHWC"])
        return ["padding": .bytes(Array(padding.utf8)), "data_format": .bytes(Array("NHWC".utf8))]
    }

    fileprivate func convolution(_ op: String, _ filter: String) throws(ExpressionError) -> Operand {
        let x = try float("input")
        var attributes = try layout()
        attributes["strides"] = try window("strides")
        attributes["dilations"] = try window("dilations")
        return try one(op, [x, try tensor(filter, x.dtype)], attributes)
    }

    fileprivate func pool(_ op: String) throws(ExpressionError) -> Operand {
        var attributes = try layout()
        attributes["ksize"] = try window("ksize")
        attributes["strides"] = try window("strides")
        return try one(op, [try float("input")], attributes)
    }

    fileprivate func batchNormalized() throws(ExpressionError) -> Operand {
        let x = try float("x")
        let mean = try tensor("mean", x.dtype)
        let sum = try one("AddV2", [try tensor("variance", x.dtype), try tensor("variance_epsilon", x.dtype)])
        var factor = try one("Rsqrt", [sum])
        if !isNone("scale") { factor = try one("Mul", [factor, try tensor("scale", x.dtype)]) }
        let shift = try one("Mul", [mean, factor])
        let rest = isNone("offset") ? try one("Neg", [shift]) : try one("Sub", [try tensor("offset", x.dtype), shift])
        return try one("AddV2", [try one("Mul", [x, factor]), rest])
    }
}

extension FunctionTable {
    static let convolutions: [ExpressionFunction] = [
        ExpressionFunction(
            "nn.conv2d", "input, filters, strides, padding, data_format='NHWC', dilations=None",
            one: { call throws(ExpressionError) in try call.convolution("Conv2D", "filters") }),
        ExpressionFunction(
            "nn.depthwise_conv2d", "input, filter, strides, padding, data_format='NHWC', dilations=None",
            one: { call throws(ExpressionError) in try call.convolution("DepthwiseConv2dNative", "filter") }),
        ExpressionFunction(
            "nn.max_pool2d nn.max_pool", "input, ksize, strides, padding, data_format='NHWC'",
            one: { call throws(ExpressionError) in try call.pool("MaxPool") }),
        ExpressionFunction(
            "nn.avg_pool2d nn.avg_pool", "input, ksize, strides, padding, data_format='NHWC'",
            one: { call throws(ExpressionError) in try call.pool("AvgPool") }),
        ExpressionFunction(
            "nn.bias_add", "value, bias",
            one: { call throws(ExpressionError) in
                let value = try call.tensor("value")
                return try call.one("BiasAdd", [value, try call.tensor("bias", value.dtype)])
            }),
        ExpressionFunction(
            "nn.batch_normalization", "x, mean, variance, offset, scale, variance_epsilon",
            one: { call throws(ExpressionError) in
                try call.batchNormalized()
            }),
        ExpressionFunction(
            "nn.space_to_depth", "input, block_size",
            one: { call throws(ExpressionError) in
                try call.one(
                    "SpaceToDepth", [try call.tensor("input")], ["block_size": .int(Int64(try call.int("block_size")))])
            }),
        ExpressionFunction(
            "nn.depth_to_space", "input, block_size",
            one: { call throws(ExpressionError) in
                try call.one(
                    "DepthToSpace", [try call.tensor("input")], ["block_size": .int(Int64(try call.int("block_size")))])
            }),
        ExpressionFunction(
            "nn.local_response_normalization nn.lrn", "input, depth_radius=5, bias=1, alpha=1, beta=0.5",
            one: { call throws(ExpressionError) in
                try call.one(
                    "LRN", [try call.float("input")],
                    [
                        "depth_radius": .int(Int64(try call.int("depth_radius"))),
                        "bias": .float(Float(try call.number("bias"))),
                        "alpha": .float(Float(try call.number("alpha"))),
                        "beta": .float(Float(try call.number("beta"))),
                    ])
            }),
    ]
}
