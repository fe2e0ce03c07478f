#include "ckernels_compile.h"
#include "ckernels_elementwise.h"
#include <math.h>
#include <string.h>

#define BINARY_LOOPS(LOOP, T, RESULT, EXPRESSION)                                                     \
    const T *as = left, *bs = right;                                                                  \
    RESULT *to = ys;                                                                                  \
    if (step_a && step_b) {                                                                           \
        LOOP for (ptrdiff_t i = 0; i < n; i++) { const T a = as[i], b = bs[i]; to[i] = (RESULT)(EXPRESSION); } \
    } else if (step_a) {                                                                              \
        const T b = *bs;                                                                              \
        LOOP for (ptrdiff_t i = 0; i < n; i++) { const T a = as[i]; to[i] = (RESULT)(EXPRESSION); }   \
    } else {                                                                                          \
        const T a = *as;                                                                              \
        LOOP for (ptrdiff_t i = 0; i < n; i++) { const T b = bs[i]; to[i] = (RESULT)(EXPRESSION); }   \
    }

#define BINARY_PARAMETERS \
    const void *left, ptrdiff_t step_a, const void *right, ptrdiff_t step_b, void *ys, ptrdiff_t n

#define BINARY(NAME, T, RESULT, EXPRESSION)                     \
    CK_MULTIVERSION_LIGHT static int NAME(BINARY_PARAMETERS) {  \
        BINARY_LOOPS(CK_LOOP, T, RESULT, EXPRESSION) return 0;  \
    }

// Element by element; `fault` may be set.
#define BINARY_CALLS(NAME, T, EXPRESSION)                       \
    static int NAME(BINARY_PARAMETERS) {                        \
        int fault = 0;                                          \
        BINARY_LOOPS(, T, T, EXPRESSION) return fault;          \
    }

// The operands swapped: a < b is b > a.
#define BINARY_SWAPPED(NAME, OTHER) \
    static int NAME(BINARY_PARAMETERS) { return OTHER(right, step_b, left, step_a, ys, n); }

#define EACH_FLOAT(DO) DO(f32, float) DO(f64, double)
#define EACH_SIGNED(DO) DO(i8, int8_t) DO(i16, int16_t) DO(i32, int32_t) DO(i64, int64_t)
#define EACH_UNSIGNED(DO) DO(u8, uint8_t) DO(u16, uint16_t) DO(u32, uint32_t) DO(u64, uint64_t)

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
    BINARY(maximum_##S, T, T, a > b || a != a ? a : b)                    \
    BINARY(minimum_##S, T, T, a < b || a != a ? a : b)
EACH_FLOAT(FLOATING)
BINARY_CALLS(any_power_f32, float, powf(a, b))
BINARY_CALLS(any_power_f64, double, pow(a, b))
// Squares are what most graphs want of a power.
#define POWER(S, T)                                                                                      \
    static int power_##S(BINARY_PARAMETERS) {                                                            \
        if (step_b == 0 && *(const T *)right == 2) return multiply_##S(left, step_a, left, step_a, ys, n); \
        return any_power_##S(left, step_a, right, step_b, ys, n);                                        \
    }
EACH_FLOAT(POWER)

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

// Towards zero. The least number divided by -1 wraps around.
#define DIVIDE_SIGNED(S, T) \
    BINARY_CALLS(divide_##S, T, b == 0 ? (fault = 1, 0) : b == -1 ? (T)(0 - (uint64_t)a) : a / b)
#define DIVIDE_UNSIGNED(S, T) BINARY_CALLS(divide_##S, T, b == 0 ? (fault = 1, 0) : a / b)
EACH_SIGNED(DIVIDE_SIGNED)
EACH_UNSIGNED(DIVIDE_UNSIGNED)

static uint64_t power(uint64_t base, uint64_t exponent) {
    uint64_t result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) result *= base;
    return result;
}

#define POWER_SIGNED(S, T) \
    BINARY_CALLS(power_##S, T, b < 0 ? (fault = 1, 0) : (T)power((uint64_t)a, (uint64_t)b))
EACH_SIGNED(POWER_SIGNED)

#define FLOATS(NAME) [CK_FLOAT32] = NAME##_f32, [CK_FLOAT64] = NAME##_f64
#define SIGNED(NAME) [CK_INT8] = NAME##_i8, [CK_INT16] = NAME##_i16, [CK_INT32] = NAME##_i32, [CK_INT64] = NAME##_i64
#define UNSIGNED(NAME) \
    [CK_UINT8] = NAME##_u8, [CK_UINT16] = NAME##_u16, [CK_UINT32] = NAME##_u32, [CK_UINT64] = NAME##_u64
#define SIGNED_BITS(NAME) \
    [CK_INT8] = NAME##_u8, [CK_INT16] = NAME##_u16, [CK_INT32] = NAME##_u32, [CK_INT64] = NAME##_u64

static const ck_binary_fn loops[CK_BINARY_COUNT][CK_TYPE_COUNT] = {
    [CK_ADD] = {FLOATS(add), SIGNED_BITS(add), UNSIGNED(add)},
    [CK_SUBTRACT] = {FLOATS(subtract), SIGNED_BITS(subtract), UNSIGNED(subtract)},
    [CK_MULTIPLY] = {FLOATS(multiply), SIGNED_BITS(multiply), UNSIGNED(multiply)},
    [CK_DIVIDE] = {FLOATS(divide), SIGNED(divide), UNSIGNED(divide)},
    [CK_REAL_DIVIDE] = {FLOATS(divide)},
    [CK_DIVIDE_NO_NAN] = {FLOATS(divide_no_nan)},
    [CK_POWER] = {FLOATS(power), SIGNED(power)},
    [CK_MAXIMUM] = {FLOATS(maximum), SIGNED(maximum), UNSIGNED(maximum)},
    [CK_MINIMUM] = {FLOATS(minimum), SIGNED(minimum), UNSIGNED(minimum)},
    [CK_SQUARED_DIFFERENCE] = {FLOATS(squared_difference), SIGNED_BITS(squared_difference)},
    [CK_EQUAL] = {FLOATS(equal), SIGNED_BITS(equal), UNSIGNED(equal), [CK_BOOL] = equal_u8},
    [CK_NOT_EQUAL] = {FLOATS(not_equal), SIGNED_BITS(not_equal), UNSIGNED(not_equal), [CK_BOOL] = not_equal_u8},
    [CK_GREATER] = {FLOATS(greater), SIGNED(greater), UNSIGNED(greater)},
    [CK_GREATER_EQUAL] = {FLOATS(greater_equal), SIGNED(greater_equal), UNSIGNED(greater_equal)},
    [CK_LESS] = {FLOATS(less), SIGNED(less), UNSIGNED(less)},
    [CK_LESS_EQUAL] = {FLOATS(less_equal), SIGNED(less_equal), UNSIGNED(less_equal)},
};

ck_binary_fn ck_binary_loop(ck_binary formula, int type) {
    return (unsigned)formula < CK_BINARY_COUNT && type >= 0 && type < CK_TYPE_COUNT ? loops[formula][type] : NULL;
}

// Rows as short as this are put together, so that a loop has something to do.
enum { SHORT_ROW_BYTES = 128, TILE_BYTES = 1024 };

// The innermost two axes where whole rows meet the same short row again and again: it is copied side by side first.
// Returns nonzero if they are of that kind, and then how many rows a tile holds.
static ptrdiff_t rows_of_tile(const ptrdiff_t *outer, const ptrdiff_t *inner, ptrdiff_t width) {
    const ptrdiff_t row_bytes = inner[0] * width;
    const bool is_short = row_bytes <= SHORT_ROW_BYTES && inner[1] == 1 && inner[2] == 1;
    const bool left_runs = outer[1] == row_bytes && outer[2] == 0, right_runs = outer[2] == row_bytes && outer[1] == 0;
    return is_short && (left_runs || right_runs) ? TILE_BYTES / row_bytes : 0;
}

static int tiled(
    ck_binary_fn loop, const ptrdiff_t *outer, const ptrdiff_t *inner, ptrdiff_t tile_rows, const char *a, const char *b,
    char *y, ptrdiff_t width, ptrdiff_t output_width) {
    _Alignas(64) char tile[TILE_BYTES];
    const ptrdiff_t row_bytes = inner[0] * width;
    const bool left_repeats = outer[1] == 0;
    int fault = 0;
    for (ptrdiff_t r = 0; r < tile_rows && r < outer[0]; r++) memcpy(tile + r * row_bytes, left_repeats ? a : b, (size_t)row_bytes);
    for (ptrdiff_t r = 0; r < outer[0]; r += tile_rows) {
        const ptrdiff_t rows = outer[0] - r < tile_rows ? outer[0] - r : tile_rows;
        const char *pa = left_repeats ? tile : a + r * row_bytes, *pb = left_repeats ? b + r * row_bytes : tile;
        fault |= loop(pa, 1, pb, 1, y + r * inner[0] * output_width, rows * inner[0]);
    }
    return fault;
}

int ck_broadcast(
    ck_binary_fn loop, const ptrdiff_t *axes, int rank, const void *a, const void *b, void *y, ptrdiff_t width,
    ptrdiff_t output_width) {
    const ptrdiff_t *inner = axes + 3 * (rank - 1);
    const ptrdiff_t tile_rows = rank > 1 ? rows_of_tile(inner - 3, inner, width) : 0;
    const int first = tile_rows > 0 ? rank - 3 : rank - 2;
    const ptrdiff_t step_bytes = inner[0] * output_width * (tile_rows > 0 ? inner[-3] : 1);
    ptrdiff_t position[CK_MAX_AXES] = {0};
    const char *pa = a, *pb = b;
    char *py = y;
    int fault = 0;
    for (;;) {
        fault |= tile_rows > 0 ? tiled(loop, inner - 3, inner, tile_rows, pa, pb, py, width, output_width)
                               : loop(pa, inner[1], pb, inner[2], py, inner[0]);
        py += step_bytes;
        int axis = first;
        for (; axis >= 0; axis--) {
            const ptrdiff_t *at = axes + 3 * axis;
            pa += at[1];
            pb += at[2];
            if (++position[axis] < at[0]) break;
            pa -= at[1] * at[0];
            pb -= at[2] * at[0];
            position[axis] = 0;
        }
        if (axis < 0) return fault;
    }
}
