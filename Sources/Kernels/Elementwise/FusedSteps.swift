package import Tensors

/// A formula among several that one kernel computes, from inputs and from what the steps before it gave.
package struct FusedStep: Hashable, Sendable {
    /// What is computed.
    package enum Formula: Hashable, Sendable {
        case unary(UnaryFormula)
        case binary(BinaryFormula)
        case ternary(TernaryFormula)
        /// The operand where it is positive, else alpha times it.
        case leakyRelu(alpha: Float)
    }

    /// Where an operand comes from.
    package enum Operand: Hashable, Sendable {
        /// The kernel's input of that number, which broadcasts to the step's shape.
        case input(Int)
        /// The result of an earlier step.
        case step(Int)
    }

    package let formula: Formula
    /// In the formula's order.
    package let operands: [Operand]
    /// The dtype of the operands.
    package let dtype: DataType
    /// The dtype of the result.
    package let result: DataType
    /// The shape of the result. All steps have equally many elements, of which number i is made of the elements number i of other steps.
    package let shape: Shape

    package init(_ formula: Formula, _ operands: [Operand], dtype: DataType, result: DataType, shape: Shape) {
        self.formula = formula
        self.operands = operands
        self.dtype = dtype
        self.result = result
        self.shape = shape
    }

    /// Whether a kernel can have the step: there is a loop for the dtype, and no element of it has no result.
    package var isComputable: Bool { function != nil && !mayFail }

    /// Whole numbers may be divided by zero.
    private var mayFail: Bool {
        guard case .binary(let formula) = formula, !dtype.isFloating, dtype.complexPart == nil else { return false }
        return switch formula {
        case .divide, .realDivide, .truncateDivide, .floorDivide, .floorMod, .truncateMod, .power: true
        default: false
        }
    }

    /// The formula, for people.
    var name: String {
        switch formula {
        case .unary(let formula): formula.name
        case .binary(let formula): formula.name
        case .ternary(let formula): formula.name
        case .leakyRelu: "leakyRelu"
        }
    }

    /// About how long an element takes besides being moved from and to the main memory.
    var picoseconds: Int {
        let own =
            switch formula {
            case .unary(let formula): formula.picoseconds
            case .binary(let formula): formula.picoseconds
            case .ternary(let formula): formula.picoseconds
            case .leakyRelu: 0
            }
        return own + 10 * dtype.stride
    }
}

/// What a kernel makes of whole rows of the last step's result.
package enum FusedTail: Hashable, Sendable {
    /// Softmax of each row.
    case softmax
    /// Each row without its mean and divided by its spread.
    case layerNormalization(LayerNormalization)
}

extension FusedTail {
    /// The same with other numbers of inputs.
    package func taking(_ number: (Int) -> Int) -> FusedTail {
        switch self {
        case .softmax: self
        case .layerNormalization(let rows):
            .layerNormalization(
                LayerNormalization(
                    count: rows.count, period: rows.period, epsilon: rows.epsilon, scale: rows.scale.map(number),
                    offset: rows.offset.map(number)))
        }
    }

    /// The inputs that it takes besides the rows.
    package var inputs: [Int] {
        switch self {
        case .softmax: []
        case .layerNormalization(let rows): [rows.scale, rows.offset].compactMap { $0 }
        }
    }
}
