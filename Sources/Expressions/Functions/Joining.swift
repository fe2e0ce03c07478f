internal import Graphs
internal import Tensors

extension FunctionTable {
    static let joining: [ExpressionFunction] = [
        ExpressionFunction(
            "concat", "values, axis",
            one: { call throws(ExpressionError) in
                let values = try call.tensors("values")
                let axis = try call.indices("axis")
                return try call.one(
                    "ConcatV2", values + [axis], ["N": .int(Int64(values.count)), "Tidx": .type(axis.dtype)])
            }),
        ExpressionFunction(
            "stack", "values, axis=0",
            one: { call throws(ExpressionError) in
                try call.builder.pack(try call.tensors("values"), axis: try call.int("axis"))
            }),
        ExpressionFunction("unstack", "value, num=None, axis=0") { call throws(ExpressionError) in
            let (value, axis) = (try call.tensor("value"), try call.int("axis"))
            let dimensions = value.shape.dimensions ?? []
            let place = axis < 0 ? axis + dimensions.count : axis
            let known = dimensions.indices.contains(place) && dimensions[place] >= 0 ? dimensions[place] : nil
            guard let count = try call.optionalInt("num") ?? known else {
                throw call.error("the size of axis \(axis) is not known; pass num")
            }
            guard (0...1024).contains(count) else { throw call.error("\(count) results are too many") }
            let results = try call.builder.add(
                "Unpack", [value], ["num": .int(Int64(count)), "axis": .int(Int64(axis))])
            return .list(results.map { .tensor($0) })
        },
        ExpressionFunction("split", "value, num_or_size_splits, axis=0") { call throws(ExpressionError) in
            let (value, axis) = (try call.tensor("value"), try call.tensor("axis", .int32))
            if case .literal(.int) = call["num_or_size_splits"] {
                let count = try call.int("num_or_size_splits")
                guard (1...1024).contains(count) else { throw call.error("\(count) results, expected 1 to 1024") }
                let results = try call.builder.add(
                    "Split", [axis, value], ["num_split": .int(Int64(count)), "T": .type(value.dtype)])
                return .list(results.map { .tensor($0) })
            }
            let sizes = try call.indices("num_or_size_splits")
            guard let count = sizes.shape.known?.dimensions.first, count <= 1024 else {
                throw call.error("the number of sizes is not known, or more than 1024")
            }
            let results = try call.builder.add(
                "SplitV", [value, sizes, axis], ["num_split": .int(Int64(count)), "Tlen": .type(sizes.dtype)])
            return .list(results.map { .tensor($0) })
        },
        ExpressionFunction(
            "repeat", "input, repeats, axis",
            one: { call throws(ExpressionError) in
                // A number of times only: each element is tiled along a new axis, which is joined with its own.
                let (x, repeats, axis) = (try call.tensor("input"), try call.int("repeats"), try call.int("axis"))
                guard let rank = x.rank, rank > 0 else { throw call.error("the rank is not known, or 0") }
                let place = axis < 0 ? axis + rank : axis
                guard (0..<rank).contains(place) else {
                    throw call.error("axis \(axis) is not in a tensor of rank \(rank)")
                }
                guard let shape = x.shape.dimensions, shape.filter({ $0 < 0 }).count <= 1 else {
                    throw call.error("more than one dimension is not known")
                }
                let (size, overflow) = shape[place].multipliedReportingOverflow(by: repeats)
                guard repeats >= 0, !overflow else { throw call.error("\(repeats) repeats") }
                var multiples = Array(repeating: 1, count: rank + 1)
                multiples[place + 1] = repeats
                var result = shape
                result[place] = shape[place] < 0 ? -1 : size
                let apart = try call.one(
                    "ExpandDims", [x, try call.builder.scalar(place + 1)], ["Tdim": .type(.int32)])
                let tiled = try call.one(
                    "Tile", [apart, try call.builder.integers(multiples)], ["Tmultiples": .type(.int32)])
                return try call.one("Reshape", [tiled, try call.builder.integers(result)], ["Tshape": .type(.int32)])
            }),
    ]

    static let gathering: [ExpressionFunction] = [
        ExpressionFunction(
            "gather", "params, indices, validate_indices=None, axis=None, batch_dims=0",
            one: { call throws(ExpressionError) in
                let (params, indices) = (try call.tensor("params"), try call.indices("indices"))
                let batch = try call.int("batch_dims")
                let axis = call.isNone("axis") ? try call.builder.scalar(batch) : try call.indices("axis")
                return try call.one(
                    "GatherV2", [params, indices, axis],
                    [
                        "Tparams": .type(params.dtype), "Tindices": .type(indices.dtype), "Taxis": .type(axis.dtype),
                        "batch_dims": .int(Int64(batch)),
                    ])
            }),
        ExpressionFunction(
            "gather_nd", "params, indices",
            one: { call throws(ExpressionError) in
                let (params, indices) = (try call.tensor("params"), try call.indices("indices"))
                return try call.one(
                    "GatherNd", [params, indices], ["Tparams": .type(params.dtype), "Tindices": .type(indices.dtype)])
            }),
        ExpressionFunction(
            "nn.embedding_lookup", "params, ids",
            one: { call throws(ExpressionError) in
                let (params, indices) = (try call.tensor("params"), try call.indices("ids"))
                return try call.one(
                    "GatherV2", [params, indices, try call.builder.scalar(0)],
                    ["Tparams": .type(params.dtype), "Tindices": .type(indices.dtype), "Taxis": .type(.int32)])
            }),
        ExpressionFunction(
            "boolean_mask", "tensor, mask",
            one: { call throws(ExpressionError) in
                let (x, mask) = (try call.tensor("tensor"), try call.tensor("mask", .bool))
                guard mask.rank == 1 else {
                    throw call.error("masks of rank 1 are supported, found shape \(mask.shape)")
                }
                let places = try call.one("Where", [mask], ["T": .type(.bool)])
                var axes = AttributeValue.List()
                axes.ints = [1]
                let indices = try call.one("Squeeze", [places], ["squeeze_dims": .list(axes)])
                return try call.one(
                    "GatherV2", [x, indices, try call.builder.scalar(0)],
                    ["Tparams": .type(x.dtype), "Tindices": .type(.int64), "Taxis": .type(.int32)])
            }),
        ExpressionFunction(
            "scatter_nd", "indices, updates, shape",
            one: { call throws(ExpressionError) in
                let indices = try call.indices("indices")
                let updates = try call.tensor("updates")
                return try call.one(
                    "ScatterNd", [indices, updates, try call.tensor("shape", indices.dtype)],
                    ["T": .type(updates.dtype), "Tindices": .type(indices.dtype)])
            }),
    ]

    static let sorting: [ExpressionFunction] = [
        ExpressionFunction("math.top_k nn.top_k", "input, k=1, sorted=True") { call throws(ExpressionError) in
            let results = try call.builder.add(
                "TopKV2", [try call.tensor("input"), try call.tensor("k", .int32)],
                ["sorted": .bool(try call.bool("sorted"))])
            return .results(Array(zip(["values", "indices"], results)))
        },
        ExpressionFunction(
            "sort", "values, axis=-1, direction='ASCENDING'",
            one: { call throws(ExpressionError) in
                try call.sorted().values
            }),
        ExpressionFunction(
            "argsort", "values, axis=-1, direction='ASCENDING'",
            one: { call throws(ExpressionError) in
                try call.sorted().indices
            }),
        ExpressionFunction("unique", "x, out_idx=int32") { call throws(ExpressionError) in
            let results = try call.builder.add(
                "Unique", [try call.tensor("x")], ["out_idx": .type(try call.dtype("out_idx"))])
            return .results(Array(zip(["y", "idx"], results)))
        },
        ExpressionFunction("unique_with_counts", "x, out_idx=int32") { call throws(ExpressionError) in
            let results = try call.builder.add(
                "UniqueWithCounts", [try call.tensor("x")], ["out_idx": .type(try call.dtype("out_idx"))])
            return .results(Array(zip(["y", "idx", "count"], results)))
        },
        ExpressionFunction(
            "math.invert_permutation", "x",
            one: { call throws(ExpressionError) in
                try call.one("InvertPermutation", [try call.indices("x")])
            }),
        ExpressionFunction(
            "searchsorted", "sorted_sequence, values, side='left', out_type=int32",
            one: { call throws(ExpressionError) in
                let side = try call.choice("side", of: ["left", "right"])
                let (sequence, values) = try call.pair("sorted_sequence", "values")
                guard sequence.rank == 2, values.rank == 2 else {
                    throw call.error("both take matrices here; use expand_dims")
                }
                return try call.one(
                    side == "left" ? "LowerBound" : "UpperBound", [sequence, values],
                    ["out_type": .type(try call.dtype("out_type"))])
            }),
    ]
}

extension Call {
    /// The elements along an axis in order, and their places before: `TopKV2` of all elements, as TensorFlow does it.
    fileprivate func sorted() throws(ExpressionError) -> (values: Operand, indices: Operand) {
        let values = try tensor("values")
        guard let rank = values.rank, rank > 0 else { throw error("the rank is not known, or 0") }
        let axis = try int("axis")
        let place = axis < 0 ? axis + rank : axis
        guard (0..<rank).contains(place) else { throw error("axis \(axis) is not in a tensor of rank \(rank)") }
        let isUp = try choice("direction", of: ["ASCENDING", "DESCENDING"]) == "ASCENDING"
        guard !isUp || values.dtype.isFloating || [.int8, .int16, .int32, .int64].contains(values.dtype) else {
            throw error("an ascending order of \(values.dtype) is not supported")
        }
        var order = Array(0..<rank)
        order.swapAt(place, rank - 1)
        func moved(_ operand: Operand) throws(ExpressionError) -> Operand {
            guard place < rank - 1 else { return operand }
            return try one("Transpose", [operand, try builder.integers(order)], ["Tperm": .type(.int32)])
        }
        let last = try moved(values)
        let size = last.shape.dimensions?.last ?? -1
        let count =
            size >= 0
            ? try builder.scalar(size)
            : try builder.tensor(try builder.index(.tensor(try builder.shape(of: last)), [.at(.literal(.int(-1)))]))
        let isWhole = values.dtype.isInteger
        // The complement of an integer keeps the smallest one in its place, which negation does not.
        let flip = isWhole ? "Invert" : "Neg"
        let results = try builder.add(
            "TopKV2", [isUp ? try one(flip, [last]) : last, count], ["sorted": .bool(true)])
        guard results.count == 2 else { throw error("TopKV2 has two results") }
        return (try moved(isUp ? try one(flip, [results[0]]) : results[0]), try moved(results[1]))
    }
}
