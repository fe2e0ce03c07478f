internal import CKernels

/// What a unary elementwise kernel computes.
package struct UnaryFormula: Hashable, Sendable {
    let code: UInt32

    private init(_ formula: ck_unary) { code = formula.rawValue }

    package static let negate = UnaryFormula(CK_NEGATE)
    package static let abs = UnaryFormula(CK_ABS)
    package static let square = UnaryFormula(CK_SQUARE)
    package static let sqrt = UnaryFormula(CK_SQRT)
    /// 1 / sqrt x.
    package static let rsqrt = UnaryFormula(CK_RSQRT)
    package static let exp = UnaryFormula(CK_EXP)
    package static let log = UnaryFormula(CK_LOG)
    /// 1 / (1 + exp -x).
    package static let sigmoid = UnaryFormula(CK_SIGMOID)
    package static let tanh = UnaryFormula(CK_TANH)
    /// max(x, 0); NaN stays.
    package static let relu = UnaryFormula(CK_RELU)
    /// min(max(x, 0), 6); NaN stays.
    package static let relu6 = UnaryFormula(CK_RELU6)
    package static let floor = UnaryFormula(CK_FLOOR)
}

/// What a binary elementwise kernel computes.
package struct BinaryFormula: Hashable, Sendable {
    let code: UInt32

    private init(_ formula: ck_binary) { code = formula.rawValue }

    package static let add = BinaryFormula(CK_ADD)
    package static let subtract = BinaryFormula(CK_SUBTRACT)
    package static let multiply = BinaryFormula(CK_MULTIPLY)
    /// Integers towards zero; by zero is a fault.
    package static let divide = BinaryFormula(CK_DIVIDE)
    /// Floats only.
    package static let realDivide = BinaryFormula(CK_REAL_DIVIDE)
    /// 0 where the divisor is 0; floats only.
    package static let divideNoNaN = BinaryFormula(CK_DIVIDE_NO_NAN)
    /// A negative exponent of an integer is a fault.
    package static let power = BinaryFormula(CK_POWER)
    /// NaN if either is.
    package static let maximum = BinaryFormula(CK_MAXIMUM)
    /// NaN if either is.
    package static let minimum = BinaryFormula(CK_MINIMUM)
    package static let squaredDifference = BinaryFormula(CK_SQUARED_DIFFERENCE)
    package static let equal = BinaryFormula(CK_EQUAL)
    package static let notEqual = BinaryFormula(CK_NOT_EQUAL)
    package static let greater = BinaryFormula(CK_GREATER)
    package static let greaterEqual = BinaryFormula(CK_GREATER_EQUAL)
    package static let less = BinaryFormula(CK_LESS)
    package static let lessEqual = BinaryFormula(CK_LESS_EQUAL)

    /// What it means that an element has no value.
    var fault: Fault.Kind { self == .power ? .negativeIntegerPower : .integerDivisionByZero }
}
