internal import CKernels

/// What a unary elementwise kernel computes.
package struct UnaryFormula: Hashable, Sendable {
    let code: UInt32

    private init(_ formula: ck_unary) { code = formula.rawValue }

    package static let negate = UnaryFormula(CK_NEGATE)
    package static let abs = UnaryFormula(CK_ABS)
    /// -1, 0 or 1; NaN stays. Of a complex number, the number of magnitude 1 in its direction.
    package static let sign = UnaryFormula(CK_SIGN)
    package static let square = UnaryFormula(CK_SQUARE)
    package static let sqrt = UnaryFormula(CK_SQRT)
    /// 1 / sqrt x.
    package static let rsqrt = UnaryFormula(CK_RSQRT)
    package static let reciprocal = UnaryFormula(CK_RECIPROCAL)
    package static let floor = UnaryFormula(CK_FLOOR)
    package static let ceil = UnaryFormula(CK_CEIL)
    /// To the nearest whole number, halves to the even one.
    package static let round = UnaryFormula(CK_ROUND)
    /// Every bit.
    package static let invert = UnaryFormula(CK_INVERT)
    /// Of booleans.
    package static let not = UnaryFormula(CK_NOT)
    /// How many bits are set, as uint8.
    package static let population = UnaryFormula(CK_POPULATION)
    package static let isNaN = UnaryFormula(CK_IS_NAN)
    package static let isInfinite = UnaryFormula(CK_IS_INFINITE)
    package static let isFinite = UnaryFormula(CK_IS_FINITE)
}

// Elementary functions.
extension UnaryFormula {
    package static let exp = UnaryFormula(CK_EXP)
    package static let expm1 = UnaryFormula(CK_EXPM1)
    package static let log = UnaryFormula(CK_LOG)
    package static let log1p = UnaryFormula(CK_LOG1P)
    package static let sin = UnaryFormula(CK_SIN)
    package static let cos = UnaryFormula(CK_COS)
    package static let tan = UnaryFormula(CK_TAN)
    package static let asin = UnaryFormula(CK_ASIN)
    package static let acos = UnaryFormula(CK_ACOS)
    package static let atan = UnaryFormula(CK_ATAN)
    package static let sinh = UnaryFormula(CK_SINH)
    package static let cosh = UnaryFormula(CK_COSH)
    package static let tanh = UnaryFormula(CK_TANH)
    package static let asinh = UnaryFormula(CK_ASINH)
    package static let acosh = UnaryFormula(CK_ACOSH)
    package static let atanh = UnaryFormula(CK_ATANH)
    package static let erf = UnaryFormula(CK_ERF)
    package static let erfc = UnaryFormula(CK_ERFC)
    /// 1 / (1 + exp -x).
    package static let sigmoid = UnaryFormula(CK_SIGMOID)
}

// Activations.
extension UnaryFormula {
    /// max(x, 0); NaN stays.
    package static let relu = UnaryFormula(CK_RELU)
    /// min(max(x, 0), 6); NaN stays.
    package static let relu6 = UnaryFormula(CK_RELU6)
    /// The same, but 0 for NaN.
    package static let reluOfNumbers = UnaryFormula(CK_RELU_NUMBER)
    /// The same, but 0 for NaN.
    package static let relu6OfNumbers = UnaryFormula(CK_RELU6_NUMBER)
    package static let elu = UnaryFormula(CK_ELU)
    package static let selu = UnaryFormula(CK_SELU)
    /// log(1 + exp x).
    package static let softplus = UnaryFormula(CK_SOFTPLUS)
    /// x / (1 + |x|).
    package static let softsign = UnaryFormula(CK_SOFTSIGN)
}

// Special functions.
extension UnaryFormula {
    package static let erfinv = UnaryFormula(CK_ERFINV)
    package static let ndtri = UnaryFormula(CK_NDTRI)
    package static let lgamma = UnaryFormula(CK_LGAMMA)
    package static let digamma = UnaryFormula(CK_DIGAMMA)
    package static let besselI0 = UnaryFormula(CK_BESSEL_I0)
    package static let besselI1 = UnaryFormula(CK_BESSEL_I1)
    package static let besselI0e = UnaryFormula(CK_BESSEL_I0E)
    package static let besselI1e = UnaryFormula(CK_BESSEL_I1E)
    package static let besselJ0 = UnaryFormula(CK_BESSEL_J0)
    package static let besselJ1 = UnaryFormula(CK_BESSEL_J1)
    package static let besselK0 = UnaryFormula(CK_BESSEL_K0)
    package static let besselK1 = UnaryFormula(CK_BESSEL_K1)
    package static let besselK0e = UnaryFormula(CK_BESSEL_K0E)
    package static let besselK1e = UnaryFormula(CK_BESSEL_K1E)
    package static let besselY0 = UnaryFormula(CK_BESSEL_Y0)
    package static let besselY1 = UnaryFormula(CK_BESSEL_Y1)
    package static let dawson = UnaryFormula(CK_DAWSON)
    package static let expint = UnaryFormula(CK_EXPINT)
    package static let fresnelSin = UnaryFormula(CK_FRESNEL_SIN)
    package static let fresnelCos = UnaryFormula(CK_FRESNEL_COS)
    package static let spence = UnaryFormula(CK_SPENCE)
}

// Of complex numbers.
extension UnaryFormula {
    package static let conjugate = UnaryFormula(CK_CONJUGATE)
    /// To the type of the parts, as the three after it.
    package static let real = UnaryFormula(CK_REAL)
    package static let imaginary = UnaryFormula(CK_IMAGINARY)
    package static let magnitude = UnaryFormula(CK_MAGNITUDE)
    package static let angle = UnaryFormula(CK_ANGLE)
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
    /// 0 where the second factor is 0; floats only.
    package static let multiplyNoNaN = BinaryFormula(CK_MULTIPLY_NO_NAN)
    /// Towards zero, floats too.
    package static let truncateDivide = BinaryFormula(CK_TRUNCATE_DIVIDE)
    /// Towards minus infinity.
    package static let floorDivide = BinaryFormula(CK_FLOOR_DIVIDE)
    /// The rest of ``floorDivide``; it has the divisor's sign.
    package static let floorMod = BinaryFormula(CK_FLOOR_MOD)
    /// The rest of ``truncateDivide``; it has the dividend's sign.
    package static let truncateMod = BinaryFormula(CK_TRUNCATE_MOD)
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
    /// Of bits or booleans.
    package static let and = BinaryFormula(CK_AND)
    /// Of bits or booleans.
    package static let or = BinaryFormula(CK_OR)
    package static let xor = BinaryFormula(CK_XOR)
    /// The distance is held within the width.
    package static let shiftLeft = BinaryFormula(CK_SHIFT_LEFT)
    /// The distance is held within the width.
    package static let shiftRight = BinaryFormula(CK_SHIFT_RIGHT)

    /// What it means that an element has no value.
    var fault: Fault.Kind { self == .power ? .negativeIntegerPower : .integerDivisionByZero }
}

// Functions.
extension BinaryFormula {
    /// 0 where the first is 0, as in the two after it.
    package static let xdivy = BinaryFormula(CK_XDIVY)
    package static let xlogy = BinaryFormula(CK_XLOGY)
    package static let xlog1py = BinaryFormula(CK_XLOG1PY)
    package static let atan2 = BinaryFormula(CK_ATAN2)
    package static let nextAfter = BinaryFormula(CK_NEXT_AFTER)
    package static let igamma = BinaryFormula(CK_IGAMMA)
    package static let igammac = BinaryFormula(CK_IGAMMAC)
    package static let zeta = BinaryFormula(CK_ZETA)
    package static let polygamma = BinaryFormula(CK_POLYGAMMA)
    /// Two parts to a complex number.
    package static let complex = BinaryFormula(CK_COMPLEX)
}

// Gradients.
extension BinaryFormula {
    package static let reluGrad = BinaryFormula(CK_RELU_GRAD)
    package static let relu6Grad = BinaryFormula(CK_RELU6_GRAD)
    package static let eluGrad = BinaryFormula(CK_ELU_GRAD)
    package static let seluGrad = BinaryFormula(CK_SELU_GRAD)
    package static let softplusGrad = BinaryFormula(CK_SOFTPLUS_GRAD)
    package static let softsignGrad = BinaryFormula(CK_SOFTSIGN_GRAD)
    package static let tanhGrad = BinaryFormula(CK_TANH_GRAD)
    package static let sigmoidGrad = BinaryFormula(CK_SIGMOID_GRAD)
    package static let sqrtGrad = BinaryFormula(CK_SQRT_GRAD)
    package static let rsqrtGrad = BinaryFormula(CK_RSQRT_GRAD)
    package static let reciprocalGrad = BinaryFormula(CK_RECIPROCAL_GRAD)
}

/// What an elementwise kernel of three operands computes.
package struct TernaryFormula: Hashable, Sendable {
    let code: UInt32

    private init(_ formula: ck_ternary) { code = formula.rawValue }

    /// At least the second, at most the third; the second where they contradict each other.
    package static let clip = TernaryFormula(CK_CLIP)
    /// The first where the second is positive, else the first times the third.
    package static let leakyReluGrad = TernaryFormula(CK_LEAKY_RELU_GRAD)
    /// Whether the first two are nearer to each other than the third.
    package static let near = TernaryFormula(CK_NEAR)
    /// The regularised incomplete beta function of the first two, at the third.
    package static let betainc = TernaryFormula(CK_BETAINC)
}
