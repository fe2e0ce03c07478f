internal import Graphs
internal import Tensors

// The formulas are those of array_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of ops that put elements together, take them apart, or give them another shape.
    static let arrayGradientRules: [GradientRule] =
        GradientRule.same("Reshape", "ExpandDims", "Squeeze") { n, node, g throws(OpError) in
            [try n.reshape(g, like: node.input(0))]
        }
        + [
            GradientRule(
                "Pack",
                one: { n, node, g throws(OpError) in
                    let attributes = try node.attributes("axis")
                    let count = node.inputs.count
                    let first = try n.add(
                        "Unpack", [g],
                        attributes.merging(["num": .int(Int64(count)), "T": .type(n.type(of: g))]) { a, _ in a },
                        gives: Array(repeating: TensorFact(n.type(of: g), .unknown), count: count))
                    return (0..<count).map { first.output($0) }
                }),
            GradientRule("Unpack") { n, node, gradients throws(OpError) in
                let axis = try node.reader.int("axis", default: 0)
                return [try n.pack(allGradients(n, node, gradients), axis: axis)]
            },
            GradientRule("Split") { n, node, gradients throws(OpError) in
                let parts = try allGradients(n, node, gradients)
                return [
                    nil,
                    try n.add(
                        "ConcatV2", parts + [node.input(0)], ["N": .int(Int64(parts.count)), "Tidx": .type(.int32)]),
                ]
            },
            GradientRule("SplitV") { n, node, gradients throws(OpError) in
                let parts = try allGradients(n, node, gradients)
                return [
                    try n.add(
                        "ConcatV2", parts + [node.input(2)], ["N": .int(Int64(parts.count)), "Tidx": .type(.int32)])
                ]
            },
            GradientRule(
                "Concat",
                one: { n, node, g throws(OpError) in
                    let inputs = Array(node.inputs.dropFirst())
                    return [nil] + (try concatenation(n, g, inputs, axis: node.input(0)))
                }),
            GradientRule(
                "ConcatV2",
                one: { n, node, g throws(OpError) in
                    let inputs = Array(node.inputs.dropLast())
                    return try concatenation(n, g, inputs, axis: node.input(inputs.count))
                }),
            GradientRule(
                "Slice",
                one: { n, node, g throws(OpError) in
                    // The rows before, and those behind: the whole size less the offset and the size.
                    let (x, begin) = (try node.input(0), try n.cast(node.input(1), to: .int32))
                    let (whole, part) = (try n.shapeVector(x), try n.shapeVector(g))
                    let behind = try n.sub(n.sub(whole, begin), part)
                    return [try n.add("Pad", [g, n.pack([begin, behind], axis: 1)])]
                }),
            GradientRule(
                "StridedSlice",
                one: { n, node, g throws(OpError) in
                    let index = try n.type(of: node.input(1))
                    let shape = try n.cast(n.shapeVector(node.input(0)), to: index)
                    return [
                        try n.add(
                            "StridedSliceGrad", [shape, node.input(1), node.input(2), node.input(3), g], masks(of: node)
                        )
                    ]
                }),
            GradientRule(
                "StridedSliceGrad",
                one: { n, node, g throws(OpError) in
                    let parts = [g, try node.input(1), try node.input(2), try node.input(3)]
                    return [nil, nil, nil, nil, try n.add("StridedSlice", parts, masks(of: node))]
                }),
            GradientRule("Tile", one: { n, node, g throws(OpError) in try tiling(n, node, g) }),
            GradientRule(
                "BroadcastTo",
                one: { n, node, g throws(OpError) in
                    [try n.broadcastGradients(node.input(0), node.output(), g, nil).first ?? nil]
                }),
            GradientRule(
                "Fill",
                one: { n, _, g throws(OpError) in
                    [nil, try n.reduceSum(g, n.add("Range", [n.integer(0), n.rank(g), n.integer(1)]))]
                }),
        ]
        + GradientRule.same("Pad", "PadV2") { n, node, g throws(OpError) in
            let (x, paddings) = (try node.input(0), try node.input(1))
            // Offset: the first column of the paddings.
            let rows = try n.pack([n.rank(x), n.integer(1)])
            let before = try n.reshape(n.slice(paddings, n.vector([0, 0]), rows), n.vector([-1]))
            let sizes = try n.cast(n.shapeVector(x), to: n.type(of: before))
            return [try n.slice(g, before, sizes), nil] + (node.op == "Pad" ? [] : [nil])
        }
        + [
            GradientRule(
                "MirrorPad",
                one: { n, node, g throws(OpError) in
                    [try n.add("MirrorPadGrad", [g, node.input(1)], node.attributes("mode")), nil]
                }),
            GradientRule(
                "MirrorPadGrad",
                one: { n, node, g throws(OpError) in
                    [try n.add("MirrorPad", [g, node.input(1)], node.attributes("mode")), nil]
                }),
        ]

    /// The gradients of all outputs; zeros where nothing depends on one.
    static func allGradients(
        _ n: GradientNodes, _ node: ForwardNode, _ gradients: [Endpoint?]
    ) throws(OpError) -> [Endpoint] {
        var result: [Endpoint] = []
        for (index, gradient) in gradients.enumerated() {
            if let gradient { result.append(gradient) } else { result.append(try n.zerosLike(node.output(index))) }
        }
        return result
    }

    private static func masks(of node: ForwardNode) throws(OpError) -> [String: AttributeValue] {
        try node.attributes("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    }

    private static func concatenation(
        _ n: GradientNodes, _ g: Endpoint, _ inputs: [Endpoint], axis: Endpoint
    ) throws(OpError) -> [Endpoint?] {
        guard inputs.count > 1 else { return [g] }
        var shapes: [Endpoint] = []
        for input in inputs { shapes.append(try n.shapeVector(input)) }
        // An axis counted from the end.
        let place = try n.add("FloorMod", [n.cast(axis, to: .int32), n.rank(inputs[0])])
        let offsets = try n.add(
            "ConcatOffset", [place] + shapes, ["N": .int(Int64(inputs.count)), "shape_type": .type(.int32)],
            gives: Array(repeating: TensorFact(.int32, .unknown), count: inputs.count))
        var result: [Endpoint?] = []
        for (index, shape) in shapes.enumerated() { result.append(try n.slice(g, offsets.output(index), shape)) }
        return result
    }

    /// The sum over the repetitions: the gradient as [multiple, size] for each axis, summed over the multiples.
    private static func tiling(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?] {
        let (x, multiples) = (try node.input(0), try n.cast(node.input(1), to: .int32))
        let shape = try n.shapeVector(x)
        let pairs = try n.reshape(
            n.add("Transpose", [n.pack([multiples, shape]), n.vector([1, 0])]), n.vector([-1]))
        let axes = try n.add("Range", [n.integer(0), n.size(pairs), n.integer(2)])
        return [try n.reshape(n.reduceSum(n.reshape(g, pairs), axes), shape)]
    }
}
