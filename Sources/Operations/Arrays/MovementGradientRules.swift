internal import Graphs
internal import Tensors

// The formulas are those of array_grad.py and data_flow_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of ops that move elements: gather, scatter, transpose, reverse.
    static let movementGradientRules: [GradientRule] =
        GradientRule.same("Gather", "ResourceGather") { n, node, g throws(OpError) in
            [try rows(n, node.input(0), node.input(1), g)]
        }
        + GradientRule.same("SpaceToBatchND", "BatchToSpaceND") { n, node, g throws(OpError) in
            let op = node.op == "SpaceToBatchND" ? "BatchToSpaceND" : "SpaceToBatchND"
            return [try n.add(op, [g, node.input(1), node.input(2)])]
        }
        + GradientRule.same("SpaceToDepth", "DepthToSpace") { n, node, g throws(OpError) in
            let op = node.op == "SpaceToDepth" ? "DepthToSpace" : "SpaceToDepth"
            return [try n.add(op, [g], node.attributes("block_size", "data_format"))]
        }
        + [
            GradientRule("GatherV2", one: { n, node, g throws(OpError) in try gather(n, node, g) }),
            GradientRule(
                "GatherNd",
                one: { n, node, g throws(OpError) in
                    let index = try n.type(of: node.input(1))
                    let shape = try n.cast(n.shapeVector(node.input(0)), to: index)
                    return [try n.add("ScatterNd", [node.input(1), g, shape])]
                }),
            GradientRule(
                "ScatterNd",
                one: { n, node, g throws(OpError) in
                    [nil, try n.add("GatherNd", [g, node.input(0)])]
                }),
            GradientRule(
                "Transpose",
                one: { n, node, g throws(OpError) in
                    [try n.add("Transpose", [g, n.unary("InvertPermutation", node.input(1))])]
                }),
            GradientRule(
                "ReverseV2",
                one: { n, node, g throws(OpError) in
                    [try n.add("ReverseV2", [g, node.input(1)])]
                }),
            GradientRule(
                "ReverseSequence",
                one: { n, node, g throws(OpError) in
                    [try n.add("ReverseSequence", [g, node.input(1)], node.attributes("seq_dim", "batch_dim"))]
                }),
            GradientRule(
                "Roll",
                one: { n, node, g throws(OpError) in
                    [try n.add("Roll", [g, n.neg(node.input(1)), node.input(2)])]
                }),
            GradientRule(
                "DynamicStitch",
                one: { n, node, g throws(OpError) in
                    let count = node.inputs.count / 2
                    var result = [Endpoint?](repeating: nil, count: count)
                    for index in node.inputs.prefix(count) {
                        result.append(try n.add("GatherV2", [g, index, n.integer(0)]))
                    }
                    return result
                }),
            GradientRule("DynamicPartition") { n, node, gradients throws(OpError) in
                try partition(n, node, gradients)
            },
        ]

    /// The gradient of rows that were gathered: TensorFlow's IndexedSlices, and their sum in the shape of the whole.
    private static func rows(
        _ n: GradientNodes, _ table: Endpoint, _ indices: Endpoint, _ g: Endpoint
    ) throws(OpError) -> Endpoint {
        let shape = try n.shapeVector(table)
        let flat = try n.reshape(indices, n.vector([-1]))
        let inner = try n.add(
            "StridedSlice", [shape, n.vector([1]), n.vector([0]), n.vector([1])],
            [
                "begin_mask": .int(0), "end_mask": .int(1), "ellipsis_mask": .int(0), "new_axis_mask": .int(0),
                "shrink_axis_mask": .int(0),
            ])
        let values = try n.reshape(g, n.concat([n.reshape(n.size(indices), n.vector([1])), inner], axis: 0))
        let count = try n.reshape(n.slice(shape, n.vector([0]), n.vector([1])), n.vector([]))
        // Without rows, the shape of the sum is not known from the values.
        let dense = try n.reshape(n.add("UnsortedSegmentSum", [values, flat, count]), shape)
        n.note(GradientSlices(values: values, indices: flat, shape: shape), of: dense)
        return dense
    }

    private static func gather(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?] {
        let (table, indices, axisInput) = (try node.input(0), try node.input(1), try node.input(2))
        guard try node.reader.int("batch_dims", default: 0) == 0 else {
            throw OpError(
                .unsupported, "node \"\(node.name)\": the gradient of GatherV2 with batch_dims is not supported")
        }
        guard let axis = try n.knowledge(of: axisInput).integers?.first else {
            throw OpError(.unsupported, "node \"\(node.name)\": the gradient of GatherV2 needs a constant axis")
        }
        if axis == 0 { return [try rows(n, table, indices, g)] }
        // The axis goes to the front, rows are summed, and it goes back.
        guard let rank = try n.shape(of: table).dimensions?.count,
            let indexRank = try n.shape(of: indices).dimensions?.count
        else {
            throw OpError(
                .unsupported, "node \"\(node.name)\": the gradient of GatherV2 along axis \(axis) needs known ranks")
        }
        let place = axis < 0 ? axis + rank : axis
        let outputRank = rank - 1 + indexRank
        guard (0..<rank).contains(place) else {
            throw OpError(.malformed, "node \"\(node.name)\": axis \(axis) of rank \(rank)")
        }
        let middle = Array(place..<place + indexRank)
        let others = (0..<outputRank).filter { !middle.contains($0) }
        let front = try n.add("Transpose", [g, n.vector(middle + others)])
        let forward = [place] + (0..<rank).filter { $0 != place }
        let moved = try n.add("Transpose", [table, n.vector(forward)])
        let sums = try rows(n, moved, indices, front)
        let back = (0..<rank).map { axis in forward.firstIndex(of: axis) ?? axis }
        return [try n.add("Transpose", [sums, n.vector(back)])]
    }

    private static func partition(
        _ n: GradientNodes, _ node: ForwardNode, _ gradients: [Endpoint?]
    ) throws(OpError) -> [Endpoint?] {
        let (data, partitions) = (try node.input(0), try node.input(1))
        let parts = try allGradients(n, node, gradients)
        let shape = try n.shapeVector(partitions)
        let count = try n.add("Prod", [shape, n.vector([0])], ["keep_dims": .bool(false)])
        let numbers = try n.reshape(n.add("Range", [n.integer(0), count, n.integer(1)]), shape)
        let places = try n.add(
            "DynamicPartition", [numbers, partitions],
            ["num_partitions": .int(Int64(parts.count)), "T": .type(.int32)],
            gives: Array(repeating: TensorFact(.int32, .unknown), count: parts.count))
        let stitched = try n.add(
            "DynamicStitch", parts.indices.map { places.output($0) } + parts,
            ["N": .int(Int64(parts.count)), "T": .type(n.type(of: parts[0]))])
        return [try n.reshape(stitched, like: data)]
    }
}
