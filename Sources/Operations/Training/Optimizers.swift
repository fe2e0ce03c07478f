package import Kernels
internal import Tensors

extension OpTable {
    /// Ops that apply a gradient to a variable. Only sessions that train run them.
    static let optimizers: [OpEntry] = Optimizer.families.flatMap(\.entries)
}

/// An op that changes variables in place by a gradient. The variables are its first inputs, by reference or by handle: the trained one,
/// then its slots.
package protocol TrainingOp: Op {
    /// How many inputs are variables.
    var variableCount: Int { get }

    /// Makes the kernel for known dtypes and shapes. The inputs that are variables are their values here, which the kernel changes.
    ///
    /// - Throws: ``OpError`` of kind `invalidArgument` where shapes do not fit, `unsupported` for a dtype without a kernel.
    func kernel(for inputs: [TensorFact]) throws(OpError) -> Kernel
}

extension TrainingOp {
    package var implementation: OpImplementation { .trains(self) }
}

/// `ApplyAdam` and its kin, for references and resources, for dense and for sparse gradients.
///
/// - Inputs: the variables, of one dtype and shape; scalars of that dtype (`global_step`: int64); the gradient, of the variables' shape; for
///   sparse gradients, `indices`: the gradient then has a row for each of them.
/// - Output: by reference, the trained variable.
/// - Source: tensorflow/core/kernels/training_ops.cc.
struct Optimizer: TrainingOp {
    /// What an input is.
    private enum Role: Hashable { case variable, number, gradient, indices }

    private let rule: OptimizerRule
    private let roles: [Role]
    private let byReference: Bool

    let variableCount: Int

    private init(
        _ node: NodeReader, _ rule: (NodeReader) throws(OpError) -> OptimizerRule, _ roles: [Role], byReference: Bool
    ) throws(OpError) {
        try node.expectInputs(roles.count)
        self.rule = try rule(node)
        self.roles = roles
        self.byReference = byReference
        variableCount = roles.prefix { $0 == .variable }.count
    }

    static var traits: OpTraits { [.state, .effect, .changesVariable, .trains] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var names: Set<String> = []
        for index in 0..<variableCount {
            guard let variable = inputs[index].variable else { throw .unsupported("input \(index) is not a variable") }
            guard names.insert(variable.name).inserted else {
                throw .invalid("the variable \"\(variable.name)\" is given twice")
            }
        }
        guard let trained = inputs[0].variable else { throw .unsupported("input 0 is not a variable") }
        let values = inputs.map { fact in
            fact.variable.map { TensorFact($0.dtype, $0.shape) } ?? fact
        }
        try check(values)
        guard byReference else { return [] }
        var output = TensorFact(trained.dtype, trained.shape)
        output.variable = trained
        return [output]
    }

    /// Checks dtypes and shapes, as far as they are known.
    private func check(_ inputs: [TensorFact]) throws(OpError) {
        let variable = inputs[0]
        for (index, (input, role)) in zip(inputs, roles).enumerated() {
            switch role {
            case .variable:
                guard input.dtype == variable.dtype else {
                    throw .invalid("variable 0 is \(variable.dtype), variable \(index) \(input.dtype)")
                }
                guard input.shape.merged(with: variable.shape) != nil else {
                    throw .invalid(
                        "variables do not have the same shape: \(variable.shape), variable \(index) has \(input.shape)")
                }
            case .number:
                guard input.shape.rank ?? 0 == 0 else {
                    throw .invalid("input \(index) is not a scalar: \(input.shape)")
                }
            case .gradient:
                guard input.dtype == variable.dtype else {
                    throw .invalid("the variable is \(variable.dtype), the gradient \(input.dtype)")
                }
                if !isSparse, input.shape.merged(with: variable.shape) == nil {
                    throw .invalid(
                        "the variable and the gradient do not have the same shape: \(variable.shape) and \(input.shape)"
                    )
                }
            case .indices:
                guard input.shape.rank ?? 1 == 1 else {
                    throw .invalid("indices must be one-dimensional, found \(input.shape)")
                }
            }
        }
        if isSparse, variable.shape.rank == 0 {
            throw .invalid("the variable must be at least 1 dimensional to be changed by rows")
        }
    }

    private var isSparse: Bool { roles.contains(.indices) }

    func kernel(for inputs: [TensorFact]) throws(OpError) -> Kernel {
        try check(inputs)
        guard let gradient = roles.firstIndex(of: .gradient), let shape = inputs[0].shape.known else {
            throw OpError(.malformed, "its variable has no shape")
        }
        let numbers = roles.indices.filter { roles[$0] == .number }.map { index in
            OptimizerOperands.Number.input(index, inputs[index].dtype)
        }
        let operands = OptimizerOperands(
            dtype: inputs[0].dtype, variableCount: variableCount, gradient: gradient, numbers: completed(numbers))
        let kernel =
            if let indices = roles.firstIndex(of: .indices) {
                try sparseKernel(inputs, operands, shape, gradient, indices)
            } else {
                Kernel.optimizer(rule, operands, count: shape.elementCount)
            }
        guard let kernel else { throw .unsupported("has no kernel for \(inputs[0].dtype)") }
        return kernel
    }

    /// The formula of Ftrl has a number more than its first op.
    private func completed(_ numbers: [OptimizerOperands.Number]) -> [OptimizerOperands.Number] {
        guard rule == .ftrl || rule == .ftrlByRate, numbers.count == 4 else { return numbers }
        return numbers[..<3] + [.constant(0), numbers[3]]
    }

    private func sparseKernel(
        _ inputs: [TensorFact], _ operands: OptimizerOperands, _ shape: Shape, _ gradient: Int, _ indices: Int
    ) throws(OpError) -> Kernel? {
        guard let rows = inputs[indices].shape.known, let given = inputs[gradient].shape.known,
            let reader = IndexReader(inputs[indices].dtype)
        else { throw .invalid("the indices are not integers") }
        let row = Array(shape.dimensions.dropFirst())
        guard given.dimensions == rows.dimensions + row else {
            throw .invalid(
                "the gradient has shape \(PartialShape(given)), expected \(PartialShape(rows.dimensions + row)): "
                    + "a row of the variable for each of \(rows.elementCount) indices")
        }
        let rowCount = shape.dimensions[0]
        return Kernel.sparseOptimizer(
            rule, operands, indices: indices, reader, rows, rowCount: rowCount,
            rowSize: rowCount == 0 ? 0 : shape.elementCount / rowCount)
    }
}

extension Optimizer {
    /// The ops of one optimizer.
    struct Family: Sendable {
        let name: String
        /// What the inputs are: `v` variable, `n` number, `g` gradient, `i` indices.
        let dense: String
        /// The same for sparse gradients; nil where there is no such op.
        var sparse: String?
        /// Whether it is for variables by reference too, not only for resources.
        var hasReferences = true
        /// The formula that a node's attributes ask for.
        let rule: @Sendable (NodeReader) throws(OpError) -> OptimizerRule

        init(
            _ name: String, _ dense: String, sparse: String? = nil, hasReferences: Bool = true,
            rule: @escaping @Sendable (NodeReader) throws(OpError) -> OptimizerRule
        ) {
            self.name = name
            self.dense = dense
            self.sparse = sparse
            self.hasReferences = hasReferences
            self.rule = rule
        }

        var entries: [OpEntry] {
            (hasReferences ? [true, false] : [false]).flatMap { byReference in
                [("Apply", dense), ("SparseApply", sparse)].compactMap { kind, inputs in
                    inputs.map { inputs in
                        let roles = inputs.map(Self.role)
                        return OpEntry("\(byReference ? "" : "Resource")\(kind)\(name)") { node throws(OpError) in
                            try Optimizer(node, rule, roles, byReference: byReference)
                        }
                    }
                }
            }
        }

        private static func role(_ letter: Character) -> Role {
            switch letter {
            case "v": .variable
            case "n": .number
            case "g": .gradient
            default: .indices
            }
        }
    }

    /// A formula, and another one where an attribute is set.
    @Sendable private static func choice(
        _ attribute: String, _ whenTrue: OptimizerRule, else whenFalse: OptimizerRule, default fallback: Bool = false
    ) -> @Sendable (NodeReader) throws(OpError) -> OptimizerRule {
        { node throws(OpError) in try node.bool(attribute, default: fallback) ? whenTrue : whenFalse }
    }

    private static func always(_ rule: OptimizerRule) -> @Sendable (NodeReader) throws(OpError) -> OptimizerRule {
        { _ throws(OpError) in rule }
    }

    static let families: [Family] = [
        Family("GradientDescent", "vng", rule: always(.gradientDescent)),
        Family("ProximalGradientDescent", "vnnng", sparse: "vnnngi", rule: always(.proximalGradientDescent)),
        Family(
            "Momentum", "vvngn", sparse: "vvngin", rule: choice("use_nesterov", .nesterovMomentum, else: .momentum)),
        Family(
            "KerasMomentum", "vvngn", sparse: "vvngin", hasReferences: false,
            rule: choice("use_nesterov", .kerasNesterovMomentum, else: .kerasMomentum)),
        Family(
            "Adagrad", "vvng", sparse: "vvngi",
            rule: choice("update_slots", .adagrad, else: .adagradFixed, default: true)),
        Family(
            "AdagradV2", "vvnng", sparse: "vvnngi",
            rule: choice("update_slots", .adagradV2, else: .adagradV2Fixed, default: true)),
        Family("ProximalAdagrad", "vvnnng", sparse: "vvnnngi", rule: always(.proximalAdagrad)),
        Family("AdagradDA", "vvvgnnnn", sparse: "vvvginnnn", rule: always(.adagradDA)),
        Family("Adadelta", "vvvnnng", sparse: "vvvnnngi", rule: always(.adadelta)),
        Family("Adam", "vvvnnnnnng", rule: choice("use_nesterov", .nesterovAdam, else: .adam)),
        Family("AdamWithAmsgrad", "vvvvnnnnnng", hasReferences: false, rule: always(.amsgrad)),
        Family("AdaMax", "vvvnnnnng", rule: always(.adaMax)),
        Family("RMSProp", "vvvnnnng", sparse: "vvvnnnngi", rule: always(.rmsProp)),
        Family("CenteredRMSProp", "vvvvnnnng", sparse: "vvvvnnnngi", rule: always(.centeredRMSProp)),
        Family("AddSign", "vvnnnng", rule: always(.addSign)),
        Family("PowerSign", "vvnnnng", rule: always(.powerSign)),
        Family(
            "Ftrl", "vvvgnnnn", sparse: "vvvginnnn",
            rule: choice("multiply_linear_by_lr", .ftrlByRate, else: .ftrl)),
        Family(
            "FtrlV2", "vvvgnnnnn", sparse: "vvvginnnnn",
            rule: choice("multiply_linear_by_lr", .ftrlByRate, else: .ftrl)),
    ]
}
