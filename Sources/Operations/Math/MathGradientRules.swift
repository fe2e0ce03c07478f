internal import Graphs
internal import Tensors

// The formulas are those of math_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of reductions, scans and segments.
    static let mathGradientRules: [GradientRule] =
        GradientRule.same("Max", "Min") { n, node, g throws(OpError) in
            let (x, axes) = (try node.input(0), try node.input(1))
            let kept = try keptShape(n, x, axes)
            let (y, gradient) = (try n.reshape(node.output(), kept), try n.reshape(g, kept))
            let mask = try n.cast(n.add("Equal", [y, x]), to: n.type(of: g))
            let count = try n.reshape(n.reduceSum(mask, axes), kept)
            return [try n.mul(n.div(mask, count), gradient)]
        }
        + GradientRule.same("SegmentSum") { n, node, g throws(OpError) in
            [try n.add("GatherV2", [g, node.input(1), n.integer(0)])]
        }
        + [
            GradientRule(
                "Sum",
                one: { n, node, g throws(OpError) in
                    [try spread(n, g, over: node.input(0), node.input(1))]
                }),
            GradientRule(
                "Mean",
                one: { n, node, g throws(OpError) in
                    let x = try node.input(0)
                    let ones = try spread(n, g, over: x, node.input(1))
                    let factor = try n.add(
                        "FloorDiv",
                        [
                            n.size(x), n.add("Maximum", [n.size(node.output()), n.integer(1)]),
                        ])
                    return [try n.div(ones, n.cast(factor, to: n.type(of: g)))]
                }),
            GradientRule("Prod", one: { n, node, g throws(OpError) in try product(n, node, g) }),
            GradientRule("L2Loss", one: { n, node, g throws(OpError) in [try n.mul(node.input(0), g)] }),
            GradientRule(
                "Cumsum",
                one: { n, node, g throws(OpError) in
                    let isReversed = try node.reader.bool("reverse", default: false)
                    return [
                        try n.add(
                            "Cumsum", [g, node.input(1)],
                            [
                                "exclusive": .bool(node.reader.bool("exclusive", default: false)),
                                "reverse": .bool(!isReversed),
                            ])
                    ]
                }),
            GradientRule(
                "Cumprod",
                one: { n, node, g throws(OpError) in
                    let isReversed = try node.reader.bool("reverse", default: false)
                    let isExclusive: AttributeValue = .bool(try node.reader.bool("exclusive", default: false))
                    let (x, axis) = (try node.input(0), try node.input(1))
                    let products = try n.add(
                        "Cumprod", [x, axis], ["exclusive": isExclusive, "reverse": .bool(isReversed)])
                    let sums = try n.add(
                        "Cumsum", [n.mul(products, g), axis], ["exclusive": isExclusive, "reverse": .bool(!isReversed)])
                    return [try n.add("DivNoNan", [sums, x])]
                }),
            GradientRule(
                "SegmentMean",
                one: { n, node, g throws(OpError) in
                    let ids = try node.input(1)
                    let ones = try n.add(
                        "Fill",
                        [
                            n.concat(
                                [
                                    n.reshape(n.size(ids), n.vector([1])),
                                    n.add(
                                        "Fill",
                                        [
                                            n.reshape(n.sub(n.rank(node.input(0)), n.integer(1)), n.vector([1])),
                                            n.integer(1),
                                        ]),
                                ], axis: 0), n.scalar(1, like: g),
                        ])
                    let counts = try n.add(
                        "SegmentSum", [ones, ids], ["T": .type(n.type(of: g)), "Tindices": .type(n.type(of: ids))],
                        gives: [TensorFact(n.type(of: g), .unknown)])
                    return [try n.add("GatherV2", [n.div(g, counts), ids, n.integer(0)])]
                }),
            GradientRule(
                "UnsortedSegmentSum",
                one: { n, node, g throws(OpError) in
                    try unsortedSegments(n, node, g)
                }),
            GradientRule("TopK", one: { n, node, g throws(OpError) in try top(n, node, g) }),
            GradientRule("TopKV2", one: { n, node, g throws(OpError) in try top(n, node, g) }),
        ]

    /// The shape of a reduction that keeps its axes: 1 along them.
    private static func keptShape(_ n: GradientNodes, _ x: Endpoint, _ axes: Endpoint) throws(OpError) -> Endpoint {
        let shape = try n.shapeVector(x)
        let rank = try n.rank(x)
        let places = try n.reshape(n.add("FloorMod", [n.sum(n.cast(axes, to: .int32), rank), rank]), n.vector([-1]))
        let ones = try n.add("Fill", [n.reshape(n.size(places), n.vector([1])), n.integer(1)])
        return try n.add(
            "DynamicStitch", [n.add("Range", [n.integer(0), rank, n.integer(1)]), places, shape, ones],
            ["N": .int(2), "T": .type(.int32)])
    }

    /// A reduction's gradient, repeated for all elements that were reduced.
    private static func spread(
        _ n: GradientNodes, _ g: Endpoint, over x: Endpoint, _ axes: Endpoint
    ) throws(OpError) -> Endpoint {
        try n.add("BroadcastTo", [n.reshape(g, keptShape(n, x, axes)), n.shapeVector(x)])
    }

    /// Of each element, the product of all others: of those before it, and of those behind it.
    private static func product(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?] {
        let x = try node.input(0)
        let shape = try n.shapeVector(x)
        let rank = try n.rank(x)
        let gradient = try spread(n, g, over: x, node.input(1))
        let all = try n.add("Range", [n.integer(0), rank, n.integer(1)])
        let reduced = try n.add(
            "FloorMod",
            [
                n.sum(n.reshape(n.cast(node.input(1), to: .int32), n.vector([-1])), rank), rank,
            ])
        let others = try n.add(
            "ListDiff", [all, reduced], ["T": .type(.int32), "out_idx": .type(.int32)],
            gives: [TensorFact(.int32, .unknown), TensorFact(.int32, .unknown)])
        let order = try n.concat([reduced, others], axis: 0)
        func count(_ axes: Endpoint) throws(OpError) -> Endpoint {
            try n.add(
                "Prod", [n.add("GatherV2", [shape, axes, n.integer(0)]), n.vector([0])], ["keep_dims": .bool(false)])
        }
        let moved = try n.add("Transpose", [x, order])
        let rows = try n.reshape(moved, n.pack([count(reduced), count(others)]))
        func scan(isReversed: Bool) throws(OpError) -> Endpoint {
            try n.add("Cumprod", [rows, n.integer(0)], ["exclusive": .bool(true), "reverse": .bool(isReversed)])
        }
        let products = try n.reshape(n.mul(scan(isReversed: false), scan(isReversed: true)), like: moved)
        let back = try n.add("Transpose", [products, n.unary("InvertPermutation", order)])
        return [try n.reshape(n.mul(gradient, back), shape)]
    }

    /// Rows whose number is negative were left out.
    private static func unsortedSegments(
        _ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint
    ) throws(OpError) -> [Endpoint?] {
        let ids = try node.input(1)
        let gathered = try n.add("GatherV2", [g, n.add("Maximum", [ids, n.zerosLike(ids)]), n.integer(0)])
        let isKept = try n.add("GreaterEqual", [ids, n.zerosLike(ids)])
        let rank = try n.sub(n.rank(gathered), n.rank(isKept))
        let ones = try n.add("Fill", [n.reshape(rank, n.vector([1])), n.integer(1)])
        let mask = try n.reshape(isKept, n.concat([n.shapeVector(isKept), ones], axis: 0))
        return [try n.select(mask, gathered, n.zerosLike(gathered))]
    }

    /// The values' gradient at the places that the indices name.
    private static func top(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?] {
        let x = try node.input(0)
        let shape = try n.shapeVector(x)
        let indices = node.output(1)
        func last(_ vector: Endpoint) throws(OpError) -> Endpoint {
            try n.add(
                "StridedSlice", [vector, n.vector([-1]), n.vector([0]), n.vector([1])],
                [
                    "begin_mask": .int(0), "end_mask": .int(1), "ellipsis_mask": .int(0), "new_axis_mask": .int(0),
                    "shrink_axis_mask": .int(0),
                ])
        }
        let width = try n.reshape(last(shape), n.vector([]))
        let count = try n.reshape(last(n.shapeVector(indices)), n.vector([]))
        let flat = try n.reshape(indices, n.pack([n.integer(-1), count]))
        let rows = try n.add("Range", [n.integer(0), n.size(x), width])
        let places = try n.reshape(n.sum(n.cast(flat, to: .int32), n.expandDims(rows, -1)), n.vector([-1, 1]))
        let values = try n.reshape(g, n.vector([-1]))
        let scattered = try n.add("ScatterNd", [places, values, n.reshape(n.size(x), n.vector([1]))])
        return [try n.reshape(scattered, shape), nil]
    }
}
