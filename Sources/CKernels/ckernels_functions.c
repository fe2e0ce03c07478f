// Loops over special functions, computed in double precision, and over functions of two numbers.
#include "ckernels_compile.h"
#include "ckernels_families.h"
#include "ckernels_math.h"
#include "ckernels_narrow.h"
#include "ckernels_special.h"
#include "ckernels_types.h"

#define SPECIAL(NAME)                                      \
    UNARY_CALLS(NAME##_f32, float, float, ck_##NAME(x))    \
    UNARY_CALLS(NAME##_f64, double, double, ck_##NAME(x))
SPECIAL(erfinv)
SPECIAL(ndtri)
SPECIAL(lgamma)
SPECIAL(digamma)
SPECIAL(bessel_i0)
SPECIAL(bessel_i1)
SPECIAL(bessel_i0e)
SPECIAL(bessel_i1e)
SPECIAL(bessel_k0)
SPECIAL(bessel_k1)
SPECIAL(bessel_k0e)
SPECIAL(bessel_k1e)
SPECIAL(dawson)
SPECIAL(expint)
SPECIAL(fresnel_sin)
SPECIAL(fresnel_cos)
SPECIAL(spence)

#define LIBRARY(NAME, FUNCTION)                            \
    UNARY_CALLS(NAME##_f32, float, float, FUNCTION(x))     \
    UNARY_CALLS(NAME##_f64, double, double, FUNCTION(x))
double j0(double), j1(double), y0(double), y1(double);
LIBRARY(bessel_j0, j0)
LIBRARY(bessel_j1, j1)
// As TensorFlow has it also below 0, where there is no value.
#define BELOW_ZERO(FUNCTION, X) (X <= 0 ? -(double)INFINITY : FUNCTION(X))
UNARY_CALLS(bessel_y0_f32, float, float, BELOW_ZERO(y0, x))
UNARY_CALLS(bessel_y0_f64, double, double, BELOW_ZERO(y0, x))
UNARY_CALLS(bessel_y1_f32, float, float, BELOW_ZERO(y1, x))
UNARY_CALLS(bessel_y1_f64, double, double, BELOW_ZERO(y1, x))

const ck_unary_fn ck_unary_special[CK_UNARY_COUNT][CK_TYPE_COUNT] = {
    [CK_ERFINV] = {FLOATS(erfinv)},         [CK_NDTRI] = {FLOATS(ndtri)},
    [CK_LGAMMA] = {FLOATS(lgamma)},         [CK_DIGAMMA] = {FLOATS(digamma)},
    [CK_BESSEL_I0] = {FLOATS(bessel_i0)},   [CK_BESSEL_I1] = {FLOATS(bessel_i1)},
    [CK_BESSEL_I0E] = {FLOATS(bessel_i0e)}, [CK_BESSEL_I1E] = {FLOATS(bessel_i1e)},
    [CK_BESSEL_J0] = {FLOATS(bessel_j0)},   [CK_BESSEL_J1] = {FLOATS(bessel_j1)},
    [CK_BESSEL_K0] = {FLOATS(bessel_k0)},   [CK_BESSEL_K1] = {FLOATS(bessel_k1)},
    [CK_BESSEL_K0E] = {FLOATS(bessel_k0e)}, [CK_BESSEL_K1E] = {FLOATS(bessel_k1e)},
    [CK_BESSEL_Y0] = {FLOATS(bessel_y0)},   [CK_BESSEL_Y1] = {FLOATS(bessel_y1)},
    [CK_DAWSON] = {FLOATS(dawson)},         [CK_EXPINT] = {FLOATS(expint)},
    [CK_FRESNEL_SIN] = {FLOATS(fresnel_sin)}, [CK_FRESNEL_COS] = {FLOATS(fresnel_cos)},
    [CK_SPENCE] = {FLOATS(spence)},
};

BINARY_MATH(any_power_f32, float, CK_LOOP_F64, ck_pow_f32(a, b))
BINARY_CALLS(any_power_f64, double, pow(a, b))
// Squares and cubes are what most graphs want of a power; TensorFlow's optimiser makes products of them too.
#define POWER(S, T)                                                                               \
    BINARY(square_##S, T, T, a * a)                                                               \
    BINARY(cube_##S, T, T, a * (a * a))                                                           \
    static int power_##S(BINARY_PARAMETERS) {                                                     \
        if (step_b == 0 && *(const T *)right == 2) return square_##S(left, 1, right, 0, ys, n);   \
        if (step_b == 0 && *(const T *)right == 3) return cube_##S(left, 1, right, 0, ys, n);     \
        return any_power_##S(left, step_a, right, step_b, ys, n);                                 \
    }
EACH_FLOAT(POWER)

CK_INLINE double floor_mod(double a, double b) {
    const double rest = fmod(a, b);
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
}

#define TWO(NAME, EXPRESSION)                       \
    BINARY_CALLS(NAME##_f32, float, EXPRESSION)     \
    BINARY_CALLS(NAME##_f64, double, EXPRESSION)
TWO(truncate_mod, fmod(a, b))
TWO(floor_mod, floor_mod(a, b))
TWO(xdivy, a == 0 ? 0 : a / b)
TWO(xlogy, a == 0 ? 0 : a * log(b))
TWO(xlog1py, a == 0 ? 0 : a * log1p(b))
BINARY_CALLS(atan2_f32, float, atan2f(a, b))
BINARY_CALLS(atan2_f64, double, atan2(a, b))
BINARY_CALLS(next_after_f32, float, nextafterf(a, b))
BINARY_CALLS(next_after_f64, double, nextafter(a, b))
TWO(igamma, ck_igamma(a, b))
TWO(igammac, ck_igammac(a, b))
TWO(zeta, ck_zeta(a, b))
TWO(polygamma, ck_polygamma(a, b))

// The quotient is rounded to the narrow type before it is cut to a whole number.
#define NARROW(S, ROUND)                                                                                 \
    ck_to_##S(ROUND(ck_from_##S(ck_to_##S(ck_from_##S(a) / ck_from_##S(b)))))
BINARY(floor_divide_f16, uint16_t, uint16_t, NARROW(f16, __builtin_elementwise_floor))
BINARY(floor_divide_bf16, uint16_t, uint16_t, NARROW(bf16, __builtin_elementwise_floor))
BINARY(truncate_divide_f16, uint16_t, uint16_t, NARROW(f16, __builtin_elementwise_trunc))
BINARY(truncate_divide_bf16, uint16_t, uint16_t, NARROW(bf16, __builtin_elementwise_trunc))

const ck_binary_fn ck_binary_functions[CK_BINARY_COUNT][CK_TYPE_COUNT] = {
    [CK_POWER] = {FLOATS(power)},         [CK_TRUNCATE_MOD] = {FLOATS(truncate_mod)},
    [CK_FLOOR_MOD] = {FLOATS(floor_mod)}, [CK_XDIVY] = {FLOATS(xdivy)},
    [CK_XLOGY] = {FLOATS(xlogy)},         [CK_XLOG1PY] = {FLOATS(xlog1py)},
    [CK_ATAN2] = {FLOATS(atan2)},         [CK_NEXT_AFTER] = {FLOATS(next_after)},
    [CK_IGAMMA] = {FLOATS(igamma)},       [CK_IGAMMAC] = {FLOATS(igammac)},
    [CK_FLOOR_DIVIDE] = {[CK_FLOAT16] = floor_divide_f16, [CK_BFLOAT16] = floor_divide_bf16},
    [CK_TRUNCATE_DIVIDE] = {[CK_FLOAT16] = truncate_divide_f16, [CK_BFLOAT16] = truncate_divide_bf16},
    [CK_ZETA] = {FLOATS(zeta)},           [CK_POLYGAMMA] = {FLOATS(polygamma)},
};
