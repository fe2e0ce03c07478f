// Complex numbers: two floats side by side. Functions are computed in double precision.
#include "ckernels_compile.h"
#include "ckernels_families.h"
#include "ckernels_types.h"
#include <math.h>

CK_INLINE double _Complex sign_of(double _Complex z) {
    const double magnitude = cabs(z);
    return magnitude == 0 ? 0 : ck_complex(creal(z) / magnitude, cimag(z) / magnitude);
}
// Without the loss near 0 that e^z - 1 has.
CK_INLINE double _Complex expm1_of(double _Complex z) {
    const double s = sin(cimag(z) / 2), e = expm1(creal(z));
    return ck_complex(e * cos(cimag(z)) - 2 * s * s, (e + 1) * sin(cimag(z)));
}
CK_INLINE double _Complex log1p_of(double _Complex z) {
    const double x = creal(z), y = cimag(z);
    return ck_complex(0.5 * log1p(x * (2 + x) + y * y), atan2(y, 1 + x));
}
// The quotient by Smith's method, which does not overflow where the result does not.
CK_INLINE double _Complex quotient(double _Complex a, double _Complex b) {
    const double p = creal(b), q = cimag(b);
    if (fabs(p) >= fabs(q)) {
        const double r = q / p, d = p + q * r;
        return ck_complex((creal(a) + cimag(a) * r) / d, (cimag(a) - creal(a) * r) / d);
    }
    const double r = p / q, d = p * r + q;
    return ck_complex((creal(a) * r + cimag(a)) / d, (cimag(a) * r - creal(a)) / d);
}
CK_INLINE double _Complex product(double _Complex a, double _Complex b) {
    return ck_complex(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b));
}

#define UNARIES(S, T, PART)                                                    \
    UNARY_CALLS(negate_##S, T, T, -x)                                          \
    UNARY_CALLS(square_##S, T, T, product(x, x))                               \
    UNARY_CALLS(sqrt_##S, T, T, csqrt(x))                                      \
    UNARY_CALLS(rsqrt_##S, T, T, quotient(1, csqrt(x)))                        \
    UNARY_CALLS(reciprocal_##S, T, T, quotient(1, x))                          \
    UNARY_CALLS(sign_##S, T, T, sign_of(x))                                    \
    UNARY_CALLS(exp_##S, T, T, cexp(x))                                        \
    UNARY_CALLS(expm1_##S, T, T, expm1_of(x))                                  \
    UNARY_CALLS(log_##S, T, T, clog(x))                                        \
    UNARY_CALLS(log1p_##S, T, T, log1p_of(x))                                  \
    UNARY_CALLS(sin_##S, T, T, csin(x))                                        \
    UNARY_CALLS(cos_##S, T, T, ccos(x))                                        \
    UNARY_CALLS(tan_##S, T, T, ctan(x))                                        \
    UNARY_CALLS(asin_##S, T, T, casin(x))                                      \
    UNARY_CALLS(acos_##S, T, T, cacos(x))                                      \
    UNARY_CALLS(atan_##S, T, T, catan(x))                                      \
    UNARY_CALLS(sinh_##S, T, T, csinh(x))                                      \
    UNARY_CALLS(cosh_##S, T, T, ccosh(x))                                      \
    UNARY_CALLS(tanh_##S, T, T, ctanh(x))                                      \
    UNARY_CALLS(asinh_##S, T, T, casinh(x))                                    \
    UNARY_CALLS(acosh_##S, T, T, cacosh(x))                                    \
    UNARY_CALLS(atanh_##S, T, T, catanh(x))                                    \
    UNARY_CALLS(sigmoid_##S, T, T, quotient(1, 1 + cexp(-x)))                  \
    UNARY_CALLS(conjugate_##S, T, T, conj(x))                                  \
    UNARY_CALLS(real_##S, T, PART, creal(x))                                   \
    UNARY_CALLS(imaginary_##S, T, PART, cimag(x))                              \
    UNARY_CALLS(magnitude_##S, T, PART, cabs(x))                               \
    UNARY_CALLS(angle_##S, T, PART, carg(x))
EACH_COMPLEX(UNARIES)

#define ROW(CODE, NAME) [CODE] = {COMPLEXES(NAME)}
const ck_unary_fn ck_unary_complex[CK_UNARY_COUNT][CK_TYPE_COUNT] = {
    ROW(CK_NEGATE, negate), ROW(CK_SQUARE, square),       ROW(CK_SQRT, sqrt),           ROW(CK_RSQRT, rsqrt),
    ROW(CK_ROOT, sqrt),
    ROW(CK_SIGN, sign),     ROW(CK_EXP, exp),             ROW(CK_EXPM1, expm1),         ROW(CK_LOG, log),
    ROW(CK_LOG1P, log1p),   ROW(CK_SIN, sin),             ROW(CK_COS, cos),             ROW(CK_TAN, tan),
    ROW(CK_ASIN, asin),     ROW(CK_ACOS, acos),           ROW(CK_ATAN, atan),           ROW(CK_SINH, sinh),
    ROW(CK_COSH, cosh),     ROW(CK_TANH, tanh),           ROW(CK_ASINH, asinh),         ROW(CK_ACOSH, acosh),
    ROW(CK_ATANH, atanh),   ROW(CK_SIGMOID, sigmoid),     ROW(CK_CONJUGATE, conjugate), ROW(CK_REAL, real),
    ROW(CK_ANGLE, angle),   ROW(CK_IMAGINARY, imaginary), ROW(CK_MAGNITUDE, magnitude), ROW(CK_RECIPROCAL, reciprocal),
};

#define BINARY_TO(NAME, T, RESULT, EXPRESSION) \
    static int NAME(BINARY_PARAMETERS) { BINARY_LOOPS(, T, RESULT, EXPRESSION) return 0; }

#define IS_ZERO(X) (creal(X) == 0 && cimag(X) == 0)
#define BINARIES(S, T, PART)                                                                  \
    BINARY_CALLS(add_##S, T, a + b)                                                           \
    BINARY_CALLS(subtract_##S, T, a - b)                                                      \
    BINARY_CALLS(multiply_##S, T, product(a, b))                                              \
    BINARY_CALLS(divide_##S, T, quotient(a, b))                                               \
    BINARY_CALLS(divide_no_nan_##S, T, IS_ZERO(b) ? 0 : quotient(a, b))                       \
    BINARY_CALLS(multiply_no_nan_##S, T, IS_ZERO(b) ? 0 : product(a, b))                      \
    BINARY_CALLS(power_##S, T, power_of(a, b))                                                \
    BINARY_CALLS(squared_difference_##S, T, product(conj(a - b), a - b))                      \
    BINARY_CALLS(xdivy_##S, T, IS_ZERO(a) ? 0 : quotient(a, b))                               \
    BINARY_CALLS(xlogy_##S, T, IS_ZERO(a) ? 0 : product(a, clog(b)))                          \
    BINARY_CALLS(xlog1py_##S, T, IS_ZERO(a) ? 0 : product(a, log1p_of(b)))                    \
    BINARY_TO(equal_##S, T, uint8_t, a == b)                                                  \
    BINARY_TO(not_equal_##S, T, uint8_t, a != b)                                              \
    BINARY_TO(complex_##S, PART, T, ck_complex(a, b))

CK_INLINE double _Complex power_of(double _Complex a, double _Complex b) {
    if (IS_ZERO(a)) return IS_ZERO(b) ? 1 : creal(b) > 0 ? 0 : cpow(a, b);
    return cpow(a, b);
}
EACH_COMPLEX(BINARIES)

const ck_binary_fn ck_binary_complex[CK_BINARY_COUNT][CK_TYPE_COUNT] = {
    ROW(CK_ADD, add), ROW(CK_SUBTRACT, subtract), ROW(CK_MULTIPLY, multiply), ROW(CK_DIVIDE, divide),
    ROW(CK_REAL_DIVIDE, divide), ROW(CK_DIVIDE_NO_NAN, divide_no_nan), ROW(CK_MULTIPLY_NO_NAN, multiply_no_nan),
    ROW(CK_POWER, power), ROW(CK_SQUARED_DIFFERENCE, squared_difference), ROW(CK_XDIVY, xdivy), ROW(CK_XLOGY, xlogy),
    ROW(CK_XLOG1PY, xlog1py), ROW(CK_EQUAL, equal), ROW(CK_NOT_EQUAL, not_equal),
    [CK_COMPLEX] = {[CK_FLOAT32] = complex_c64, [CK_FLOAT64] = complex_c128},
};
