#include "ckernels_compile.h"
#include "ckernels_elementwise.h"
#include "ckernels_narrow.h"
#include "ckernels_types.h"

// What x86's conversion instructions give: the least number where the value does not fit.
CK_INLINE int32_t int32_of(double x) { return x >= -2147483648.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN; }
CK_INLINE int32_t int32_of_f32(float x) { return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN; }
CK_INLINE int64_t int64_of(double x) {
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : INT64_MIN;
}
CK_INLINE uint64_t uint64_of(double x) {
    return x < 9223372036854775808.0 ? (uint64_t)int64_of(x) : (uint64_t)int64_of(x - 9223372036854775808.0) ^ 0x8000000000000000u;
}

// FROM: as it lies in memory; T: as it is computed, by VALUE of `raw`.
#define CAST(NAME, FROM, T, VALUE, TO, EXPRESSION)            \
    static void NAME(const void *xs, void *ys, ptrdiff_t n) { \
        const FROM *from = xs;                                \
        TO *to = ys;                                          \
        CK_LOOP for (ptrdiff_t i = 0; i < n; i++) {           \
            const FROM raw = from[i];                         \
            const T x = VALUE;                                \
            to[i] = (TO)(EXPRESSION);                         \
        }                                                     \
    }

#define TO_FLOATS(S, FROM, T, VALUE)                                 \
    CAST(S##_to_bool, FROM, T, VALUE, uint8_t, x != 0)               \
    CAST(S##_to_f16, FROM, T, VALUE, uint16_t, ck_to_f16((float)x))   \
    CAST(S##_to_bf16, FROM, T, VALUE, uint16_t, ck_to_bf16((float)x)) \
    CAST(S##_to_f32, FROM, T, VALUE, float, x)                       \
    CAST(S##_to_f64, FROM, T, VALUE, double, x)                      \
    CAST(S##_to_c64, FROM, T, VALUE, float _Complex, (float)x)       \
    CAST(S##_to_c128, FROM, T, VALUE, double _Complex, (double)x)

#define FROM_FLOAT(S, FROM, T, VALUE, TO_INT32)              \
    CAST(S##_to_i8, FROM, T, VALUE, int8_t, TO_INT32(x))     \
    CAST(S##_to_u8, FROM, T, VALUE, uint8_t, TO_INT32(x))    \
    CAST(S##_to_i16, FROM, T, VALUE, int16_t, TO_INT32(x))   \
    CAST(S##_to_u16, FROM, T, VALUE, uint16_t, TO_INT32(x))  \
    CAST(S##_to_i32, FROM, T, VALUE, int32_t, TO_INT32(x))   \
    CAST(S##_to_u32, FROM, T, VALUE, uint32_t, int64_of(x))  \
    CAST(S##_to_i64, FROM, T, VALUE, int64_t, int64_of(x))   \
    CAST(S##_to_u64, FROM, T, VALUE, uint64_t, uint64_of(x)) \
    TO_FLOATS(S, FROM, T, VALUE)
FROM_FLOAT(f32, float, float, raw, int32_of_f32)
FROM_FLOAT(f64, double, double, raw, int32_of)
FROM_FLOAT(f16, uint16_t, float, ck_from_f16(raw), int32_of_f32)
FROM_FLOAT(bf16, uint16_t, float, ck_from_bf16(raw), int32_of_f32)
// Of a complex number the real part.
FROM_FLOAT(real64, float _Complex, float, crealf(raw), int32_of_f32)
FROM_FLOAT(real128, double _Complex, double, creal(raw), int32_of)
CAST(c64_to_c128, float _Complex, float _Complex, raw, double _Complex, x)
CAST(c128_to_c64, double _Complex, double _Complex, raw, float _Complex, x)

#define FROM_INTEGER(S, T)                   \
    CAST(S##_to_i8, T, T, raw, int8_t, x)    \
    CAST(S##_to_u8, T, T, raw, uint8_t, x)   \
    CAST(S##_to_i16, T, T, raw, int16_t, x)  \
    CAST(S##_to_u16, T, T, raw, uint16_t, x) \
    CAST(S##_to_i32, T, T, raw, int32_t, x)  \
    CAST(S##_to_u32, T, T, raw, uint32_t, x) \
    CAST(S##_to_i64, T, T, raw, int64_t, x)  \
    CAST(S##_to_u64, T, T, raw, uint64_t, x) \
    TO_FLOATS(S, T, T, raw)
EACH_SIGNED(FROM_INTEGER)
EACH_UNSIGNED(FROM_INTEGER)

#define TO_REALS(S)                                                                               \
    [CK_FLOAT32] = S##_to_f32, [CK_FLOAT64] = S##_to_f64, [CK_INT8] = S##_to_i8,                  \
    [CK_INT16] = S##_to_i16, [CK_INT32] = S##_to_i32, [CK_INT64] = S##_to_i64,                    \
    [CK_UINT8] = S##_to_u8, [CK_UINT16] = S##_to_u16, [CK_UINT32] = S##_to_u32,                   \
    [CK_UINT64] = S##_to_u64, [CK_BOOL] = S##_to_bool, [CK_FLOAT16] = S##_to_f16,                 \
    [CK_BFLOAT16] = S##_to_bf16
#define ROW(S) {TO_REALS(S), [CK_COMPLEX64] = S##_to_c64, [CK_COMPLEX128] = S##_to_c128}

// A bool is a uint8 that is 0 or 1.
static const ck_unary_fn loops[CK_TYPE_COUNT][CK_TYPE_COUNT] = {
    [CK_FLOAT32] = ROW(f32), [CK_FLOAT64] = ROW(f64), [CK_INT8] = ROW(i8), [CK_INT16] = ROW(i16),
    [CK_INT32] = ROW(i32), [CK_INT64] = ROW(i64), [CK_UINT8] = ROW(u8), [CK_UINT16] = ROW(u16),
    [CK_UINT32] = ROW(u32), [CK_UINT64] = ROW(u64), [CK_BOOL] = ROW(u8), [CK_FLOAT16] = ROW(f16),
    [CK_BFLOAT16] = ROW(bf16),
    [CK_COMPLEX64] = {TO_REALS(real64), [CK_COMPLEX128] = c64_to_c128},
    [CK_COMPLEX128] = {TO_REALS(real128), [CK_COMPLEX64] = c128_to_c64},
};

ck_unary_fn ck_cast_loop(int from, int to) {
    const bool known = from >= 0 && from < CK_TYPE_COUNT && to >= 0 && to < CK_TYPE_COUNT;
    return known ? loops[from][to] : NULL;
}

#define TRUNCATE(NAME, T, LOST)                                                               \
    static void NAME(const void *xs, void *ys, ptrdiff_t n) {                                 \
        const T *from = xs;                                                                   \
        T *to = ys;                                                                           \
        CK_LOOP for (ptrdiff_t i = 0; i < n; i++) to[i] = from[i] & ~(((T)1 << (LOST)) - 1); \
    }
// The bits of the mantissas: 52, 23, 10 and 7.
TRUNCATE(f64_for_f32, uint64_t, 52 - 23)
TRUNCATE(f64_for_f16, uint64_t, 52 - 10)
TRUNCATE(f64_for_bf16, uint64_t, 52 - 7)
TRUNCATE(f32_for_f16, uint32_t, 23 - 10)
TRUNCATE(f32_for_bf16, uint32_t, 23 - 7)
TRUNCATE(f16_for_bf16, uint16_t, 10 - 7)
static void c128_for_c64(const void *xs, void *ys, ptrdiff_t n) { f64_for_f32(xs, ys, 2 * n); }

ck_unary_fn ck_truncate_loop(int from, int to) {
    static const ck_unary_fn truncations[CK_TYPE_COUNT][CK_TYPE_COUNT] = {
        [CK_FLOAT64] = {[CK_FLOAT32] = f64_for_f32, [CK_FLOAT16] = f64_for_f16, [CK_BFLOAT16] = f64_for_bf16},
        [CK_FLOAT32] = {[CK_FLOAT16] = f32_for_f16, [CK_BFLOAT16] = f32_for_bf16},
        [CK_FLOAT16] = {[CK_BFLOAT16] = f16_for_bf16},
        [CK_COMPLEX128] = {[CK_COMPLEX64] = c128_for_c64},
    };
    const bool known = from >= 0 && from < CK_TYPE_COUNT && to >= 0 && to < CK_TYPE_COUNT;
    return known ? truncations[from][to] : NULL;
}
