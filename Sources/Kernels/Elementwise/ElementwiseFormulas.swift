internal import CKernels

/// What a unary elementwise kernel computes.
package struct UnaryFormula: Hashable, Sendable {
    let code: UInt32
    /// For people.
    let name: String

    private init(_ formula: ck_unary, _ name: String) {
        code = formula.rawValue
        self.name = name
    }

    package static let negate = UnaryFormula(CK_NEGATE, "negate")
    package static let abs = UnaryFormula(CK_ABS, "abs")
    /// -1, 0 or 1; NaN stays. Of a complex number, the number of magnitude 1 in its direction.
    package static let sign = UnaryFormula(CK_SIGN, "sign")
    package static let square = UnaryFormula(CK_SQUARE, "square")
    package static let sqrt = UnaryFormula(CK_SQRT, "sqrt")
    /// 1 / sqrt x.
    package static let rsqrt = UnaryFormula(CK_RSQRT, "rsqrt")
    package static let reciprocal = UnaryFormula(CK_RECIPROCAL, "reciprocal")
    package static let floor = UnaryFormula(CK_FLOOR, "floor")
    package static let ceil = UnaryFormula(CK_CEIL, "ceil")
    /// To the nearest whole number, halves to the even one.
    package static let round = UnaryFormula(CK_ROUND, "round")
    /// Every bit.
    package static let invert = UnaryFormula(CK_INVERT, "invert")
    /// Of booleans.
    package static let not = UnaryFormula(CK_NOT, "not")
    /// How many bits are set, as uint8.
    package static let population = UnaryFormula(CK_POPULATION, "population")
    package static let isNaN = UnaryFormula(CK_IS_NAN, "isNaN")
    package static let isInfinite = UnaryFormula(CK_IS_INFINITE, "isInfinite")
    package static let isFinite = UnaryFormula(CK_IS_FINITE, "isFinite")
}

// Elementary functions.
extension UnaryFormula {
    package static let exp = UnaryFormula(CK_EXP, "exp")
    package static let expm1 = UnaryFormula(CK_EXPM1, "expm1")
    package static let log = UnaryFormula(CK_LOG, "log")
    package static let log1p = UnaryFormula(CK_LOG1P, "log1p")
    package static let sin = UnaryFormula(CK_SIN, "sin")
    package static let cos = UnaryFormula(CK_COS, "cos")
    package static let tan = UnaryFormula(CK_TAN, "tan")
    package static let asin = UnaryFormula(CK_ASIN, "asin")
    package static let acos = UnaryFormula(CK_ACOS, "acos")
    package static let atan = UnaryFormula(CK_ATAN, "atan")
    package static let sinh = UnaryFormula(CK_SINH, "sinh")
    package static let cosh = UnaryFormula(CK_COSH, "cosh")
    package static let tanh = UnaryFormula(CK_TANH, "tanh")
    package static let asinh = UnaryFormula(CK_ASINH, "asinh")
    package static let acosh = UnaryFormula(CK_ACOSH, "acosh")
    package static let atanh = UnaryFormula(CK_ATANH, "atanh")
    package static let erf = UnaryFormula(CK_ERF, "erf")
    package static let erfc = UnaryFormula(CK_ERFC, "erfc")
    /// 1 / (1 + exp -x).
    package static let sigmoid = UnaryFormula(CK_SIGMOID, "sigmoid")
}

// Activations.
extension UnaryFormula {
    /// max(x, 0); NaN stays.
    package static let relu = UnaryFormula(CK_RELU, "relu")
    /// min(max(x, 0), 6); NaN stays.
    package static let relu6 = UnaryFormula(CK_RELU6, "relu6")
    /// The same, but 0 for NaN.
    package static let reluOfNumbers = UnaryFormula(CK_RELU_NUMBER, "reluOfNumbers")
    /// The same, but 0 for NaN.
    package static let relu6OfNumbers = UnaryFormula(CK_RELU6_NUMBER, "relu6OfNumbers")
    package static let elu = UnaryFormula(CK_ELU, "elu")
    package static let selu = UnaryFormula(CK_SELU, "selu")
    /// log(1 + exp x).
    package static let softplus = UnaryFormula(CK_SOFTPLUS, "softplus")
    /// x / (1 + |x|).
    package static let softsign = UnaryFormula(CK_SOFTSIGN, "softsign")
}

// Special functions.
extension UnaryFormula {
    package static let erfinv = UnaryFormula(CK_ERFINV, "erfinv")
    package static let ndtri = UnaryFormula(CK_NDTRI, "ndtri")
    package static let lgamma = UnaryFormula(CK_LGAMMA, "lgamma")
    package static let digamma = UnaryFormula(CK_DIGAMMA, "digamma")
    package static let besselI0 = UnaryFormula(CK_BESSEL_I0, "besselI0")
    package static let besselI1 = UnaryFormula(CK_BESSEL_I1, "besselI1")
    package static let besselI0e = UnaryFormula(CK_BESSEL_I0E, "besselI0e")
    package static let besselI1e = UnaryFormula(CK_BESSEL_I1E, "besselI1e")
    package static let besselJ0 = UnaryFormula(CK_BESSEL_J0, "besselJ0")
    package static let besselJ1 = UnaryFormula(CK_BESSEL_J1, "besselJ1")
    package static let besselK0 = UnaryFormula(CK_BESSEL_K0, "besselK0")
    package static let besselK1 = UnaryFormula(CK_BESSEL_K1, "besselK1")
    package static let besselK0e = UnaryFormula(CK_BESSEL_K0E, "besselK0e")
    package static let besselK1e = UnaryFormula(CK_BESSEL_K1E, "besselK1e")
    package static let besselY0 = UnaryFormula(CK_BESSEL_Y0, "besselY0")
    package static let besselY1 = UnaryFormula(CK_BESSEL_Y1, "besselY1")
    package static let dawson = UnaryFormula(CK_DAWSON, "dawson")
    package static let expint = UnaryFormula(CK_EXPINT, "expint")
    package static let fresnelSin = UnaryFormula(CK_FRESNEL_SIN, "fresnelSin")
    package static let fresnelCos = UnaryFormula(CK_FRESNEL_COS, "fresnelCos")
    package static let spence = UnaryFormula(CK_SPENCE, "spence")
}

// Of complex numbers.
extension UnaryFormula {
    package static let conjugate = UnaryFormula(CK_CONJUGATE, "conjugate")
    /// To the type of the parts, as the three after it.
    package static let real = UnaryFormula(CK_REAL, "real")
    package static let imaginary = UnaryFormula(CK_IMAGINARY, "imaginary")
    package static let magnitude = UnaryFormula(CK_MAGNITUDE, "magnitude")
    package static let angle = UnaryFormula(CK_ANGLE, "angle")
}

extension UnaryFormula {
    private static let plain: Set<UnaryFormula> = [
        .negate, .abs, .sign, .square, .sqrt, .rsqrt, .reciprocal, .floor, .ceil, .round, .invert, .not, .population,
        .isNaN,
        .isInfinite, .isFinite, .relu, .relu6, .reluOfNumbers, .relu6OfNumbers, .softsign, .conjugate, .real,
        .imaginary,
    ]

    /// About how long an element takes besides being moved.
    var picoseconds: Int { Self.plain.contains(self) ? 0 : 800 }
}

/// What a binary elementwise kernel computes.
package struct BinaryFormula: Hashable, Sendable {
    let code: UInt32
    /// For people.
    let name: String

    private init(_ formula: ck_binary, _ name: String) {
        code = formula.rawValue
        self.name = name
    }

    package static let add = BinaryFormula(CK_ADD, "add")
    package static let subtract = BinaryFormula(CK_SUBTRACT, "subtract")
    package static let multiply = BinaryFormula(CK_MULTIPLY, "multiply")
    /// Integers towards zero; by zero is a fault.
    package static let divide = BinaryFormula(CK_DIVIDE, "divide")
    /// Floats only.
    package static let realDivide = BinaryFormula(CK_REAL_DIVIDE, "realDivide")
    /// 0 where the divisor is 0; floats only.
    package static let divideNoNaN = BinaryFormula(CK_DIVIDE_NO_NAN, "divideNoNaN")
    /// 0 where the second factor is 0; floats only.
    package static let multiplyNoNaN = BinaryFormula(CK_MULTIPLY_NO_NAN, "multiplyNoNaN")
    /// Towards zero, floats too.
    package static let truncateDivide = BinaryFormula(CK_TRUNCATE_DIVIDE, "truncateDivide")
    /// Towards minus infinity.
    package static let floorDivide = BinaryFormula(CK_FLOOR_DIVIDE, "floorDivide")
    /// The rest of ``floorDivide``; it has the divisor's sign.
    package static let floorMod = BinaryFormula(CK_FLOOR_MOD, "floorMod")
    /// The rest of ``truncateDivide``; it has the dividend's sign.
    package static let truncateMod = BinaryFormula(CK_TRUNCATE_MOD, "truncateMod")
    /// A negative exponent of an integer is a fault.
    package static let power = BinaryFormula(CK_POWER, "power")
    /// NaN if either is.
    package static let maximum = BinaryFormula(CK_MAXIMUM, "maximum")
    /// NaN if either is.
    package static let minimum = BinaryFormula(CK_MINIMUM, "minimum")
    package static let squaredDifference = BinaryFormula(CK_SQUARED_DIFFERENCE, "squaredDifference")
    package static let equal = BinaryFormula(CK_EQUAL, "equal")
    package static let notEqual = BinaryFormula(CK_NOT_EQUAL, "notEqual")
    package static let greater = BinaryFormula(CK_GREATER, "greater")
    package static let greaterEqual = BinaryFormula(CK_GREATER_EQUAL, "greaterEqual")
    package static let less = BinaryFormula(CK_LESS, "less")
    package static let lessEqual = BinaryFormula(CK_LESS_EQUAL, "lessEqual")
    /// Of bits or booleans.
    package static let and = BinaryFormula(CK_AND, "and")
    /// Of bits or booleans.
    package static let or = BinaryFormula(CK_OR, "or")
    package static let xor = BinaryFormula(CK_XOR, "xor")
    /// The distance is held within the width.
    package static let shiftLeft = BinaryFormula(CK_SHIFT_LEFT, "shiftLeft")
    /// The distance is held within the width.
    package static let shiftRight = BinaryFormula(CK_SHIFT_RIGHT, "shiftRight")

    /// What it means that an element has no value.
    var fault: Fault.Kind { self == .power ? .negativeIntegerPower : .integerDivisionByZero }
}

// Functions.
extension BinaryFormula {
    /// 0 where the first is 0, as in the two after it.
    package static let xdivy = BinaryFormula(CK_XDIVY, "xdivy")
    package static let xlogy = BinaryFormula(CK_XLOGY, "xlogy")
    package static let xlog1py = BinaryFormula(CK_XLOG1PY, "xlog1py")
    package static let atan2 = BinaryFormula(CK_ATAN2, "atan2")
    package static let nextAfter = BinaryFormula(CK_NEXT_AFTER, "nextAfter")
    package static let igamma = BinaryFormula(CK_IGAMMA, "igamma")
    package static let igammac = BinaryFormula(CK_IGAMMAC, "igammac")
    package static let zeta = BinaryFormula(CK_ZETA, "zeta")
    package static let polygamma = BinaryFormula(CK_POLYGAMMA, "polygamma")
    /// Two parts to a complex number.
    package static let complex = BinaryFormula(CK_COMPLEX, "complex")
}

// Gradients.
extension BinaryFormula {
    package static let reluGrad = BinaryFormula(CK_RELU_GRAD, "reluGrad")
    package static let relu6Grad = BinaryFormula(CK_RELU6_GRAD, "relu6Grad")
    package static let eluGrad = BinaryFormula(CK_ELU_GRAD, "eluGrad")
    package static let seluGrad = BinaryFormula(CK_SELU_GRAD, "seluGrad")
    package static let softplusGrad = BinaryFormula(CK_SOFTPLUS_GRAD, "softplusGrad")
    package static let softsignGrad = BinaryFormula(CK_SOFTSIGN_GRAD, "softsignGrad")
    package static let tanhGrad = BinaryFormula(CK_TANH_GRAD, "tanhGrad")
    package static let sigmoidGrad = BinaryFormula(CK_SIGMOID_GRAD, "sigmoidGrad")
    package static let sqrtGrad = BinaryFormula(CK_SQRT_GRAD, "sqrtGrad")
    package static let rsqrtGrad = BinaryFormula(CK_RSQRT_GRAD, "rsqrtGrad")
    package static let reciprocalGrad = BinaryFormula(CK_RECIPROCAL_GRAD, "reciprocalGrad")
}

extension BinaryFormula {
    private static let slow: Set<BinaryFormula> = [
        .floorDivide, .floorMod, .truncateDivide, .truncateMod, .power, .xdivy, .xlogy, .xlog1py, .atan2, .igamma,
        .igammac, .zeta,
        .polygamma,
    ]

    /// About how long an element takes besides being moved.
    var picoseconds: Int { Self.slow.contains(self) ? 3000 : 0 }
}

/// What an elementwise kernel of three operands computes.
package struct TernaryFormula: Hashable, Sendable {
    let code: UInt32
    /// For people.
    let name: String

    private init(_ formula: ck_ternary, _ name: String) {
        code = formula.rawValue
        self.name = name
    }

    /// At least the second, at most the third; the second where they contradict each other.
    package static let clip = TernaryFormula(CK_CLIP, "clip")
    /// The first where the second is positive, else the first times the third.
    package static let leakyReluGrad = TernaryFormula(CK_LEAKY_RELU_GRAD, "leakyReluGrad")
    /// Whether the first two are nearer to each other than the third.
    package static let near = TernaryFormula(CK_NEAR, "near")
    /// The regularised incomplete beta function of the first two, at the third.
    package static let betainc = TernaryFormula(CK_BETAINC, "betainc")
}
