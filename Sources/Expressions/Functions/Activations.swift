internal import Graphs
internal import Tensors

extension Call {
    /// An op along one axis, where it has an implementation for the last one only.
    fileprivate func alongAxis(
        _ operand: Operand, _ body: (Operand) throws(ExpressionError) -> Operand
    ) throws(ExpressionError) -> Operand {
        let axis = try optionalInt("axis") ?? -1
        guard axis != -1 else { return try body(operand) }
        guard let rank = operand.rank else { throw error("the rank is not known, so that axis must be -1") }
        let place = axis < 0 ? axis + rank : axis
        guard (0..<rank).contains(place) else { throw error("axis \(axis) is not in a tensor of rank \(rank)") }
        guard place < rank - 1 else { return try body(operand) }
        var order = Array(0..<rank)
        order.swapAt(place, rank - 1)
        let permutation = try builder.integers(order)
        let moved = try one("Transpose", [operand, permutation], ["Tperm": .type(.int32)])
        return try one("Transpose", [try body(moved), permutation], ["Tperm": .type(.int32)])
    }

    fileprivate func gelu() throws(ExpressionError) -> Operand {
        let x = try float("features")
        func number(_ value: Double) throws(ExpressionError) -> Operand { try builder.scalar(value, x.dtype) }
        let inner: Operand
        if try bool("approximate") {
            let cube = try one("Mul", [try number(0.044715), try one("Pow", [x, try number(3)])])
            inner = try one(
                "Tanh", [try one("Mul", [try number(0.7978845608028654), try one("AddV2", [x, cube])])])
        } else {
            inner = try one("Erf", [try one("RealDiv", [x, try number(1.4142135623730951)])])
        }
        return try one(
            "Mul", [try one("Mul", [try number(0.5), x]), try one("AddV2", [try number(1), inner])])
    }
}

extension FunctionTable {
    static let activations: [ExpressionFunction] = [
        .floating("nn.relu", "Relu", "features"), .floating("nn.relu6", "Relu6", "features"),
        .floating("nn.elu", "Elu", "features"), .floating("nn.selu", "Selu", "features"),
        .floating("sigmoid math.sigmoid nn.sigmoid", "Sigmoid"), .floating("tanh math.tanh nn.tanh", "Tanh"),
        .floating("math.softplus nn.softplus", "Softplus", "features"),
        .floating("nn.softsign math.softsign", "Softsign", "features"),
        ExpressionFunction(
            "nn.leaky_relu", "features, alpha=0.2",
            one: { call throws(ExpressionError) in
                try call.one(
                    "LeakyRelu", [try call.float("features")], ["alpha": .float(Float(try call.number("alpha")))])
            }),
        ExpressionFunction(
            "nn.gelu", "features, approximate=False", one: { call throws(ExpressionError) in try call.gelu() }),
        ExpressionFunction(
            "nn.silu nn.swish", "features, beta=1.0",
            one: { call throws(ExpressionError) in
                let x = try call.float("features")
                let scaled = try call.one("Mul", [x, try call.tensor("beta", x.dtype)])
                return try call.one("Mul", [x, try call.one("Sigmoid", [scaled])])
            }),
        ExpressionFunction(
            "math.log_sigmoid", "x",
            one: { call throws(ExpressionError) in
                try call.one("Neg", [try call.one("Softplus", [try call.one("Neg", [try call.float("x")])])])
            }),
        ExpressionFunction(
            "nn.softmax", "logits, axis=None",
            one: { call throws(ExpressionError) in
                try call.alongAxis(try call.float("logits")) { x throws(ExpressionError) in try call.one("Softmax", [x])
                }
            }),
        ExpressionFunction(
            "nn.log_softmax math.log_softmax", "logits, axis=None",
            one: { call throws(ExpressionError) in
                try call.alongAxis(try call.float("logits")) { x throws(ExpressionError) in
                    try call.one("LogSoftmax", [x])
                }
            }),
    ]
}
