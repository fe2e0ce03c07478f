#include "ckernels_compile.h"
#include "ckernels_families.h"
#include "ckernels_types.h"

// The operands swapped: a < b is b > a.
#define BINARY_SWAPPED(NAME, OTHER) \
    static int NAME(BINARY_PARAMETERS) { return OTHER(right, step_b, left, step_a, ys, n); }

// Integers wrap around; signed ones use the unsigned loop of their width. 1u keeps small ones from becoming signed ints.
#define WRAPPING(S, T)                                       \
    BINARY(add_##S, T, T, 1u * a + b)                        \
    BINARY(subtract_##S, T, T, 1u * a - b)                   \
    BINARY(multiply_##S, T, T, 1u * a * b)                   \
    BINARY(squared_difference_##S, T, T, 1u * (T)(a - b) * (T)(a - b))
EACH_UNSIGNED(WRAPPING)

#define FLOATING(S, T)                                                    \
    BINARY(add_##S, T, T, a + b)                                          \
    BINARY(subtract_##S, T, T, a - b)                                     \
    BINARY(multiply_##S, T, T, a * b)                                     \
    BINARY(squared_difference_##S, T, T, (a - b) * (a - b))               \
    BINARY(divide_##S, T, T, a / b)                                       \
    BINARY(divide_no_nan_##S, T, T, b == 0 ? 0 : a / b)                   \
    BINARY(multiply_no_nan_##S, T, T, b == 0 ? 0 : a * b)                 \
    BINARY(truncate_divide_##S, T, T, __builtin_elementwise_trunc(a / b)) \
    BINARY(floor_divide_##S, T, T, __builtin_elementwise_floor(a / b))    \
    BINARY(maximum_##S, T, T, a > b || a != a ? a : b)                    \
    BINARY(minimum_##S, T, T, a < b || a != a ? a : b)
EACH_FLOAT(FLOATING)

#define EXTREMES(S, T)                          \
    BINARY(maximum_##S, T, T, a > b ? a : b)    \
    BINARY(minimum_##S, T, T, a < b ? a : b)
EACH_SIGNED(EXTREMES)
EACH_UNSIGNED(EXTREMES)

#define EQUALITY(S, T)                              \
    BINARY(equal_##S, T, uint8_t, a == b)           \
    BINARY(not_equal_##S, T, uint8_t, a != b)
EACH_UNSIGNED(EQUALITY)
EACH_FLOAT(EQUALITY)

#define ORDER(S, T)                                 \
    BINARY(greater_##S, T, uint8_t, a > b)          \
    BINARY(greater_equal_##S, T, uint8_t, a >= b)   \
    BINARY_SWAPPED(less_##S, greater_##S)           \
    BINARY_SWAPPED(less_equal_##S, greater_equal_##S)
EACH_SIGNED(ORDER)
EACH_UNSIGNED(ORDER)
EACH_FLOAT(ORDER)

const ck_binary_fn ck_binary_arithmetic[CK_BINARY_COUNT][CK_TYPE_COUNT] = {
    [CK_ADD] = {FLOATS(add), SIGNED_BITS(add), UNSIGNED(add)},
    [CK_SUBTRACT] = {FLOATS(subtract), SIGNED_BITS(subtract), UNSIGNED(subtract)},
    [CK_MULTIPLY] = {FLOATS(multiply), SIGNED_BITS(multiply), UNSIGNED(multiply)},
    [CK_DIVIDE] = {FLOATS(divide)},
    [CK_REAL_DIVIDE] = {FLOATS(divide)},
    [CK_DIVIDE_NO_NAN] = {FLOATS(divide_no_nan)},
    [CK_MULTIPLY_NO_NAN] = {FLOATS(multiply_no_nan)},
    [CK_TRUNCATE_DIVIDE] = {FLOATS(truncate_divide)},
    [CK_FLOOR_DIVIDE] = {FLOATS(floor_divide)},
    [CK_MAXIMUM] = {FLOATS(maximum), SIGNED(maximum), UNSIGNED(maximum)},
    [CK_MINIMUM] = {FLOATS(minimum), SIGNED(minimum), UNSIGNED(minimum)},
    [CK_SQUARED_DIFFERENCE] =
        {FLOATS(squared_difference), SIGNED_BITS(squared_difference), UNSIGNED(squared_difference)},
    [CK_EQUAL] = {FLOATS(equal), SIGNED_BITS(equal), UNSIGNED(equal), QUANTIZED_BITS(equal), [CK_BOOL] = equal_u8},
    [CK_NOT_EQUAL] =
        {FLOATS(not_equal), SIGNED_BITS(not_equal), UNSIGNED(not_equal), QUANTIZED_BITS(not_equal),
         [CK_BOOL] = not_equal_u8},
    [CK_GREATER] = {FLOATS(greater), SIGNED(greater), UNSIGNED(greater)},
    [CK_GREATER_EQUAL] = {FLOATS(greater_equal), SIGNED(greater_equal), UNSIGNED(greater_equal)},
    [CK_LESS] = {FLOATS(less), SIGNED(less), UNSIGNED(less)},
    [CK_LESS_EQUAL] = {FLOATS(less_equal), SIGNED(less_equal), UNSIGNED(less_equal)},
};

ck_binary_fn ck_binary_loop(ck_binary formula, int type) {
    static const ck_binary_table tables[] = {
        ck_binary_arithmetic, ck_binary_integers, ck_binary_functions, ck_binary_gradients, ck_binary_complex,
    };
    if ((unsigned)formula >= CK_BINARY_COUNT || type < 0 || type >= CK_TYPE_COUNT) return NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i][formula][type]) return tables[i][formula][type];
    return NULL;
}
