internal import CKernels

/// What a unary elementwise kernel computes: the formulas of `ck_unary`, in its order.
package enum UnaryFormula: UInt32, CaseIterable, Sendable {
    case negate, abs
    /// -1, 0 or 1; NaN stays. Of a complex number, the number of magnitude 1 in its direction.
    case sign
    case square, sqrt
    /// 1 / sqrt x.
    case rsqrt
    case reciprocal, floor, ceil
    /// To the nearest whole number, halves to the even one.
    case round
    /// max(x, 0); NaN stays.
    case relu
    /// min(max(x, 0), 6); NaN stays.
    case relu6
    /// The same, but 0 for NaN.
    case reluOfNumbers
    /// The same, but 0 for NaN.
    case relu6OfNumbers
    /// x / (1 + |x|).
    case softsign
    /// Every bit.
    case invert
    /// Of booleans.
    case not
    /// How many bits are set, as uint8.
    case population
    /// The square root of any number; of integers without its fraction.
    case root
    case isNaN, isInfinite, isFinite, exp, expm1, log, log1p, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh,
        acosh, atanh, erf, erfc
    /// 1 / (1 + exp -x).
    case sigmoid
    case elu, selu
    /// log(1 + exp x).
    case softplus
    case erfinv, ndtri, lgamma, digamma, besselI0, besselI1, besselI0e, besselI1e, besselJ0, besselJ1, besselK0,
        besselK1, besselK0e, besselK1e, besselY0, besselY1, dawson, expint, fresnelSin, fresnelCos, spence, conjugate
    /// To the type of the parts, as the three after it.
    case real
    case imaginary, magnitude, angle
    /// x (1 + erf(x / sqrt 2)) / 2; float32 only, as the one after it.
    case gelu
    /// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
    case geluTanh

    /// How many formulas C has.
    package static var countInC: Int { Int(CK_UNARY_COUNT.rawValue) }

    var code: ck_unary { ck_unary(rawValue) }
}

/// What a binary elementwise kernel computes: the formulas of `ck_binary`, in its order.
package enum BinaryFormula: UInt32, CaseIterable, Sendable {
    case add, subtract, multiply
    /// Integers towards zero; by zero is a fault.
    case divide
    /// Floats only.
    case realDivide
    /// 0 where the divisor is 0; floats only.
    case divideNoNaN
    /// A negative exponent of an integer is a fault.
    case power
    /// NaN if either is.
    case maximum
    /// NaN if either is.
    case minimum
    case squaredDifference
    /// 0 where the second factor is 0; floats only.
    case multiplyNoNaN
    /// Towards zero, floats too.
    case truncateDivide
    /// Towards minus infinity.
    case floorDivide
    /// The rest of ``floorDivide``; it has the divisor's sign.
    case floorMod
    /// The rest of ``truncateDivide``; it has the dividend's sign.
    case truncateMod
    case equal, notEqual, greater, greaterEqual, less, lessEqual
    /// Of bits or booleans.
    case and
    /// Of bits or booleans.
    case or
    case xor
    /// The distance is held within the width.
    case shiftLeft
    /// The distance is held within the width.
    case shiftRight
    /// 0 where the first is 0, as in the two after it.
    case xdivy
    case xlogy, xlog1py, atan2, nextAfter, igamma, igammac, zeta, polygamma
    /// Two parts to a complex number.
    case complex
    case reluGrad, relu6Grad, eluGrad, seluGrad, softplusGrad, softsignGrad, tanhGrad, sigmoidGrad, sqrtGrad,
        rsqrtGrad, reciprocalGrad

    /// How many formulas C has.
    package static var countInC: Int { Int(CK_BINARY_COUNT.rawValue) }

    var code: ck_binary { ck_binary(rawValue) }

    /// What it means that an element has no value.
    var fault: Fault.Kind { self == .power ? .negativeIntegerPower : .integerDivisionByZero }
}

/// What an elementwise kernel of three operands computes: the formulas of `ck_ternary`, in its order.
package enum TernaryFormula: UInt32, CaseIterable, Sendable {
    /// At least the second, at most the third; the second where they contradict each other.
    case clip
    /// The first where the second is positive, else the first times the third.
    case leakyReluGrad
    /// Whether the first two are nearer to each other than the third.
    case near
    /// The regularised incomplete beta function of the first two, at the third.
    case betainc

    /// How many formulas C has.
    package static var countInC: Int { Int(CK_TERNARY_COUNT.rawValue) }

    var code: ck_ternary { ck_ternary(rawValue) }
}

extension UnaryFormula {
    /// The name, for people.
    var name: String { "\(self)" }

    /// About how long an element takes besides being moved.
    var picoseconds: Int {
        switch self {
        case .negate, .abs, .sign, .square, .sqrt, .rsqrt, .reciprocal, .floor, .ceil, .round, .invert, .not,
            .population,
            .isNaN, .isInfinite, .isFinite, .relu, .relu6, .reluOfNumbers, .relu6OfNumbers, .softsign, .conjugate,
            .real,
            .imaginary:
            0
        default: 800
        }
    }
}

extension BinaryFormula {
    /// The name, for people.
    var name: String { "\(self)" }

    /// About how long an element takes besides being moved.
    var picoseconds: Int {
        switch self {
        case .floorDivide, .floorMod, .truncateDivide, .truncateMod, .power, .xdivy, .xlogy, .xlog1py, .atan2, .igamma,
            .igammac, .zeta, .polygamma:
            3000
        default: 0
        }
    }
}

extension TernaryFormula {
    /// The name, for people.
    var name: String { "\(self)" }

    /// About how long an element takes besides being moved.
    var picoseconds: Int { self == .betainc ? 100_000 : 0 }
}
