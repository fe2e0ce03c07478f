#include "ckernels_compile.h"
#include "ckernels_families.h"
#include "ckernels_types.h"
#include <math.h>
#include <string.h>

#define FLOATING(S, T)                                                              \
    UNARY(negate_##S, T, T, -x)                                                     \
    UNARY(abs_##S, T, T, __builtin_elementwise_abs(x))                              \
    UNARY(sign_##S, T, T, x != x ? x : (T)(x > 0) - (T)(x < 0))                     \
    UNARY(square_##S, T, T, x * x)                                                  \
    UNARY(sqrt_##S, T, T, __builtin_elementwise_sqrt(x))                            \
    UNARY(rsqrt_##S, T, T, 1 / __builtin_elementwise_sqrt(x))                       \
    UNARY(reciprocal_##S, T, T, 1 / x)                                              \
    UNARY(floor_##S, T, T, __builtin_elementwise_floor(x))                          \
    UNARY(ceil_##S, T, T, __builtin_elementwise_ceil(x))                            \
    UNARY(round_##S, T, T, __builtin_elementwise_roundeven(x))                                          \
    UNARY(relu_##S, T, T, x < 0 ? 0 : x)                                            \
    UNARY(relu6_##S, T, T, x < 0 ? 0 : x > 6 ? 6 : x)                               \
    UNARY(relu_number_##S, T, T, x > 0 ? x : 0)                                     \
    UNARY(relu6_number_##S, T, T, x > 0 ? (x > 6 ? 6 : x) : 0)                      \
    UNARY(softsign_##S, T, T, x / (1 + __builtin_elementwise_abs(x)))               \
    UNARY(is_nan_##S, T, uint8_t, x != x)                                           \
    UNARY(is_infinite_##S, T, uint8_t, __builtin_elementwise_abs(x) == (T)INFINITY) \
    UNARY(is_finite_##S, T, uint8_t, __builtin_elementwise_abs(x) < (T)INFINITY)
EACH_FLOAT(FLOATING)

// Integers wrap around, so signed ones go through the unsigned type of their width.
#define BITS(S, T)                                                            \
    UNARY(negate_##S, T, T, 0u - x)                                           \
    UNARY(square_##S, T, T, 1u * x * x)                                       \
    UNARY(invert_##S, T, T, ~x)                                               \
    UNARY(relu6_##S, T, T, x > 6 ? 6 : x)                                     \
    UNARY_CALLS(population_##S, T, uint8_t, __builtin_popcountll(x))           \
    static void keep_##S(const void *x, void *y, ptrdiff_t n) { memmove(y, x, (size_t)n * sizeof(T)); }
EACH_UNSIGNED(BITS)

#define SIGNED_LOOPS(S, T)                                            \
    UNARY(abs_##S, T, T, x < 0 ? 0u - (uint64_t)x : (uint64_t)x)      \
    UNARY(sign_##S, T, T, (x > 0) - (x < 0))                          \
    UNARY(relu_##S, T, T, x < 0 ? 0 : x)                              \
    UNARY(relu6_##S, T, T, x < 0 ? 0 : x > 6 ? 6 : x)
EACH_SIGNED(SIGNED_LOOPS)

#define ROOT(S, T) UNARY_CALLS(root_##S, T, T, sqrt((double)x))
EACH_SIGNED(ROOT)
EACH_UNSIGNED(ROOT)

UNARY(not_bool, uint8_t, uint8_t, x == 0)

const ck_unary_fn ck_unary_arithmetic[CK_UNARY_COUNT][CK_TYPE_COUNT] = {
    [CK_NEGATE] = {FLOATS(negate), SIGNED_BITS(negate)},
    [CK_ABS] = {FLOATS(abs), SIGNED(abs)},
    [CK_SIGN] = {FLOATS(sign), SIGNED(sign)},
    [CK_SQUARE] = {FLOATS(square), SIGNED_BITS(square), UNSIGNED(square)},
    [CK_SQRT] = {FLOATS(sqrt)},
    [CK_RSQRT] = {FLOATS(rsqrt)},
    [CK_RECIPROCAL] = {FLOATS(reciprocal)},
    [CK_FLOOR] = {FLOATS(floor)},
    [CK_CEIL] = {FLOATS(ceil)},
    [CK_ROUND] = {FLOATS(round), [CK_INT32] = keep_u32, [CK_INT64] = keep_u64},
    [CK_RELU] = {FLOATS(relu), SIGNED(relu), UNSIGNED(keep)},
    [CK_RELU_NUMBER] = {FLOATS(relu_number), SIGNED(relu), UNSIGNED(keep)},
    [CK_RELU6_NUMBER] = {FLOATS(relu6_number), SIGNED(relu6), UNSIGNED(relu6)},
    [CK_RELU6] = {FLOATS(relu6), SIGNED(relu6), UNSIGNED(relu6)},
    [CK_SOFTSIGN] = {FLOATS(softsign)},
    [CK_INVERT] = {SIGNED_BITS(invert), UNSIGNED(invert)},
    [CK_NOT] = {[CK_BOOL] = not_bool},
    [CK_POPULATION] = {SIGNED_BITS(population), UNSIGNED(population)},
    [CK_ROOT] = {FLOATS(sqrt), SIGNED(root), UNSIGNED(root)},
    [CK_IS_NAN] = {FLOATS(is_nan)},
    [CK_IS_INFINITE] = {FLOATS(is_infinite)},
    [CK_IS_FINITE] = {FLOATS(is_finite)},
};

ck_unary_fn ck_unary_loop(ck_unary formula, int type) {
    static const ck_unary_table tables[] = {
        ck_unary_arithmetic, ck_unary_elementary, ck_unary_special, ck_unary_complex,
    };
    if ((unsigned)formula >= CK_UNARY_COUNT || type < 0 || type >= CK_TYPE_COUNT) return NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i][formula][type]) return tables[i][formula][type];
    return NULL;
}
