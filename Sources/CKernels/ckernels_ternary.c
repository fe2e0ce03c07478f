#include "ckernels_compile.h"
#include "ckernels_families.h"
#include "ckernels_narrow.h"
#include "ckernels_special.h"
#include "ckernels_types.h"

#define TERNARY_PARAMETERS                                                                                            \
    const void *xs, ptrdiff_t step_a, const void *ys, ptrdiff_t step_b, const void *zs, ptrdiff_t step_c, void *to, \
        ptrdiff_t n

#define TERNARY_LOOP(LOOP, T, RESULT, A, B, C, EXPRESSION)          \
    LOOP for (ptrdiff_t i = 0; i < n; i++) {                        \
        const T a = as[A], b = bs[B], c = cs[C];                    \
        out[i] = (RESULT)(EXPRESSION);                              \
    }

// Whole operands and single ones are what most calls have; others go element by element.
#define TERNARY(NAME, T, RESULT, EXPRESSION)                                                              \
    CK_MULTIVERSION_LIGHT static void NAME(TERNARY_PARAMETERS) {                                          \
        const T *as = xs, *bs = ys, *cs = zs;                                                             \
        RESULT *out = to;                                                                                 \
        if (step_a && step_b && step_c) {                                                                 \
            TERNARY_LOOP(CK_LOOP, T, RESULT, i, i, i, EXPRESSION)                                         \
        } else if (step_a && step_b) {                                                                    \
            TERNARY_LOOP(CK_LOOP, T, RESULT, i, i, 0, EXPRESSION)                                         \
        } else if (step_a && !step_c) {                                                                   \
            TERNARY_LOOP(CK_LOOP, T, RESULT, i, 0, 0, EXPRESSION)                                         \
        } else {                                                                                          \
            TERNARY_LOOP(, T, RESULT, i * step_a, i * step_b, i * step_c, EXPRESSION)                     \
        }                                                                                                 \
    }

#define CLIP(S, T) TERNARY(clip_##S, T, T, (a < c ? a : c) > b ? (a < c ? a : c) : b)
EACH_SIGNED(CLIP)
EACH_UNSIGNED(CLIP)

// NaN stays.
#define FLOATING(S, T)                                                              \
    TERNARY(clip_##S, T, T, (a > c ? c : a) < b ? b : a > c ? c : a)                \
    TERNARY(near_##S, T, uint8_t, __builtin_elementwise_abs(a - b) < c)             \
    static void betainc_##S(TERNARY_PARAMETERS) {                                   \
        const T *as = xs, *bs = ys, *cs = zs;                                       \
        T *out = to;                                                                \
        TERNARY_LOOP(, T, T, i * step_a, i * step_b, i * step_c, ck_betainc(a, b, c)) \
    }
EACH_FLOAT(FLOATING)

// Both parts on their own.
CK_INLINE double clip(double a, double b, double c) { return (a > c ? c : a) < b ? b : a > c ? c : a; }
#define CLIP_PARTS(S, T, PART) \
    TERNARY(clip_##S, T, T, ck_complex(clip(creal(a), creal(b), creal(c)), clip(cimag(a), cimag(b), cimag(c))))
EACH_COMPLEX(CLIP_PARTS)

#define LEAKY(S, T) TERNARY(leaky_relu_grad_##S, T, T, b > 0 ? a : a * c)
EACH_FLOAT(LEAKY)
EACH_SIGNED(LEAKY)
EACH_UNSIGNED(LEAKY)

ck_ternary_fn ck_ternary_loop(ck_ternary formula, int type) {
    static const ck_ternary_fn loops[CK_TERNARY_COUNT][CK_TYPE_COUNT] = {
        [CK_CLIP] = {FLOATS(clip), SIGNED(clip), UNSIGNED(clip), COMPLEXES(clip)},
        [CK_LEAKY_RELU_GRAD] = {FLOATS(leaky_relu_grad), SIGNED(leaky_relu_grad), UNSIGNED(leaky_relu_grad)},
        [CK_NEAR] = {FLOATS(near)},
        [CK_BETAINC] = {FLOATS(betainc)},
    };
    const bool known = (unsigned)formula < CK_TERNARY_COUNT && type >= 0 && type < CK_TYPE_COUNT;
    return known ? loops[formula][type] : NULL;
}

// Rows of three elements. DIFFERENCE(a, b, c, d) is ab - cd.
#define CROSS(S, T, DIFFERENCE)                                                            \
    static void cross_##S(const void *xs, const void *ys, void *to, ptrdiff_t rows) {      \
        const T *a = xs, *b = ys;                                                          \
        T *out = to;                                                                       \
        for (; rows > 0; rows--, a += 3, b += 3, out += 3) {                               \
            const T x = (T)DIFFERENCE(a[1], b[2], a[2], b[1]);                             \
            const T y = (T)DIFFERENCE(a[2], b[0], a[0], b[2]);                             \
            const T z = (T)DIFFERENCE(a[0], b[1], a[1], b[0]);                             \
            out[0] = x, out[1] = y, out[2] = z;                                            \
        }                                                                                  \
    }

#define FLOAT_DIFFERENCE(A, B, C, D) (A * B - C * D)
#define FLOAT_CROSS(S, T) CROSS(S, T, FLOAT_DIFFERENCE)
EACH_FLOAT(FLOAT_CROSS)

// Integers wrap around: 1u keeps small ones from becoming signed.
#define INTEGER_DIFFERENCE(A, B, C, D) (1u * A * B - 1u * C * D)
#define INTEGER_CROSS(S, T) CROSS(S, T, INTEGER_DIFFERENCE)
EACH_UNSIGNED(INTEGER_CROSS)

// The products are rounded to the narrow type before they are subtracted.
#define NARROW_PRODUCT(S, A, B) ck_from_##S(ck_to_##S(ck_from_##S(A) * ck_from_##S(B)))
#define F16_DIFFERENCE(A, B, C, D) ck_to_f16(NARROW_PRODUCT(f16, A, B) - NARROW_PRODUCT(f16, C, D))
#define BF16_DIFFERENCE(A, B, C, D) ck_to_bf16(NARROW_PRODUCT(bf16, A, B) - NARROW_PRODUCT(bf16, C, D))
CROSS(f16, uint16_t, F16_DIFFERENCE)
CROSS(bf16, uint16_t, BF16_DIFFERENCE)

ck_cross_fn ck_cross_loop(int type) {
    static const ck_cross_fn loops[CK_TYPE_COUNT] = {
        FLOATS(cross), SIGNED_BITS(cross), UNSIGNED(cross), [CK_FLOAT16] = cross_f16, [CK_BFLOAT16] = cross_bf16};
    return type >= 0 && type < CK_TYPE_COUNT ? loops[type] : NULL;
}
