internal import Graphs
internal import Tensors

extension ExpressionFunction {
    /// A reduction.
    static func reduction(_ names: String, _ op: String) -> ExpressionFunction {
        ExpressionFunction(
            names, "input_tensor, axis=None, keepdims=False",
            one: { call throws(ExpressionError) in
                try call.reduce(op, try call.tensor("input_tensor"))
            })
    }

    /// The place of the largest or smallest element.
    static func place(_ names: String, _ op: String) -> ExpressionFunction {
        ExpressionFunction(
            names, "input, axis=None, output_type=int64",
            one: { call throws(ExpressionError) in
                let axis = call.isNone("axis") ? try call.builder.scalar(0) : try call.indices("axis")
                return try call.one(
                    op, [try call.tensor("input"), axis],
                    ["output_type": .type(try call.dtype("output_type")), "Tidx": .type(axis.dtype)])
            })
    }

    /// A cumulative op.
    static func cumulation(_ names: String, _ op: String) -> ExpressionFunction {
        ExpressionFunction(
            names, "x, axis=0, exclusive=False, reverse=False",
            one: { call throws(ExpressionError) in
                let axis = try call.indices("axis")
                return try call.one(
                    op, [try call.tensor("x"), axis],
                    [
                        "exclusive": .bool(try call.bool("exclusive")), "reverse": .bool(try call.bool("reverse")),
                        "Tidx": .type(axis.dtype),
                    ])
            })
    }

    /// A reduction over segments.
    static func segments(_ names: String, _ op: String) -> ExpressionFunction {
        ExpressionFunction(
            names, "data, segment_ids",
            one: { call throws(ExpressionError) in
                let ids = try call.indices("segment_ids")
                return try call.one(op, [try call.tensor("data"), ids], ["Tindices": .type(ids.dtype)])
            })
    }

    /// A reduction over segments in any order.
    static func unsortedSegments(_ names: String, _ op: String) -> ExpressionFunction {
        ExpressionFunction(
            names, "data, segment_ids, num_segments",
            one: { call throws(ExpressionError) in
                let (ids, count) = (try call.indices("segment_ids"), try call.indices("num_segments"))
                return try call.one(
                    op, [try call.tensor("data"), ids, count],
                    ["Tindices": .type(ids.dtype), "Tnumsegments": .type(count.dtype)])
            })
    }
}

extension Call {
    /// A reduction by the arguments `axis` and `keepdims`.
    func reduce(_ op: String, _ operand: Operand, keepdims: Bool? = nil) throws(ExpressionError) -> Operand {
        let axes = try axes(of: operand)
        let keeps = if let keepdims { keepdims } else { try bool("keepdims") }
        return try one(
            op, [operand, axes], ["keep_dims": .bool(keeps), "Tidx": .type(axes.dtype)])
    }

    /// The mean of the squares of the differences from the mean.
    fileprivate func variance() throws(ExpressionError) -> Operand {
        let x = try tensor("input_tensor")
        guard !x.dtype.isInteger else { throw error("the tensor is \(x.dtype), expected floating point numbers") }
        let mean = try reduce("Mean", x, keepdims: true)
        return try reduce("Mean", try one("Square", [try one("Sub", [x, mean])]))
    }

    /// `log(sum(exp(x)))`, with the largest element taken out first.
    fileprivate func logSumExp() throws(ExpressionError) -> Operand {
        let x = try float("input_tensor")
        let raw = try reduce("Max", x, keepdims: true)
        let finite = try one("IsFinite", [raw])
        let largest = try one(
            "SelectV2", [finite, raw, try builder.scalar(0.0, x.dtype)], ["T": .type(x.dtype)])
        let sum = try one("Log", [try reduce("Sum", try one("Exp", [try one("Sub", [x, largest])]), keepdims: true)])
        let result = try one("AddV2", [sum, largest])
        guard try !bool("keepdims") else { return result }
        // Its axes have one element each, so that their sum is the element.
        return try reduce("Sum", result, keepdims: false)
    }
}

extension FunctionTable {
    static let reductions: [ExpressionFunction] = [
        .reduction("reduce_sum math.reduce_sum", "Sum"), .reduction("reduce_mean math.reduce_mean", "Mean"),
        .reduction("reduce_prod math.reduce_prod", "Prod"), .reduction("reduce_max math.reduce_max", "Max"),
        .reduction("reduce_min math.reduce_min", "Min"), .reduction("reduce_any math.reduce_any", "Any"),
        .reduction("reduce_all math.reduce_all", "All"),
        .reduction("math.reduce_euclidean_norm", "EuclideanNorm"),
        ExpressionFunction(
            "math.reduce_variance", "input_tensor, axis=None, keepdims=False",
            one: { call throws(ExpressionError) in
                try call.variance()
            }),
        ExpressionFunction(
            "math.reduce_std", "input_tensor, axis=None, keepdims=False",
            one: { call throws(ExpressionError) in
                try call.one("Sqrt", [try call.variance()])
            }),
        ExpressionFunction(
            "reduce_logsumexp math.reduce_logsumexp", "input_tensor, axis=None, keepdims=False",
            one: { call throws(ExpressionError) in
                try call.logSumExp()
            }),
        ExpressionFunction(
            "math.count_nonzero", "input, axis=None, keepdims=None, dtype=int64",
            one: { call throws(ExpressionError) in
                let x = try call.tensor("input")
                let isThere =
                    x.dtype == .bool
                    ? x
                    : try call.one(
                        "NotEqual",
                        [x, try call.builder.constant([x.dtype == .string ? .bytes([]) : .int(0)], x.dtype, shape: [])])
                return try call.builder.cast(
                    try call.reduce("Sum", try call.builder.cast(isThere, .int64)), try call.dtype("dtype"))
            }),
        .place("argmax math.argmax", "ArgMax"), .place("argmin math.argmin", "ArgMin"),
        .cumulation("cumsum math.cumsum", "Cumsum"), .cumulation("math.cumprod", "Cumprod"),
        .cumulation("math.cumulative_logsumexp", "CumulativeLogsumexp"),
        .segments("math.segment_sum", "SegmentSum"), .segments("math.segment_mean", "SegmentMean"),
        .segments("math.segment_max", "SegmentMax"), .segments("math.segment_min", "SegmentMin"),
        .segments("math.segment_prod", "SegmentProd"),
        .unsortedSegments("math.unsorted_segment_sum", "UnsortedSegmentSum"),
        .unsortedSegments("math.unsorted_segment_max", "UnsortedSegmentMax"),
        .unsortedSegments("math.unsorted_segment_min", "UnsortedSegmentMin"),
        .unsortedSegments("math.unsorted_segment_prod", "UnsortedSegmentProd"),
        ExpressionFunction("nn.moments", "x, axes, keepdims=False") { call throws(ExpressionError) in
            let (x, axes) = (try call.tensor("x"), try call.indices("axes"))
            let keeps: [String: AttributeValue] = ["keep_dims": .bool(true), "Tidx": .type(axes.dtype)]
            let drops: [String: AttributeValue] = [
                "keep_dims": .bool(try call.bool("keepdims")), "Tidx": .type(axes.dtype),
            ]
            let mean = try call.one("Mean", [x, axes], keeps)
            let squares = try call.one("SquaredDifference", [x, try call.one("StopGradient", [mean])])
            let variance = try call.one("Mean", [squares, axes], drops)
            return .results([("mean", try call.one("Mean", [x, axes], drops)), ("variance", variance)])
        },
    ]
}
