internal import Graphs
internal import Tensors

// The formulas are those of math_grad.py, array_grad.py and linalg_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of products of matrices, of diagonals and of decompositions.
    static let linearAlgebraGradientRules: [GradientRule] =
        GradientRule.same("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3") { n, node, g throws(OpError) in
            try batchProduct(n, node, g)
        }
        + GradientRule.same("MatrixDiag", "Diag") { n, node, g throws(OpError) in [try n.add(node.op + "Part", [g])] }
        + [
            GradientRule("MatMul", one: { n, node, g throws(OpError) in try product(n, node, g) }),
            GradientRule("DiagPart", one: { n, _, g throws(OpError) in [try n.add("Diag", [g])] }),
            GradientRule(
                "MatrixDiagPart",
                one: { n, node, g throws(OpError) in
                    [try n.add("MatrixSetDiag", [n.zerosLike(node.input(0)), g])]
                }),
            GradientRule(
                "MatrixBandPart",
                one: { n, node, g throws(OpError) in
                    [try n.add("MatrixBandPart", [g, node.input(1), node.input(2)])]
                }),
            GradientRule(
                "MatrixInverse",
                one: { n, node, g throws(OpError) in
                    let isAdjoint = try node.reader.bool("adjoint", default: false)
                    let inverse = node.output()
                    let inner = try n.batchMatmul(g, inverse, false, !isAdjoint)
                    guard !isAdjoint else { return [try n.neg(n.batchMatmul(inverse, inner, false, true))] }
                    return [try n.neg(n.batchMatmul(inverse, inner, true, false))]
                }),
            GradientRule(
                "MatrixSolve",
                one: { n, node, g throws(OpError) in
                    let (a, isAdjoint) = (try node.input(0), try node.reader.bool("adjoint", default: false))
                    let gb = try n.add("MatrixSolve", [a, g], ["adjoint": .bool(!isAdjoint)])
                    let x = node.output()
                    let ga = isAdjoint ? try n.batchMatmul(x, gb, false, true) : try n.batchMatmul(gb, x, false, true)
                    return [try n.neg(ga), gb]
                }),
            GradientRule("Qr") { n, node, gradients throws(OpError) in try decomposition(n, node, gradients) },
        ]

    private static func product(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?] {
        let (isA, isB) = (
            try node.reader.bool("transpose_a", default: false), try node.reader.bool("transpose_b", default: false)
        )
        let (a, b) = (try n.conjugate(node.input(0)), try n.conjugate(node.input(1)))
        return switch (isA, isB) {
        case (false, false): [try n.matmul(g, b, false, true), try n.matmul(a, g, true, false)]
        case (false, true): [try n.matmul(g, b, false, false), try n.matmul(g, a, true, false)]
        case (true, false): [try n.matmul(b, g, false, true), try n.matmul(a, g, false, false)]
        case (true, true): [try n.matmul(b, g, true, true), try n.matmul(g, a, true, true)]
        }
    }

    private static func batchProduct(
        _ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint
    ) throws(OpError) -> [Endpoint?] {
        let (isX, isY) = (
            try node.reader.bool("adj_x", default: false), try node.reader.bool("adj_y", default: false)
        )
        let (x, y) = (try node.input(0), try node.input(1))
        let gx: Endpoint
        let gy: Endpoint
        switch (isX, isY) {
        case (false, false): (gx, gy) = (try n.batchMatmul(g, y, false, true), try n.batchMatmul(x, g, true, false))
        case (false, true): (gx, gy) = (try n.batchMatmul(g, y, false, false), try n.batchMatmul(g, x, true, false))
        case (true, false): (gx, gy) = (try n.batchMatmul(y, g, false, true), try n.batchMatmul(x, g, false, false))
        case (true, true): (gx, gy) = (try n.batchMatmul(y, g, true, true), try n.batchMatmul(g, x, true, true))
        }
        // Batch axes may have been repeated; the matrices' axes are not.
        if node.op == "BatchMatMul" { return [gx, gy] }
        let (sx, sy) = (try n.shapeVector(x), try n.shapeVector(y))
        func batch(_ shape: Endpoint) throws(OpError) -> Endpoint {
            try n.add(
                "StridedSlice", [shape, n.vector([0]), n.vector([-2]), n.vector([1])],
                [
                    "begin_mask": .int(1), "end_mask": .int(0), "ellipsis_mask": .int(0), "new_axis_mask": .int(0),
                    "shrink_axis_mask": .int(0),
                ])
        }
        let axes = try n.add("BroadcastGradientArgs", [batch(sx), batch(sy)])
        return [
            try n.reshape(n.reduceSum(gx, axes), sx), try n.reshape(n.reduceSum(gy, axes.output(1)), sy),
        ]
    }

    /// Of matrices that are at least as high as wide, without full matrices (Walter and others, Algorithmic Differentiation of Linear
    /// Algebra Functions).
    private static func decomposition(
        _ n: GradientNodes, _ node: ForwardNode, _ gradients: [Endpoint?]
    ) throws(OpError) -> [Endpoint?] {
        let all = try allGradients(n, node, gradients)
        let (q, r) = (node.output(0), node.output(1))
        let (gq, gr) = (all[0], all[1])
        let dimensions = try n.shape(of: node.input(0)).dimensions ?? []
        let isFull = try node.reader.bool("full_matrices", default: false)
        let last = Array(dimensions.suffix(2))
        guard last.count == 2, last.allSatisfy({ $0 >= 0 }), last[0] >= last[1], last[0] == last[1] || !isFull
        else {
            throw OpError(
                .unsupported,
                "node \"\(node.name)\": the gradient of Qr needs a known shape, at least as high as wide, without full_matrices"
            )
        }
        func lower(_ x: Endpoint) throws(OpError) -> Endpoint {
            let band = try n.add("MatrixBandPart", [x, n.integer(-1), n.integer(0)])
            let last = try n.add("MatrixDiagPart", [band])
            return try n.add("MatrixSetDiag", [band, n.zerosLike(last)])
        }
        func solved(_ x: Endpoint) throws(OpError) -> Endpoint {
            // x r⁻ᴴ
            let rank = dimensions.count
            let order = try n.vector(Array(0..<rank - 2) + [rank - 1, rank - 2])
            let turned = try n.conjugate(n.add("Transpose", [x, order]))
            let solution = try n.add(
                "MatrixTriangularSolve", [r, turned], ["lower": .bool(false), "adjoint": .bool(false)])
            return try n.conjugate(n.add("Transpose", [solution, order]))
        }
        let qdq = try n.batchMatmul(q, gq, true, false)
        let rank = dimensions.count
        let order = try n.vector(Array(0..<rank - 2) + [rank - 1, rank - 2])
        let qdqT = try n.sub(qdq, n.conjugate(n.add("Transpose", [qdq, order])))
        let rdr = try n.batchMatmul(r, gr, false, true)
        let rdrT = try n.sub(rdr, n.conjugate(n.add("Transpose", [rdr, order])))
        let triangle = try lower(n.sum(qdqT, rdrT))
        let first = try n.batchMatmul(q, n.sum(gr, solved(triangle)), false, false)
        let second = try solved(n.sub(gq, n.batchMatmul(q, qdq, false, false)))
        return [try n.sum(first, second)]
    }
}
