#include "ckernels_compile.h"
#include "ckernels_elementwise.h"

// What x86's conversion instructions give: the least number where the value does not fit.
CK_INLINE int32_t int32_of(double x) { return x >= -2147483648.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN; }
CK_INLINE int32_t int32_of_f32(float x) { return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN; }
CK_INLINE int64_t int64_of(double x) {
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : INT64_MIN;
}
CK_INLINE uint64_t uint64_of(double x) {
    return x < 9223372036854775808.0 ? (uint64_t)int64_of(x) : (uint64_t)int64_of(x - 9223372036854775808.0) ^ 0x8000000000000000u;
}

#define CAST(NAME, FROM, TO, EXPRESSION)                      \
    static void NAME(const void *xs, void *ys, ptrdiff_t n) { \
        const FROM *from = xs;                                \
        TO *to = ys;                                          \
        CK_LOOP for (ptrdiff_t i = 0; i < n; i++) {            \
            const FROM x = from[i];                           \
            to[i] = (TO)(EXPRESSION);                         \
        }                                                     \
    }

#define FROM_FLOAT(S, T, TO_INT32)            \
    CAST(S##_to_i8, T, int8_t, TO_INT32(x))   \
    CAST(S##_to_u8, T, uint8_t, TO_INT32(x))  \
    CAST(S##_to_i16, T, int16_t, TO_INT32(x)) \
    CAST(S##_to_u16, T, uint16_t, TO_INT32(x)) \
    CAST(S##_to_i32, T, int32_t, TO_INT32(x)) \
    CAST(S##_to_u32, T, uint32_t, int64_of(x)) \
    CAST(S##_to_i64, T, int64_t, int64_of(x)) \
    CAST(S##_to_u64, T, uint64_t, uint64_of(x)) \
    CAST(S##_to_bool, T, uint8_t, x != 0)     \
    CAST(S##_to_f32, T, float, x)             \
    CAST(S##_to_f64, T, double, x)
FROM_FLOAT(f32, float, int32_of_f32)
FROM_FLOAT(f64, double, int32_of)

#define FROM_INTEGER(S, T)              \
    CAST(S##_to_i8, T, int8_t, x)       \
    CAST(S##_to_u8, T, uint8_t, x)      \
    CAST(S##_to_i16, T, int16_t, x)     \
    CAST(S##_to_u16, T, uint16_t, x)    \
    CAST(S##_to_i32, T, int32_t, x)     \
    CAST(S##_to_u32, T, uint32_t, x)    \
    CAST(S##_to_i64, T, int64_t, x)     \
    CAST(S##_to_u64, T, uint64_t, x)    \
    CAST(S##_to_bool, T, uint8_t, x != 0) \
    CAST(S##_to_f32, T, float, x)       \
    CAST(S##_to_f64, T, double, x)
FROM_INTEGER(i8, int8_t)
FROM_INTEGER(u8, uint8_t)
FROM_INTEGER(i16, int16_t)
FROM_INTEGER(u16, uint16_t)
FROM_INTEGER(i32, int32_t)
FROM_INTEGER(u32, uint32_t)
FROM_INTEGER(i64, int64_t)
FROM_INTEGER(u64, uint64_t)

#define ROW(S)                                                                                    \
    {                                                                                             \
        [CK_FLOAT32] = S##_to_f32, [CK_FLOAT64] = S##_to_f64, [CK_INT8] = S##_to_i8,              \
        [CK_INT16] = S##_to_i16, [CK_INT32] = S##_to_i32, [CK_INT64] = S##_to_i64,                \
        [CK_UINT8] = S##_to_u8, [CK_UINT16] = S##_to_u16, [CK_UINT32] = S##_to_u32,               \
        [CK_UINT64] = S##_to_u64, [CK_BOOL] = S##_to_bool,                                        \
    }

// A bool is a uint8 that is 0 or 1.
static const ck_unary_fn loops[CK_TYPE_COUNT][CK_TYPE_COUNT] = {
    [CK_FLOAT32] = ROW(f32), [CK_FLOAT64] = ROW(f64), [CK_INT8] = ROW(i8), [CK_INT16] = ROW(i16),
    [CK_INT32] = ROW(i32), [CK_INT64] = ROW(i64), [CK_UINT8] = ROW(u8), [CK_UINT16] = ROW(u16),
    [CK_UINT32] = ROW(u32), [CK_UINT64] = ROW(u64), [CK_BOOL] = ROW(u8),
};

ck_unary_fn ck_cast_loop(int from, int to) {
    const bool known = from >= 0 && from < CK_TYPE_COUNT && to >= 0 && to < CK_TYPE_COUNT;
    return known ? loops[from][to] : NULL;
}

typedef struct { uint64_t parts[2]; } wide;

#define SELECT(NAME, T)                                                                                          \
    static void NAME(const uint8_t *condition, const void *left, const void *right, void *ys, ptrdiff_t n) { \
        const T *a = left, *b = right;                                                                           \
        T *y = ys;                                                                                               \
        CK_LOOP for (ptrdiff_t i = 0; i < n; i++) { const T p = a[i], q = b[i]; y[i] = condition[i] ? p : q; }   \
    }
SELECT(select_1, uint8_t)
SELECT(select_2, uint16_t)
SELECT(select_4, uint32_t)
SELECT(select_8, uint64_t)
SELECT(select_16, wide)

ck_select_fn ck_select_loop(int width) {
    switch (width) {
    case 1: return select_1;
    case 2: return select_2;
    case 4: return select_4;
    case 8: return select_8;
    case 16: return select_16;
    default: return NULL;
    }
}
