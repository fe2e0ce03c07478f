#include "ckernels_elementwise.h"
#include "ckernels_math.h"

#define UNARY(NAME, T, EXPRESSION)                                                 \
    CK_MULTIVERSION_LIGHT static void NAME(const void *xs, void *ys, ptrdiff_t n) { \
        const T *from = xs;                                                        \
        T *to = ys;                                                                \
        CK_LOOP for (ptrdiff_t i = 0; i < n; i++) {                                 \
            const T x = from[i];                                                   \
            to[i] = (T)(EXPRESSION);                                               \
        }                                                                          \
    }

// Whole blocks, then the rest in a block of its own, so that no element is computed one at a time.
#define UNARY_BLOCKS(NAME, T, LOOP, BLOCK, FUNCTION)                          \
    CK_MULTIVERSION static void NAME(const void *xs, void *ys, ptrdiff_t n) { \
        const T *from = xs;                                                   \
        T *to = ys;                                                           \
        const ptrdiff_t whole = n - n % BLOCK;                                \
        LOOP for (ptrdiff_t i = 0; i < whole; i++) to[i] = FUNCTION(from[i]); \
        if (whole == n) return;                                               \
        T rest[BLOCK] = {0};                                                  \
        const size_t bytes = (size_t)(n - whole) * sizeof(T);                 \
        memcpy(rest, from + whole, bytes);                                    \
        LOOP for (int i = 0; i < BLOCK; i++) rest[i] = FUNCTION(rest[i]);     \
        memcpy(to + whole, rest, bytes);                                      \
    }

#define UNARY_MATH(NAME)                                                     \
    UNARY_BLOCKS(NAME##_f32, float, CK_LOOP_F32, CK_BLOCK_F32, ck_##NAME##_f32) \
    UNARY_BLOCKS(NAME##_f64, double, CK_LOOP_F64, CK_BLOCK_F64, ck_##NAME##_f64)

UNARY_MATH(exp)
UNARY_MATH(log)
UNARY_MATH(tanh)
UNARY_MATH(sigmoid)

#define UNARY_FLOATS(NAME, EXPRESSION) \
    UNARY(NAME##_f32, float, EXPRESSION) UNARY(NAME##_f64, double, EXPRESSION)

UNARY_FLOATS(negate, -x)
UNARY(abs_f32, float, __builtin_fabsf(x))
UNARY(abs_f64, double, __builtin_fabs(x))
UNARY_FLOATS(square, x * x)
UNARY_FLOATS(sqrt, __builtin_elementwise_sqrt(x))
UNARY_FLOATS(rsqrt, 1 / __builtin_elementwise_sqrt(x))
UNARY_FLOATS(floor, __builtin_elementwise_floor(x))
UNARY_FLOATS(relu, x < 0 ? 0 : x)
UNARY_FLOATS(relu6, x < 0 ? 0 : x > 6 ? 6 : x)

// Integers wrap around, so signed ones go through the unsigned type of their width.
#define UNARY_BITS(NAME, EXPRESSION)                                          \
    UNARY(NAME##_u8, uint8_t, EXPRESSION) UNARY(NAME##_u16, uint16_t, EXPRESSION) \
    UNARY(NAME##_u32, uint32_t, EXPRESSION) UNARY(NAME##_u64, uint64_t, EXPRESSION)

UNARY_BITS(negate, 0u - x)
UNARY_BITS(square, 1u * x * x)
UNARY_BITS(relu6, x > 6 ? 6 : x)

#define UNARY_SIGNED(NAME, EXPRESSION)                                  \
    UNARY(NAME##_i8, int8_t, EXPRESSION) UNARY(NAME##_i16, int16_t, EXPRESSION) \
    UNARY(NAME##_i32, int32_t, EXPRESSION) UNARY(NAME##_i64, int64_t, EXPRESSION)

UNARY_SIGNED(abs, x < 0 ? 0u - (uint64_t)x : (uint64_t)x)
UNARY_SIGNED(relu, x < 0 ? 0 : x)
UNARY_SIGNED(relu6, x < 0 ? 0 : x > 6 ? 6 : x)

static void keep_u8(const void *x, void *y, ptrdiff_t n) { memmove(y, x, (size_t)n); }
static void keep_u16(const void *x, void *y, ptrdiff_t n) { memmove(y, x, (size_t)n * 2); }
static void keep_u32(const void *x, void *y, ptrdiff_t n) { memmove(y, x, (size_t)n * 4); }
static void keep_u64(const void *x, void *y, ptrdiff_t n) { memmove(y, x, (size_t)n * 8); }

#define FLOATS(NAME) [CK_FLOAT32] = NAME##_f32, [CK_FLOAT64] = NAME##_f64
#define SIGNED_BITS(NAME) \
    [CK_INT8] = NAME##_u8, [CK_INT16] = NAME##_u16, [CK_INT32] = NAME##_u32, [CK_INT64] = NAME##_u64
#define SIGNED(NAME) [CK_INT8] = NAME##_i8, [CK_INT16] = NAME##_i16, [CK_INT32] = NAME##_i32, [CK_INT64] = NAME##_i64
#define UNSIGNED(NAME) \
    [CK_UINT8] = NAME##_u8, [CK_UINT16] = NAME##_u16, [CK_UINT32] = NAME##_u32, [CK_UINT64] = NAME##_u64

static const ck_unary_fn loops[CK_UNARY_COUNT][CK_TYPE_COUNT] = {
    [CK_NEGATE] = {FLOATS(negate), SIGNED_BITS(negate)},
    [CK_ABS] = {FLOATS(abs), SIGNED(abs)},
    [CK_SQUARE] = {FLOATS(square), SIGNED_BITS(square), UNSIGNED(square)},
    [CK_SQRT] = {FLOATS(sqrt)},
    [CK_RSQRT] = {FLOATS(rsqrt)},
    [CK_EXP] = {FLOATS(exp)},
    [CK_LOG] = {FLOATS(log)},
    [CK_SIGMOID] = {FLOATS(sigmoid)},
    [CK_TANH] = {FLOATS(tanh)},
    [CK_RELU] = {FLOATS(relu), SIGNED(relu), UNSIGNED(keep)},
    [CK_RELU6] = {FLOATS(relu6), SIGNED(relu6), UNSIGNED(relu6)},
    [CK_FLOOR] = {FLOATS(floor)},
};

ck_unary_fn ck_unary_loop(ck_unary formula, int type) {
    return (unsigned)formula < CK_UNARY_COUNT && type >= 0 && type < CK_TYPE_COUNT ? loops[formula][type] : NULL;
}
