internal import Graphs
internal import Tensors

extension Call {
    /// A tensor filled with a number.
    fileprivate func filled(_ number: Int, _ dtype: DataType, _ shape: Operand) throws(ExpressionError) -> Operand {
        let literal: Literal =
            switch dtype {
            case .bool: .bool(number != 0)
            case .string: .bytes([])
            default: .int(Int64(number))
            }
        return try one(
            "Fill", [shape, try builder.constant([literal], dtype, shape: [])],
            ["T": .type(dtype), "index_type": .type(shape.dtype)])
    }

    /// `ones_like` and `zeros_like`.
    fileprivate func like(_ op: String, _ number: Int) throws(ExpressionError) -> Operand {
        let x = try tensor("input")
        guard let dtype = try optionalType("dtype"), dtype != x.dtype else { return try one(op, [x]) }
        return try filled(number, dtype, try builder.shape(of: x))
    }

    fileprivate func ranged() throws(ExpressionError) -> Operand {
        let values: [Value] =
            isNone("limit")
            ? [.literal(.int(0)), self["start"], self["delta"]] : [self["start"], self["limit"], self["delta"]]
        var dtype = try optionalType("dtype") ?? ExpressionBuilder.tensorType(of: .list(values))
        if dtype == nil {
            let literals = values.compactMap { if case .literal(let literal) = $0 { literal } else { nil } }
            dtype = Constants.ownType(of: literals)
        }
        var inputs: [Operand] = []
        for value in values { inputs.append(try builder.tensor(value, dtype)) }
        return try one("Range", inputs, ["Tidx": .type(inputs[0].dtype)])
    }
}

extension FunctionTable {
    static let shapes: [ExpressionFunction] = [
        ExpressionFunction(
            "shape", "input, out_type=int32",
            one: { call throws(ExpressionError) in
                try call.builder.shape(of: try call.tensor("input"), try call.dtype("out_type"))
            }),
        ExpressionFunction(
            "size", "input, out_type=int32",
            one: { call throws(ExpressionError) in
                try call.one("Size", [try call.tensor("input")], ["out_type": .type(try call.dtype("out_type"))])
            }),
        .unary("rank", "Rank", "input"),
        ExpressionFunction(
            "reshape", "tensor, shape",
            one: { call throws(ExpressionError) in
                let shape = try call.indices("shape")
                return try call.one("Reshape", [try call.tensor("tensor"), shape], ["Tshape": .type(shape.dtype)])
            }),
        ExpressionFunction(
            "ensure_shape", "x, shape",
            one: { call throws(ExpressionError) in
                guard case .list(let sizes) = call["shape"] else { throw call.error("the shape is no list") }
                var dimensions: [Int] = []
                for size in sizes {
                    switch size {
                    case .literal(.none): dimensions.append(-1)
                    case .literal(.int(let number)): dimensions.append(Int(clamping: number))
                    default: throw call.error("a dimension is \(size.kind), expected an integer or None")
                    }
                }
                return try call.one("EnsureShape", [try call.tensor("x")], ["shape": .shape(PartialShape(dimensions))])
            }),
        ExpressionFunction(
            "transpose", "a, perm=None",
            one: { call throws(ExpressionError) in
                let a = try call.tensor("a")
                if call.isNone("perm") {
                    guard let rank = a.rank else { throw call.error("the rank is not known; pass perm") }
                    return try call.one(
                        "Transpose", [a, try call.builder.integers((0..<rank).reversed())], ["Tperm": .type(.int32)])
                }
                let order = try call.indices("perm")
                return try call.one("Transpose", [a, order], ["Tperm": .type(order.dtype)])
            }),
        ExpressionFunction(
            "expand_dims", "input, axis",
            one: { call throws(ExpressionError) in
                let axis = try call.indices("axis")
                return try call.one("ExpandDims", [try call.tensor("input"), axis], ["Tdim": .type(axis.dtype)])
            }),
        ExpressionFunction(
            "squeeze", "input, axis=None",
            one: { call throws(ExpressionError) in
                var axes = AttributeValue.List()
                if !call.isNone("axis") { axes.ints = try call.ints("axis").map(Int64.init) }
                return try call.one("Squeeze", [try call.tensor("input")], ["squeeze_dims": .list(axes)])
            }),
        ExpressionFunction(
            "tile", "input, multiples",
            one: { call throws(ExpressionError) in
                let multiples = try call.indices("multiples")
                return try call.one(
                    "Tile", [try call.tensor("input"), multiples], ["Tmultiples": .type(multiples.dtype)])
            }),
        ExpressionFunction(
            "broadcast_to", "input, shape",
            one: { call throws(ExpressionError) in
                let shape = try call.indices("shape")
                return try call.one("BroadcastTo", [try call.tensor("input"), shape], ["Tidx": .type(shape.dtype)])
            }),
        ExpressionFunction(
            "fill", "dims, value",
            one: { call throws(ExpressionError) in
                let (dims, value) = (try call.indices("dims"), try call.tensor("value"))
                return try call.one("Fill", [dims, value], ["T": .type(value.dtype), "index_type": .type(dims.dtype)])
            }),
        ExpressionFunction(
            "zeros", "shape, dtype=float32",
            one: { call throws(ExpressionError) in
                try call.filled(0, try call.dtype("dtype"), try call.indices("shape"))
            }),
        ExpressionFunction(
            "ones", "shape, dtype=float32",
            one: { call throws(ExpressionError) in
                try call.filled(1, try call.dtype("dtype"), try call.indices("shape"))
            }),
        ExpressionFunction(
            "zeros_like", "input, dtype=None",
            one: { call throws(ExpressionError) in
                try call.like("ZerosLike", 0)
            }),
        ExpressionFunction(
            "ones_like", "input, dtype=None",
            one: { call throws(ExpressionError) in
                try call.like("OnesLike", 1)
            }),
        ExpressionFunction(
            "range", "start, limit=None, delta=1, dtype=None",
            one: { call throws(ExpressionError) in
                try call.ranged()
            }),
        ExpressionFunction(
            "linspace", "start, stop, num",
            one: { call throws(ExpressionError) in
                let (start, stop) = try call.pair("start", "stop")
                let dtype: DataType = start.dtype.isInteger ? .float64 : start.dtype
                let count = try call.indices("num")
                return try call.one(
                    "LinSpace", [try call.builder.cast(start, dtype), try call.builder.cast(stop, dtype), count],
                    ["Tidx": .type(count.dtype)])
            }),
        ExpressionFunction(
            "reverse", "tensor, axis",
            one: { call throws(ExpressionError) in
                let axis = try call.indices("axis")
                return try call.one("ReverseV2", [try call.tensor("tensor"), axis], ["Tidx": .type(axis.dtype)])
            }),
        ExpressionFunction(
            "roll", "input, shift, axis",
            one: { call throws(ExpressionError) in
                let (shift, axis) = (try call.indices("shift"), try call.indices("axis"))
                return try call.one(
                    "Roll", [try call.tensor("input"), shift, axis],
                    ["Tshift": .type(shift.dtype), "Taxis": .type(axis.dtype)])
            }),
        ExpressionFunction(
            "pad", "tensor, paddings, mode='CONSTANT', constant_values=0",
            one: { call throws(ExpressionError) in
                let (x, paddings) = (try call.tensor("tensor"), try call.indices("paddings"))
                let mode = try call.string("mode").uppercased()
                guard ["CONSTANT", "REFLECT", "SYMMETRIC"].contains(mode) else {
                    throw call.error("mode \(mode) is not known")
                }
                guard mode == "CONSTANT" else {
                    return try call.one(
                        "MirrorPad", [x, paddings],
                        ["mode": .bytes(Array(mode.utf8)), "Tpaddings": .type(paddings.dtype)])
                }
                if case .literal(.int(0)) = call["constant_values"] {
                    return try call.one("Pad", [x, paddings], ["Tpaddings": .type(paddings.dtype)])
                }
                return try call.one(
                    "PadV2", [x, paddings, try call.tensor("constant_values", x.dtype)],
                    ["Tpaddings": .type(paddings.dtype)])
            }),
        ExpressionFunction(
            "slice", "input_, begin, size",
            one: { call throws(ExpressionError) in
                let (begin, size) = (try call.indices("begin"), try call.indices("size"))
                return try call.one("Slice", [try call.tensor("input_"), begin, size], ["Index": .type(begin.dtype)])
            }),
        ExpressionFunction(
            "one_hot", "indices, depth, on_value=None, off_value=None, axis=None, dtype=None",
            one: { call throws(ExpressionError) in
                let dtype =
                    try call.optionalType("dtype")
                    ?? ExpressionBuilder.tensorType(of: .list([call["on_value"], call["off_value"]]))
                let indices = try call.indices("indices")
                let on: Value =
                    call.isNone("on_value") ? .literal(dtype == .bool ? .bool(true) : .int(1)) : call["on_value"]
                let off: Value =
                    call.isNone("off_value") ? .literal(dtype == .bool ? .bool(false) : .int(0)) : call["off_value"]
                let own: DataType? = call.isNone("on_value") && call.isNone("off_value") ? .float32 : nil
                let (first, second) = (dtype ?? own).map { ($0, $0) } ?? (nil, nil)
                let depth = try call.tensor("depth", .int32)
                let onValue = try call.builder.tensor(on, first)
                return try call.one(
                    "OneHot", [indices, depth, onValue, try call.builder.tensor(off, second ?? onValue.dtype)],
                    [
                        "T": .type(onValue.dtype), "TI": .type(indices.dtype),
                        "axis": .int(Int64(try call.optionalInt("axis") ?? -1)),
                    ])
            }),
    ]
}
