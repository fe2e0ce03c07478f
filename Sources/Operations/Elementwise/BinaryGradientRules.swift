internal import Graphs
internal import Tensors

// The formulas are those of math_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of ops of two or three tensors that repeat one another's elements.
    static let binaryGradientRules: [GradientRule] =
        GradientRule.same("Add", "AddV2") { n, node, g throws(OpError) in
            try n.broadcastGradients(node.input(0), node.input(1), g, g)
        }
        + GradientRule.same("RealDiv", "Div") { n, node, g throws(OpError) in try quotient(n, node, g) }
        + GradientRule.same("AddN", "AccumulateNV2") { n, node, g throws(OpError) in
            Array(repeating: g, count: node.inputs.count)
        }
        + [
            binary("Sub") { n, g, x, y throws(OpError) in (g, try n.neg(g)) },
            binary("Mul") { n, g, x, y throws(OpError) in (try n.mul(g, y), try n.mul(x, g)) },
            binary("MulNoNan") { n, g, x, y throws(OpError) in
                (try n.add("MulNoNan", [g, y]), try n.add("MulNoNan", [x, g]))
            },
            binary("DivNoNan") { n, g, x, y throws(OpError) in
                let quotient = try n.add("DivNoNan", [n.neg(x), y])
                return (try n.add("DivNoNan", [g, y]), try n.mul(g, n.add("DivNoNan", [quotient, y])))
            },
            binary("FloorMod") { n, g, x, y throws(OpError) in
                (g, try n.mul(g, n.neg(n.add("FloorDiv", [x, y]))))
            },
            binary("SquaredDifference") { n, g, x, y throws(OpError) in
                let gx = try n.mul(n.mul(n.scalar(2, like: g), g), n.sub(x, y))
                return (gx, try n.neg(gx))
            },
            binary("Maximum") { n, g, x, y throws(OpError) in try extremum(n, g, n.add("GreaterEqual", [x, y])) },
            binary("Minimum") { n, g, x, y throws(OpError) in try extremum(n, g, n.add("LessEqual", [x, y])) },
            binary("Atan2") { n, g, y, x throws(OpError) in
                let inverse = try n.div(g, n.sum(n.square(x), n.square(y)))
                return (try n.mul(x, inverse), try n.mul(n.neg(y), inverse))
            },
            binary("Xlogy") { n, g, x, y throws(OpError) in
                let notZero = try n.cast(n.add("NotEqual", [x, n.scalar(0, like: x)]), to: n.type(of: x))
                return (
                    try n.mul(g, n.add("Xlogy", [notZero, y])), try n.mul(g, n.add("Xdivy", [x, y]))
                )
            },
            binary("Xdivy") { n, g, x, y throws(OpError) in
                let notZero = try n.cast(n.add("NotEqual", [x, n.scalar(0, like: x)]), to: n.type(of: x))
                return (
                    try n.mul(g, n.add("Xdivy", [notZero, y])),
                    try n.mul(g, n.add("Xdivy", [n.neg(x), n.square(y)]))
                )
            },
            GradientRule("Pow", one: { n, node, g throws(OpError) in try power(n, node, g) }),
            GradientRule(
                "Select",
                one: { n, node, g throws(OpError) in
                    let zeros = try n.zerosLike(node.input(1))
                    return [
                        nil, try n.add("Select", [node.input(0), g, zeros]),
                        try n.add("Select", [node.input(0), zeros, g]),
                    ]
                }),
            GradientRule("SelectV2", one: { n, node, g throws(OpError) in try select(n, node, g) }),
            GradientRule("ClipByValue", one: { n, node, g throws(OpError) in try clip(n, node, g) }),
        ]

    /// A rule of a formula of the gradient and both inputs, before sums over the repeated axes.
    private static func binary(
        _ op: String,
        _ formula:
            @escaping @Sendable (GradientNodes, Endpoint, Endpoint, Endpoint) throws(OpError) -> (
                Endpoint, Endpoint
            )
    ) -> GradientRule {
        GradientRule(
            op,
            one: { n, node, g throws(OpError) in
                let (x, y) = (try node.input(0), try node.input(1))
                let (gx, gy) = try formula(n, g, n.conjugate(x), n.conjugate(y))
                return try n.broadcastGradients(x, y, gx, gy)
            })
    }

    private static func extremum(
        _ n: GradientNodes, _ g: Endpoint, _ mask: Endpoint
    ) throws(OpError) -> (Endpoint, Endpoint) {
        let zeros = try n.zerosLike(g)
        return (try n.select(mask, g, zeros), try n.select(mask, zeros, g))
    }

    /// x / y. Integers have none.
    private static func quotient(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?]
    {
        let (x, y) = (try node.input(0), try node.input(1))
        guard try n.type(of: x).isDifferentiable else { return [] }
        let (cx, cy) = (try n.conjugate(x), try n.conjugate(y))
        let gy = try n.mul(g, n.div(n.div(n.neg(cx), cy), cy))
        return try n.broadcastGradients(x, y, n.div(g, cy), gy)
    }

    /// The logarithm in the exponent's gradient is 0 where the base is not positive.
    private static func power(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?] {
        let (x, y) = (try node.input(0), try node.input(1))
        let (cx, cy, z) = (try n.conjugate(x), try n.conjugate(y), try n.conjugate(node.output()))
        let gx = try n.mul(n.mul(g, cy), n.add("Pow", [cx, n.sub(cy, n.scalar(1, like: cy))]))
        let zero = try n.scalar(0, like: cx)
        let isComplex = try !n.type(of: x).isRealNumber
        let mask = try n.add(isComplex ? "NotEqual" : "Greater", [cx, zero])
        let zeros = try n.zerosLike(cx)
        let logarithm = try n.select(mask, n.unary("Log", n.select(mask, cx, n.add("OnesLike", [cx]))), zeros)
        return try n.broadcastGradients(x, y, gx, n.mul(n.mul(g, z), logarithm))
    }

    private static func select(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?] {
        let condition = try node.input(0)
        let zeros = try n.scalar(0, like: g)
        var result: [Endpoint?] = [nil]
        for (input, gradient) in [
            (try node.input(1), try n.select(condition, g, zeros)),
            (try node.input(2), try n.select(condition, zeros, g)),
        ] {
            result.append(try n.broadcastGradients(input, node.output(), gradient, nil).first ?? nil)
        }
        return result
    }

    private static func clip(_ n: GradientNodes, _ node: ForwardNode, _ g: Endpoint) throws(OpError) -> [Endpoint?] {
        let (x, low, high) = (try node.input(0), try node.input(1), try node.input(2))
        let zeros = try n.zerosLike(g)
        let (isLow, isHigh) = (try n.add("Less", [x, low]), try n.add("Greater", [x, high]))
        let inner = try n.select(isLow, zeros, n.select(isHigh, zeros, g))
        let gradients = [inner, try n.select(isLow, g, zeros), try n.select(isHigh, g, zeros)]
        var result: [Endpoint?] = [inner]
        for (input, gradient) in zip([low, high], gradients.dropFirst()) {
            result.append(try n.broadcastGradients(x, input, nil, gradient).last ?? nil)
        }
        return result
    }
}

extension DataType {
    /// Whether elements are real floating point numbers.
    var isRealNumber: Bool {
        switch self {
        case .float16, .bfloat16, .float32, .float64: true
        default: false
        }
    }
}
