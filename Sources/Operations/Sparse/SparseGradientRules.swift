internal import Graphs
internal import Tensors

// The formulas are those of sparse_grad.py and math_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of ops of sparse tensors.
    static let sparseGradientRules: [GradientRule] =
        GradientRule.same("SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN") { n, node, g throws(OpError) in
            try segments(n, node, g)
        }
        + [
            GradientRule(
                "SparseTensorDenseAdd",
                one: { n, node, g throws(OpError) in
                    [nil, try n.add("GatherNd", [g, node.input(0)]), nil, g]
                }),
            GradientRule(
                "SparseToDense",
                one: { n, node, g throws(OpError) in
                    // One value for all places, or one for each; a place outside the sparse ones keeps the default.
                    let indices = try node.input(0)
                    guard let valueRank = try n.shape(of: node.input(2)).dimensions?.count else {
                        throw OpError(
                            .unsupported,
                            "node \"\(node.name)\": the gradient of SparseToDense needs the rank of its values")
                    }
                    let at = try n.add("GatherNd", [g, indices])
                    let all = try n.add("Range", [n.integer(0), n.rank(at), n.integer(1)])
                    let values = valueRank == 0 ? try n.reduceSum(at, all) : at
                    let everything = try n.reduceSum(g, n.add("Range", [n.integer(0), n.rank(g), n.integer(1)]))
                    return [nil, nil, values, try n.sub(everything, n.reduceSum(at, all))]
                }),
            GradientRule(
                "SparseTensorDenseMatMul", one: { n, node, g throws(OpError) in try sparseProduct(n, node, g) }),
        ]

    private static func sparseProduct(
        _ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint
    ) throws(OpError) -> [Endpoint?] {
        let (indices, values, shape, b) = (
            try node.input(0), try node.input(1), try node.input(2), try node.input(3)
        )
        let (isA, isB) = (
            try node.reader.bool("adjoint_a", default: false), try node.reader.bool("adjoint_b", default: false)
        )
        var gb = try n.add(
            "SparseTensorDenseMatMul", [indices, n.conjugate(values), shape, g],
            [
                "T": .type(n.type(of: g)), "Tindices": .type(n.type(of: indices)), "adjoint_a": .bool(!isA),
                "adjoint_b": .bool(false),
            ], gives: [TensorFact(n.type(of: g), .unknown)])
        if isB { gb = try n.conjugate(n.add("Transpose", [gb, n.vector([1, 0])])) }
        func column(_ number: Int) throws(OpError) -> Endpoint {
            try n.reshape(
                n.slice(
                    indices, n.cast(n.vector([0, number]), to: n.type(of: indices)),
                    n.cast(n.vector([-1, 1]), to: n.type(of: indices))),
                n.vector([-1]))
        }
        let rows = try n.add("GatherV2", [g, column(isA ? 1 : 0), n.integer(0)])
        let dense = isB ? try n.conjugate(n.add("Transpose", [b, n.vector([1, 0])])) : b
        let others = try n.add("GatherV2", [dense, column(isA ? 0 : 1), n.integer(0)])
        return [nil, try n.reduceSum(n.mul(rows, n.conjugate(others)), n.integer(1)), nil, gb]
    }

    /// Rows of the data that each segment sums, averages, or divides by the root of their number.
    private static func segments(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?]
    {
        let (data, indices, ids) = (try node.input(0), try node.input(1), try node.input(2))
        var scaled = g
        if node.op != "SparseSegmentSum" {
            let ones = try n.add("Fill", [n.shapeVector(ids), n.scalar(1, like: g)])
            let count = try n.reshape(n.slice(n.shapeVector(g), n.vector([0]), n.vector([1])), n.vector([]))
            var divisor = try n.add("UnsortedSegmentSum", [ones, ids, count])
            divisor = try n.add("Maximum", [divisor, n.scalar(1, like: divisor)])
            if node.op == "SparseSegmentSqrtN" { divisor = try n.unary("Sqrt", divisor) }
            let shape = try n.concat(
                [
                    n.shapeVector(divisor),
                    n.add("Fill", [n.reshape(n.sub(n.rank(g), n.integer(1)), n.vector([1])), n.integer(1)]),
                ], axis: 0)
            scaled = try n.div(g, n.reshape(divisor, shape))
        }
        let values = try n.add("GatherV2", [scaled, ids, n.integer(0)])
        let shape = try n.shapeVector(data)
        let rows = try n.reshape(n.slice(shape, n.vector([0]), n.vector([1])), n.vector([]))
        let dense = try n.reshape(n.add("UnsortedSegmentSum", [values, indices, rows]), shape)
        n.note(GradientSlices(values: values, indices: indices, shape: shape), of: dense)
        return [dense]
    }
}
