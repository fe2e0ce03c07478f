/// How variables follow their gradients: the optimizers of `tf.compat.v1.train`, with TensorFlow's defaults.
public struct Optimizer: Hashable, Sendable {
    /// A variable that an optimizer keeps beside each trained one, of the same shape.
    struct Slot: Hashable, Sendable {
        /// The value of all elements before the first step.
        let initialValue: Double
    }

    /// An input of the op behind the variables.
    enum Input: Hashable, Sendable {
        /// A number.
        case number(Double)
        /// A variable of its own, which a step multiplies by a number: TensorFlow's `beta1_power`.
        case power(name: String, of: Double)
        case gradient
    }

    /// The optimizer's name, in any case: `adam`.
    public let name: String
    /// The name in TensorFlow, which names the slots.
    let title: String
    /// The end of the ops' names: `ApplyAdam`, `ResourceSparseApplyMomentum`.
    let op: String
    let slots: [Slot]
    let inputs: [Input]
    /// Whether there is an op for the gradient of some rows. Without one, the dense op does the same.
    let isSparse: Bool
    let usesNesterov: Bool

    private init(
        _ name: String, _ title: String, slots: [Double], _ inputs: [Input], isSparse: Bool = false,
        usesNesterov: Bool = false, op: String? = nil
    ) {
        self.name = name
        self.title = title
        self.op = op ?? title
        self.slots = slots.map { Slot(initialValue: $0) }
        self.inputs = inputs
        self.isSparse = isSparse
        self.usesNesterov = usesNesterov
    }

    /// The variable less the rate times the gradient.
    public static func gradientDescent(learningRate: Double) -> Optimizer {
        Optimizer(
            "gradient-descent", "GradientDescent", slots: [], [.number(learningRate), .gradient])
    }

    /// Gradient descent along a decaying sum of gradients.
    public static func momentum(
        learningRate: Double, momentum: Double = 0.9, usesNesterov: Bool = false
    ) -> Optimizer {
        Optimizer(
            "momentum", "Momentum", slots: [0], [.number(learningRate), .gradient, .number(momentum)], isSparse: true,
            usesNesterov: usesNesterov)
    }

    /// Rates that fall with the sum of the squares of gradients.
    public static func adagrad(learningRate: Double, initialAccumulator: Double = 0.1) -> Optimizer {
        Optimizer(
            "adagrad", "Adagrad", slots: [initialAccumulator], [.number(learningRate), .gradient], isSparse: true)
    }

    /// Rates by decaying means of the squares of gradients and of changes.
    public static func adadelta(
        learningRate: Double = 0.001, rho: Double = 0.95, epsilon: Double = 1e-8
    ) -> Optimizer {
        Optimizer(
            "adadelta", "Adadelta", slots: [0, 0],
            [.number(learningRate), .number(rho), .number(epsilon), .gradient], isSparse: true)
    }

    /// Rates by decaying means of gradients and of their squares.
    public static func adam(
        learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
    ) -> Optimizer {
        Optimizer(
            "adam", "Adam", slots: [0, 0],
            [
                .power(name: "beta1_power", of: beta1), .power(name: "beta2_power", of: beta2), .number(learningRate),
                .number(beta1), .number(beta2), .number(epsilon), .gradient,
            ])
    }

    /// Rates by a decaying mean of the squares of gradients.
    public static func rmsProp(
        learningRate: Double, decay: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-10
    ) -> Optimizer {
        Optimizer(
            "rmsprop", "RMSProp", slots: [1, 0],
            [.number(learningRate), .number(decay), .number(momentum), .number(epsilon), .gradient], isSparse: true)
    }

    /// Follow the regularised leader.
    public static func ftrl(
        learningRate: Double, learningRatePower: Double = -0.5, initialAccumulator: Double = 0.1, l1: Double = 0,
        l2: Double = 0
    ) -> Optimizer {
        Optimizer(
            "ftrl", "Ftrl", slots: [initialAccumulator, 0],
            [.gradient, .number(learningRate), .number(l1), .number(l2), .number(learningRatePower)], isSparse: true)
    }

    /// The optimizers by name, with their defaults.
    ///
    /// - Parameters:
    ///   - name: `gradient-descent` (or `sgd`), `momentum`, `adagrad`, `adadelta`, `adam`, `rmsprop`, `ftrl`.
    ///   - learningRate: The rate.
    /// - Returns: nil for another name.
    public static func named(_ name: String, learningRate: Double) -> Optimizer? {
        switch name {
        case "gradient-descent", "sgd": .gradientDescent(learningRate: learningRate)
        case "momentum": .momentum(learningRate: learningRate)
        case "adagrad": .adagrad(learningRate: learningRate)
        case "adadelta": .adadelta(learningRate: learningRate)
        case "adam": .adam(learningRate: learningRate)
        case "rmsprop": .rmsProp(learningRate: learningRate)
        case "ftrl": .ftrl(learningRate: learningRate)
        default: nil
        }
    }
}
