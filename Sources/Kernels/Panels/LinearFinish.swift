internal import CKernels

/// What is done with each element of a product before it is written: a bias of its column is added, then the element of another tensor
/// at the same place, then an activation is applied.
package struct LinearFinish: Hashable, Sendable {
    /// A function of one element.
    package enum Activation: Hashable, Sendable {
        /// A formula that gives float32 for float32.
        case unary(UnaryFormula)
        /// The element where it is positive, else alpha times the element.
        case leakyRelu(alpha: Float)
    }

    /// Whether there is a bias, a number for each column.
    package var hasBias = false
    /// Whether there is another tensor, of the output's shape.
    package var hasResidual = false
    /// The activation; nil for none.
    package var activation: Activation?

    /// Nothing.
    package init() {}

    /// Whether nothing is done.
    package var isNothing: Bool { self == LinearFinish() }

    /// Whether there is a loop for the activation.
    package var isComputable: Bool {
        guard case .unary(let formula) = activation else { return true }
        return ck_unary_loop(formula.code, Int32(CK_FLOAT32)) != nil && !formula.changesType
    }

    /// About how long it takes for an element, in picoseconds.
    package var picoseconds: Int {
        guard case .unary(let formula) = activation, formula.finish == CK_FINISH_FUNCTION else {
            return hasResidual ? 100 : 30
        }
        return 800
    }

    /// Says it to C.
    func set(_ product: inout ck_panel_product) {
        switch activation {
        case nil: product.finish = CK_FINISH_NONE
        case .leakyRelu(let alpha):
            product.finish = CK_FINISH_LEAKY_RELU
            product.alpha = alpha
        case .unary(let formula):
            product.finish = formula.finish
            if product.finish == CK_FINISH_FUNCTION {
                product.function = ck_unary_loop(formula.code, Int32(CK_FLOAT32))
            }
        }
    }
}

extension UnaryFormula {
    fileprivate var finish: ck_finish {
        switch self {
        case .relu: CK_FINISH_RELU
        case .reluOfNumbers: CK_FINISH_RELU_NUMBER
        case .relu6: CK_FINISH_RELU6
        case .relu6OfNumbers: CK_FINISH_RELU6_NUMBER
        default: CK_FINISH_FUNCTION
        }
    }

    /// Whether the result is of another type than the operand.
    fileprivate var changesType: Bool {
        switch self {
        case .isNaN, .isInfinite, .isFinite, .population, .not, .real, .imaginary, .magnitude, .angle: true
        default: false
        }
    }
}
