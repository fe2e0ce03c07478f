internal import Graphs
package import Tensors

// The formulas are those of math_grad.py and nn_grad.py of TensorFlow 2.21.
extension OpTable {
    /// Gradients of ops of one tensor.
    static let elementwiseGradientRules: [GradientRule] =
        GradientRule.same(
            "Identity", "RefIdentity", "Snapshot", "CheckNumerics", "EnsureShape", "PlaceholderWithDefault", "Print",
            "ReadVariableOp", "OnesLike"
        ) { _, node, gradient throws(OpError) in node.op == "OnesLike" ? [] : [gradient] }
        + [
            GradientRule(
                "PreventGradient",
                one: { _, node, _ throws(OpError) in
                    throw OpError(.unsupported, "node \"\(node.name)\" (PreventGradient) lets no gradient through")
                }),
            GradientRule(
                "Cast",
                one: { nodes, node, gradient throws(OpError) in
                    let (from, to) = (try nodes.type(of: node.input(0)), try nodes.type(of: gradient))
                    guard from.isDifferentiable, to.isDifferentiable else { return [] }
                    return [try nodes.cast(gradient, to: from)]
                }),
            GradientRule(
                "LeakyRelu",
                one: { nodes, node, gradient throws(OpError) in
                    [try nodes.add("LeakyReluGrad", [gradient, node.input(0)], try node.attributes("alpha"))]
                }),
        ]
        + unaryGradientRules + activationGradientRules + secondGradientRules

    /// A rule of a formula of the gradient and the input.
    private static func ofInput(
        _ op: String,
        _ formula: @escaping @Sendable (GradientNodes, Endpoint, Endpoint) throws(OpError) -> Endpoint
    ) -> GradientRule {
        GradientRule(
            op,
            one: { nodes, node, gradient throws(OpError) in
                [try formula(nodes, gradient, nodes.conjugate(node.input(0)))]
            })
    }

    /// A rule of a formula of the gradient and the output.
    private static func ofOutput(
        _ op: String,
        _ formula: @escaping @Sendable (GradientNodes, Endpoint, Endpoint) throws(OpError) -> Endpoint
    ) -> GradientRule {
        GradientRule(
            op,
            one: { nodes, node, gradient throws(OpError) in
                [try formula(nodes, gradient, nodes.conjugate(node.output()))]
            })
    }

    private static let unaryGradientRules: [GradientRule] = [
        ofInput("Neg") { n, g, x throws(OpError) in try n.neg(g) },
        ofInput("Abs") { n, g, x throws(OpError) in try n.mul(g, n.unary("Sign", x)) },
        ofInput("Square") { n, g, x throws(OpError) in try n.mul(g, n.mul(x, n.scalar(2, like: x))) },
        ofInput("Sign") { n, g, x throws(OpError) in try n.zerosLike(x) },
        ofInput("Log") { n, g, x throws(OpError) in try n.mul(g, n.reciprocal(x)) },
        ofInput("Log1p") { n, g, x throws(OpError) in try n.mul(g, n.reciprocal(n.sum(n.scalar(1, like: x), x))) },
        ofInput("Expm1") { n, g, x throws(OpError) in try n.mul(g, n.unary("Exp", x)) },
        ofOutput("Exp") { n, g, y throws(OpError) in try n.mul(g, y) },
        ofInput("Sin") { n, g, x throws(OpError) in try n.mul(g, n.unary("Cos", x)) },
        ofInput("Cos") { n, g, x throws(OpError) in try n.neg(n.mul(g, n.unary("Sin", x))) },
        ofInput("Tan") { n, g, x throws(OpError) in try n.mul(g, n.square(n.reciprocal(n.unary("Cos", x)))) },
        ofInput("Sinh") { n, g, x throws(OpError) in try n.mul(g, n.unary("Cosh", x)) },
        ofInput("Cosh") { n, g, x throws(OpError) in try n.mul(g, n.unary("Sinh", x)) },
        ofOutput("Asinh") { n, g, y throws(OpError) in try n.div(g, n.unary("Cosh", y)) },
        ofOutput("Acosh") { n, g, y throws(OpError) in try n.div(g, n.unary("Sinh", y)) },
        ofInput("Atanh") { n, g, x throws(OpError) in
            try n.mul(g, n.reciprocal(n.sub(n.scalar(1, like: x), n.square(x))))
        },
        ofInput("Asin") { n, g, x throws(OpError) in
            try n.mul(g, n.reciprocal(n.unary("Sqrt", n.sub(n.scalar(1, like: x), n.square(x)))))
        },
        ofInput("Acos") { n, g, x throws(OpError) in
            try n.neg(n.mul(g, n.reciprocal(n.unary("Sqrt", n.sub(n.scalar(1, like: x), n.square(x))))))
        },
        ofInput("Atan") { n, g, x throws(OpError) in
            try n.mul(g, n.reciprocal(n.sum(n.scalar(1, like: x), n.square(x))))
        },
        ofInput("Erf") { n, g, x throws(OpError) in try gaussian(n, g, x, 1.1283791670955126) },
        ofInput("Erfc") { n, g, x throws(OpError) in try gaussian(n, g, x, -1.1283791670955126) },
        ofInput("Lgamma") { n, g, x throws(OpError) in try n.mul(g, n.unary("Digamma", x)) },
        ofInput("Digamma") { n, g, x throws(OpError) in
            try n.mul(g, n.add("Polygamma", [n.scalar(1, like: x), x]))
        },
    ]

    /// The derivative of the error function: a number times exp(-x²).
    private static func gaussian(
        _ n: GradientNodes, _ g: Endpoint, _ x: Endpoint, _ factor: Double
    ) throws(OpError) -> Endpoint {
        try n.mul(n.mul(g, n.scalar(factor, like: x)), n.unary("Exp", n.neg(n.square(x))))
    }

    /// Ops whose gradient is an op of its own.
    private static let activationGradientRules: [GradientRule] =
        [
            ("Sqrt", "SqrtGrad"), ("Rsqrt", "RsqrtGrad"), ("Reciprocal", "ReciprocalGrad"), ("Inv", "ReciprocalGrad"),
            ("Tanh", "TanhGrad"), ("Sigmoid", "SigmoidGrad"),
        ].map { op, gradientOp in
            ofOutput(op) { n, g, y throws(OpError) in try n.add(gradientOp, [y, g]) }
        }
        + [("Relu", "ReluGrad"), ("Relu6", "Relu6Grad"), ("Elu", "EluGrad"), ("Selu", "SeluGrad")].map {
            op, gradientOp in
            ofOutput(op) { n, g, y throws(OpError) in try n.add(gradientOp, [g, y]) }
        }
        + [("Softplus", "SoftplusGrad"), ("Softsign", "SoftsignGrad")].map { op, gradientOp in
            ofInput(op) { n, g, x throws(OpError) in try n.add(gradientOp, [g, x]) }
        }

    /// Gradients of gradients.
    private static let secondGradientRules: [GradientRule] =
        GradientRule.same("ReluGrad", "Relu6Grad") { n, node, g throws(OpError) in
            [try n.add(node.op, [g, node.input(1)]), try n.zerosLike(node.input(1))]
        }
        + [
            GradientRule(
                "TanhGrad",
                one: { n, node, g throws(OpError) in
                    let (a, b) = (try n.conjugate(node.input(0)), try n.conjugate(node.input(1)))
                    return [
                        try n.mul(n.mul(n.mul(g, n.scalar(-2, like: g)), b), a), try n.add("TanhGrad", [a, g]),
                    ]
                }),
            GradientRule(
                "SigmoidGrad",
                one: { n, node, g throws(OpError) in
                    let (a, b) = (try n.conjugate(node.input(0)), try n.conjugate(node.input(1)))
                    let gb = try n.mul(g, b)
                    let two = try n.mul(n.mul(n.scalar(2, like: g), gb), a)
                    return [try n.sub(gb, two), try n.add("SigmoidGrad", [a, g])]
                }),
        ]
}

extension DataType {
    /// Whether TensorFlow lets gradients through casts of the dtype.
    package var isDifferentiable: Bool {
        switch self {
        case .float16, .bfloat16, .float32, .float64, .complex64, .complex128: true
        default: false
        }
    }
}
