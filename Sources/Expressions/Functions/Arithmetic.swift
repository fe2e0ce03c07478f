internal import Graphs
internal import Tensors

extension ExpressionFunction {
    /// A function that is an op of one input.
    static func unary(_ names: String, _ op: String, _ parameter: String = "x") -> ExpressionFunction {
        ExpressionFunction(
            names, parameter,
            one: { call throws(ExpressionError) in
                try call.one(op, [try call.tensor(parameter)])
            })
    }

    /// A function that is an op of one input, to which Python's integers are floating point numbers.
    static func floating(_ names: String, _ op: String, _ parameter: String = "x") -> ExpressionFunction {
        ExpressionFunction(
            names, parameter,
            one: { call throws(ExpressionError) in
                try call.one(op, [try call.float(parameter)])
            })
    }

    /// A function that is an op of two inputs of one dtype.
    static func binary(_ names: String, _ op: String, _ first: String = "x", _ second: String = "y")
        -> ExpressionFunction
    {
        ExpressionFunction(
            names, "\(first), \(second)",
            one: { call throws(ExpressionError) in
                let (x, y) = try call.pair(first, second)
                return try call.one(op, [x, y])
            })
    }

    /// A function that is an operator.
    static func symbol(_ names: String, _ symbol: String) -> ExpressionFunction {
        ExpressionFunction(
            names, "x, y",
            one: { call throws(ExpressionError) in
                let (x, y) = try call.pair("x", "y")
                return try call.builder.binary(symbol, x, y)
            })
    }
}

extension FunctionTable {
    static let arithmetic: [ExpressionFunction] = [
        .symbol("add math.add", "+"),
        .symbol("subtract math.subtract", "-"),
        .symbol("multiply math.multiply", "*"),
        .symbol("divide math.divide truediv math.truediv", "/"),
        .symbol("math.floordiv floordiv", "//"),
        .symbol("math.floormod math.mod floormod", "%"),
        .symbol("pow math.pow", "**"),
        .binary("maximum math.maximum", "Maximum"),
        .binary("minimum math.minimum", "Minimum"),
        .binary("math.squared_difference", "SquaredDifference"),
        .binary("math.divide_no_nan", "DivNoNan"),
        .binary("math.multiply_no_nan", "MulNoNan"),
        .binary("math.xlogy", "Xlogy"),
        .binary("math.xdivy", "Xdivy"),
        .binary("atan2 math.atan2", "Atan2", "y", "x"),
        .unary("negative math.negative", "Neg"),
        ExpressionFunction(
            "abs math.abs", "x",
            one: { call throws(ExpressionError) in
                let x = try call.tensor("x")
                guard let part = x.dtype.complexPart else { return try call.one("Abs", [x]) }
                return try call.one("ComplexAbs", [x], ["Tout": .type(part)])
            }),
        .unary("sign math.sign", "Sign"),
        .unary("square math.square", "Square"),
        .unary("math.reciprocal", "Reciprocal"),
        ExpressionFunction(
            "add_n math.add_n", "inputs",
            one: { call throws(ExpressionError) in
                let inputs = try call.tensors("inputs")
                return try call.one("AddN", inputs, ["N": .int(Int64(inputs.count))])
            }),
        ExpressionFunction(
            "clip_by_value", "t, clip_value_min, clip_value_max",
            one: { call throws(ExpressionError) in
                let t = try call.tensor("t")
                let low = try call.one("Minimum", [t, try call.tensor("clip_value_max", t.dtype)])
                return try call.one("Maximum", [low, try call.tensor("clip_value_min", t.dtype)])
            }),
        .binary("bitwise.bitwise_and", "BitwiseAnd"),
        .binary("bitwise.bitwise_or", "BitwiseOr"),
        .binary("bitwise.bitwise_xor", "BitwiseXor"),
        .binary("bitwise.left_shift", "LeftShift"),
        .binary("bitwise.right_shift", "RightShift"),
        .unary("bitwise.invert", "Invert"),
    ]

    static let elementary: [ExpressionFunction] = [
        .floating("sqrt math.sqrt", "Sqrt"), .floating("math.rsqrt", "Rsqrt"), .floating("exp math.exp", "Exp"),
        .floating("math.expm1", "Expm1"), .floating("math.log", "Log"), .floating("math.log1p", "Log1p"),
        .floating("sin math.sin", "Sin"), .floating("cos math.cos", "Cos"), .floating("tan math.tan", "Tan"),
        .floating("asin math.asin", "Asin"), .floating("acos math.acos", "Acos"),
        .floating("atan math.atan", "Atan"), .floating("sinh math.sinh", "Sinh"),
        .floating("cosh math.cosh", "Cosh"), .floating("asinh math.asinh", "Asinh"),
        .floating("acosh math.acosh", "Acosh"), .floating("atanh math.atanh", "Atanh"),
        .floating("math.erf", "Erf"), .floating("math.erfc", "Erfc"), .floating("math.lgamma", "Lgamma"),
        .floating("math.digamma", "Digamma"), .floating("floor math.floor", "Floor"),
        .floating("math.ceil", "Ceil"), .unary("round math.round", "Round"), .floating("math.rint", "Rint"),
        ExpressionFunction(
            "cast", "x, dtype",
            one: { call throws(ExpressionError) in
                try call.builder.cast(try call.tensor("x"), try call.dtype("dtype"))
            }),
        .unary("identity", "Identity", "input"),
        .unary("stop_gradient", "StopGradient", "input"),
        ExpressionFunction(
            "constant", "value, dtype=None, shape=None",
            one: { call throws(ExpressionError) in
                guard ExpressionBuilder.tensorType(of: call["value"]) == nil else {
                    throw call.error("a tensor is no constant")
                }
                let value = try call.tensor("value", try call.optionalType("dtype"))
                guard !call.isNone("shape") else { return value }
                let shape = try call.indices("shape")
                if value.rank == 0 {
                    return try call.one(
                        "Fill", [shape, value], ["T": .type(value.dtype), "index_type": .type(shape.dtype)])
                }
                return try call.one("Reshape", [value, shape], ["Tshape": .type(shape.dtype)])
            }),
        ExpressionFunction(
            "math.real", "input",
            one: { call throws(ExpressionError) in
                let x = try call.tensor("input")
                guard let part = x.dtype.complexPart else { return x }
                return try call.one("Real", [x], ["Tout": .type(part)])
            }),
        ExpressionFunction(
            "math.imag", "input",
            one: { call throws(ExpressionError) in
                let x = try call.tensor("input")
                return try call.one("Imag", [x], ["Tout": .type(x.dtype.complexPart ?? x.dtype)])
            }),
        .unary("math.conj", "Conj"),
    ]

    static let comparisons: [ExpressionFunction] = [
        .symbol("equal math.equal", "=="), .symbol("not_equal math.not_equal", "!="),
        .symbol("less math.less", "<"), .symbol("less_equal math.less_equal", "<="),
        .symbol("greater math.greater", ">"), .symbol("greater_equal math.greater_equal", ">="),
        .binary("logical_and math.logical_and", "LogicalAnd"), .binary("logical_or math.logical_or", "LogicalOr"),
        .unary("logical_not math.logical_not", "LogicalNot"),
        .binary("math.logical_xor", "NotEqual"),
        .unary("math.is_nan", "IsNan"), .unary("math.is_inf", "IsInf"), .unary("math.is_finite", "IsFinite"),
        ExpressionFunction(
            "where", "condition, x=None, y=None",
            one: { call throws(ExpressionError) in
                let condition = try call.tensor("condition", .bool)
                guard !call.isNone("x") || !call.isNone("y") else { return try call.one("Where", [condition]) }
                let (x, y) = try call.pair("x", "y")
                return try call.one("SelectV2", [condition, x, y], ["T": .type(x.dtype)])
            }),
        ExpressionFunction(
            "math.in_top_k nn.in_top_k", "targets, predictions, k",
            one: { call throws(ExpressionError) in
                let targets = try call.indices("targets")
                return try call.one(
                    "InTopKV2", [try call.tensor("predictions"), targets, try call.tensor("k", targets.dtype)],
                    ["T": .type(targets.dtype)])
            }),
    ]
}
