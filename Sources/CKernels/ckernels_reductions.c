#include "ckernels_reductions.h"
#include "ckernels_compile.h"
#include "ckernels_types.h"
#include <math.h>

// How many folds go on side by side: for neighbouring columns, or along a row, whose lanes are folded together at its end.
enum { LANES = 64, ROW_LANES = CK_SUM_ROW_PART / CK_SUM_COLUMN_PART };
// A row shorter than this is folded one element after the other.
enum { SHORT_ROW = CK_SUM_SHORT_ROW };
// How many elements a lane adds up before its sum is put away in double precision.
enum { SUM_BLOCK = CK_SUM_COLUMN_PART };

// lane[l] = fold of lane[l] and from[l]
#define FOLD(COUNT, A, FROM, EXPRESSION)                   \
    CK_LOOP for (ptrdiff_t l = 0; l < (COUNT); l++) {      \
        const A a = lane[l], b = (A)(FROM)[l];             \
        lane[l] = (A)(EXPRESSION);                         \
    }

#define FOLD_LANES(A, EXPRESSION) \
    for (int half = ROW_LANES / 2; half > 0; half /= 2) FOLD(half, A, lane + half, EXPRESSION)

// T: an element, A: what is folded, Y: the output's type, EXPRESSION: of a and b.
#define REDUCE_TO(NAME, T, A, Y, IDENTITY, EXPRESSION)                                                             \
    CK_MULTIVERSION_LIGHT static void NAME##_rows(const T *x, Y *y, ptrdiff_t rows, ptrdiff_t count) {             \
        for (; rows > 0; rows--, x += count, y++) {                                                                \
            if (count < SHORT_ROW) {                                                                               \
                A a = IDENTITY;                                                                                    \
                for (ptrdiff_t r = 0; r < count; r++) { const A b = (A)x[r]; a = (A)(EXPRESSION); }                \
                *y = (Y)a;                                                                                           \
                continue;                                                                                          \
            }                                                                                                      \
            A lane[ROW_LANES];                                                                                     \
            for (int l = 0; l < ROW_LANES; l++) lane[l] = IDENTITY;                                                \
            ptrdiff_t r = 0;                                                                                       \
            for (; r + ROW_LANES <= count; r += ROW_LANES) FOLD(ROW_LANES, A, x + r, EXPRESSION)                   \
            FOLD(count - r, A, x + r, EXPRESSION)                                                                  \
            FOLD_LANES(A, EXPRESSION)                                                                              \
            *y = (Y)lane[0];                                                                                       \
        }                                                                                                          \
    }                                                                                                              \
    CK_MULTIVERSION_LIGHT static void NAME##_columns(                                                              \
        const T *x, Y *y, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, ptrdiff_t columns) {                  \
        A lane[LANES];                                                                                             \
        for (; outer > 0; outer--, x += count * inner, y += inner) {                                               \
            for (ptrdiff_t i = 0; i < columns; i += LANES) {                                                       \
                const ptrdiff_t width = columns - i < LANES ? columns - i : LANES;                                 \
                for (ptrdiff_t l = 0; l < width; l++) lane[l] = IDENTITY;                                          \
                const T *at = x + i;                                                                               \
                for (ptrdiff_t r = 0; r < count; r++, at += inner) FOLD(width, A, at, EXPRESSION)                  \
                for (ptrdiff_t l = 0; l < width; l++) y[i + l] = (Y)lane[l];                                       \
            }                                                                                                      \
        }                                                                                                          \
    }                                                                                                              \
    static void NAME(const void *x, void *y, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner,                    \
                     ptrdiff_t columns) {                                                                          \
        inner == 1 ? NAME##_rows(x, y, outer, count) : NAME##_columns(x, y, outer, count, inner, columns);         \
    }

#define REDUCE(NAME, T, A, IDENTITY, EXPRESSION) REDUCE_TO(NAME, T, A, A, IDENTITY, EXPRESSION)

// Sums of floats: in blocks, so that the error does not grow with the count.
#define SUM(NAME, T)                                                                                               \
    CK_MULTIVERSION_LIGHT static void NAME##_rows(const T *x, T *y, ptrdiff_t rows, ptrdiff_t count) {             \
        for (; rows > 0; rows--, x += count, y++) {                                                                \
            double total = 0;                                                                                      \
            ptrdiff_t r = 0;                                                                                       \
            while (count - r >= SHORT_ROW) {                                                                       \
                T lane[ROW_LANES] = {0};                                                                           \
                const ptrdiff_t rest = count - r;                                                                  \
                const ptrdiff_t size = rest < ROW_LANES * SUM_BLOCK ? rest : ROW_LANES * SUM_BLOCK;                \
                const ptrdiff_t end = r + size;                                                                    \
                for (; r + ROW_LANES <= end; r += ROW_LANES) FOLD(ROW_LANES, T, x + r, a + b)                      \
                FOLD(end - r, T, x + r, a + b)                                                                     \
                FOLD_LANES(T, a + b)                                                                               \
                total += lane[0];                                                                                  \
                r = end;                                                                                           \
            }                                                                                                      \
            for (; r < count; r++) total += x[r];                                                                  \
            *y = (T)total;                                                                                         \
        }                                                                                                          \
    }                                                                                                              \
    CK_MULTIVERSION_LIGHT static void NAME##_columns(                                                              \
        const T *x, T *y, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, ptrdiff_t columns) {                  \
        T lane[LANES];                                                                                             \
        double total[LANES];                                                                                       \
        for (; outer > 0; outer--, x += count * inner, y += inner) {                                               \
            for (ptrdiff_t i = 0; i < columns; i += LANES) {                                                       \
                const ptrdiff_t width = columns - i < LANES ? columns - i : LANES;                                 \
                const T *at = x + i;                                                                               \
                for (int l = 0; l < LANES; l++) total[l] = 0;                                                      \
                for (ptrdiff_t r = 0; r < count;) {                                                                \
                    for (int l = 0; l < LANES; l++) lane[l] = 0;                                                   \
                    const ptrdiff_t end = r + SUM_BLOCK < count ? r + SUM_BLOCK : count;                           \
                    for (; r < end; r++, at += inner) FOLD(width, T, at, a + b)                                    \
                    for (int l = 0; l < LANES; l++) total[l] += lane[l];                                           \
                }                                                                                                  \
                for (ptrdiff_t l = 0; l < width; l++) y[i + l] = (T)total[l];                                      \
            }                                                                                                      \
        }                                                                                                          \
    }                                                                                                              \
    static void NAME(const void *x, void *y, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner,                    \
                     ptrdiff_t columns) {                                                                          \
        inner == 1 ? NAME##_rows(x, y, outer, count) : NAME##_columns(x, y, outer, count, inner, columns);         \
    }
SUM(sum_f32, float)
SUM(sum_f64, double)

#define JOIN(S, T)                                                                                                 \
    static void join_##S(const void *xs, void *ys, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner,              \
                         ptrdiff_t columns) {                                                                      \
        T *y = ys;                                                                                                 \
        for (ptrdiff_t o = 0; o < outer; o++) {                                                                    \
            for (ptrdiff_t i = 0; i < columns; i++) {                                                              \
                const T *x = (const T *)xs + o * count * inner + i;                                                \
                double total = 0;                                                                                  \
                for (ptrdiff_t r = 0; r < count; r++) total += x[r * inner];                                       \
                y[o * inner + i] = (T)total;                                                                       \
            }                                                                                                      \
        }                                                                                                          \
    }
JOIN(f32, float)
JOIN(f64, double)

// Integers wrap around; signed ones use the unsigned loop of their width.
#define WRAPPING(S, T)                          \
    REDUCE(sum_##S, T, T, 0, 1u * a + b)        \
    REDUCE(product_##S, T, T, 1, 1u * a * b)
EACH_UNSIGNED(WRAPPING)
// In double precision, in which a million factors leave no trace.
REDUCE_TO(product_f32, float, double, float, 1, a * b)
REDUCE(product_f64, double, double, 1, a * b)

#define WIDE(S, T) REDUCE(wide_sum_##S, T, uint64_t, 0, a + b)
EACH_SIGNED(WIDE)
EACH_UNSIGNED(WIDE)

#define EXTREMES(S, T, LEAST, MOST)                          \
    REDUCE(max_##S, T, T, LEAST, a > b ? a : b)              \
    REDUCE(min_##S, T, T, MOST, a < b ? a : b)
EXTREMES(i8, int8_t, INT8_MIN, INT8_MAX)
EXTREMES(i16, int16_t, INT16_MIN, INT16_MAX)
EXTREMES(i32, int32_t, INT32_MIN, INT32_MAX)
EXTREMES(i64, int64_t, INT64_MIN, INT64_MAX)
EXTREMES(u8, uint8_t, 0, UINT8_MAX)
EXTREMES(u16, uint16_t, 0, UINT16_MAX)
EXTREMES(u32, uint32_t, 0, UINT32_MAX)
EXTREMES(u64, uint64_t, 0, UINT64_MAX)

// NaN stays.
#define FLOAT_EXTREMES(S, T)                                              \
    REDUCE(max_##S, T, T, -(T)INFINITY, a > b || a != a ? a : b)          \
    REDUCE(min_##S, T, T, (T)INFINITY, a < b || a != a ? a : b)
FLOAT_EXTREMES(f32, float)
FLOAT_EXTREMES(f64, double)

REDUCE(all_bool, uint8_t, uint8_t, 1, a & b)
REDUCE(any_bool, uint8_t, uint8_t, 0, a | b)

// The parts of complex numbers are added up as columns of their own.
#define COMPLEX_SUM(S, FLOAT)                                                                             \
    static void sum_##S(const void *x, void *y, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner,        \
                        ptrdiff_t columns) {                                                              \
        sum_##FLOAT(x, y, outer, count, 2 * inner, 2 * columns);                                          \
    }
COMPLEX_SUM(c64, f32)
COMPLEX_SUM(c128, f64)

#define COMPLEX_JOIN(S, FLOAT)                                                                            \
    static void join_##S(const void *x, void *y, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner,       \
                         ptrdiff_t columns) {                                                             \
        join_##FLOAT(x, y, outer, count, 2 * inner, 2 * columns);                                         \
    }
COMPLEX_JOIN(c64, f32)
COMPLEX_JOIN(c128, f64)

#define COMPLEX_PRODUCT(S, T, PART)                                                                       \
    static void product_##S(const void *xs, void *ys, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner,  \
                            ptrdiff_t columns) {                                                          \
        T *y = ys;                                                                                        \
        for (ptrdiff_t o = 0; o < outer; o++)                                                             \
            for (ptrdiff_t i = 0; i < columns; i++) {                                                     \
                const T *x = (const T *)xs + o * count * inner + i;                                       \
                T a = 1;                                                                                  \
                for (ptrdiff_t r = 0; r < count; r++) a *= x[r * inner];                                  \
                y[o * inner + i] = a;                                                                     \
            }                                                                                             \
    }
EACH_COMPLEX(COMPLEX_PRODUCT)

static const ck_reduce_fn loops[CK_REDUCTION_COUNT][CK_TYPE_COUNT] = {
    [CK_SUM] = {FLOATS(sum), COMPLEXES(sum), SIGNED_BITS(sum), UNSIGNED(sum)},
    [CK_WIDE_SUM] = {SIGNED(wide_sum), UNSIGNED(wide_sum)},
    [CK_PRODUCT] = {FLOATS(product), COMPLEXES(product), SIGNED_BITS(product), UNSIGNED(product)},
    [CK_MAX] = {FLOATS(max), SIGNED(max), UNSIGNED(max)},
    [CK_MIN] = {FLOATS(min), SIGNED(min), UNSIGNED(min)},
    [CK_ALL] = {[CK_BOOL] = all_bool},
    [CK_ANY] = {[CK_BOOL] = any_bool},
};

ck_reduce_fn ck_reduce_loop(ck_reduction reduction, int type) {
    return (unsigned)reduction < CK_REDUCTION_COUNT && type >= 0 && type < CK_TYPE_COUNT ? loops[reduction][type] : NULL;
}

ck_reduce_fn ck_join_sums_loop(int type) {
    static const ck_reduce_fn joins[CK_TYPE_COUNT] = {FLOATS(join), COMPLEXES(join)};
    return type >= 0 && type < CK_TYPE_COUNT ? joins[type] : NULL;
}

#define MEAN(S, T, SUM_TYPE)                                                                       \
    static void mean_##S(const void *xs, void *ys, ptrdiff_t count, uint64_t divisor) {            \
        const SUM_TYPE *x = xs;                                                                    \
        T *y = ys;                                                                                 \
        for (ptrdiff_t i = 0; i < count; i++) y[i] = (T)(x[i] / (SUM_TYPE)divisor);                \
    }
#define MEAN_SIGNED(S, T) MEAN(S, T, int64_t)
#define MEAN_UNSIGNED(S, T) MEAN(S, T, uint64_t)
MEAN(f32, float, float)
MEAN(f64, double, double)
EACH_SIGNED(MEAN_SIGNED)
EACH_UNSIGNED(MEAN_UNSIGNED)
static void mean_c64(const void *x, void *y, ptrdiff_t count, uint64_t divisor) { mean_f32(x, y, 2 * count, divisor); }
static void mean_c128(const void *x, void *y, ptrdiff_t count, uint64_t divisor) { mean_f64(x, y, 2 * count, divisor); }

ck_mean_fn ck_mean_loop(int type) {
    static const ck_mean_fn means[CK_TYPE_COUNT] = {FLOATS(mean), COMPLEXES(mean), SIGNED(mean), UNSIGNED(mean)};
    return type >= 0 && type < CK_TYPE_COUNT ? means[type] : NULL;
}
