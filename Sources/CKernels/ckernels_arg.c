#include "ckernels_compile.h"
#include "ckernels_reductions.h"
#include <float.h>

enum { LANES = 64, ROW_LANES = 32, SHORT_ROW = 16 };

// Where the best element of a row is. Begins below everything but minus infinity, as TensorFlow does: a row without any
// better element (all of it NaN, say) gives 0.
#define ARG_ROW(NAME, T, WORST, BETTER)                                                          \
    CK_MULTIVERSION_LIGHT static ptrdiff_t NAME(const T *x, ptrdiff_t count) {                   \
        T best = WORST;                                                                          \
        ptrdiff_t r = 0;                                                                         \
        if (count >= SHORT_ROW) {                                                                \
            T lane[ROW_LANES];                                                                   \
            for (int l = 0; l < ROW_LANES; l++) lane[l] = WORST;                                 \
            while (r < count) {                                                                  \
                const ptrdiff_t width = count - r < ROW_LANES ? count - r : ROW_LANES;           \
                CK_LOOP for (ptrdiff_t l = 0; l < width; l++) {                                  \
                    const T value = x[r + l], old = lane[l];                                     \
                    lane[l] = value BETTER old ? value : old;                                    \
                }                                                                                \
                r += width;                                                                      \
            }                                                                                    \
            for (int half = ROW_LANES / 2; half > 0; half /= 2) {                                \
                CK_LOOP for (int l = 0; l < half; l++) {                                         \
                    const T value = lane[l + half], old = lane[l];                               \
                    lane[l] = value BETTER old ? value : old;                                    \
                }                                                                                \
            }                                                                                    \
            best = lane[0];                                                                      \
        }                                                                                        \
        for (; r < count; r++) best = x[r] BETTER best ? x[r] : best;                            \
        if (!(best BETTER WORST)) return 0;                                                      \
        for (r = 0; r < count; r++) if (x[r] == best) return r;                                  \
        return 0;                                                                                \
    }

#define ARG(NAME, T, INDEX, ROW, WORST, BETTER)                                                                \
    CK_MULTIVERSION_LIGHT static void NAME(                                                                    \
        const void *xs, void *ys, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner) {                         \
        const T *x = xs;                                                                                       \
        INDEX *y = ys;                                                                                         \
        if (inner == 1) {                                                                                      \
            for (ptrdiff_t o = 0; o < outer; o++) y[o] = (INDEX)ROW(x + o * count, count);                     \
            return;                                                                                            \
        }                                                                                                      \
        T lane[LANES];                                                                                         \
        INDEX at[LANES];                                                                                       \
        for (ptrdiff_t o = 0; o < outer; o++, x += count * inner, y += inner) {                                \
            for (ptrdiff_t i = 0; i < inner; i += LANES) {                                                     \
                const ptrdiff_t width = inner - i < LANES ? inner - i : LANES;                                 \
                for (int l = 0; l < LANES; l++) lane[l] = WORST, at[l] = 0;                                    \
                for (ptrdiff_t r = 0; r < count; r++) {                                                        \
                    const T *row = x + r * inner + i;                                                          \
                    CK_LOOP for (ptrdiff_t l = 0; l < width; l++) {                                             \
                        const T value = row[l], old = lane[l];                                                 \
                        const INDEX before = at[l];                                                            \
                        at[l] = value BETTER old ? (INDEX)r : before;                                          \
                        lane[l] = value BETTER old ? value : old;                                              \
                    }                                                                                          \
                }                                                                                              \
                for (ptrdiff_t l = 0; l < width; l++) y[i + l] = at[l];                                        \
            }                                                                                                  \
        }                                                                                                      \
    }

#define ARGS(S, T, LEAST, MOST)                                            \
    ARG_ROW(max_row_##S, T, LEAST, >)                                      \
    ARG_ROW(min_row_##S, T, MOST, <)                                       \
    ARG(max_##S##_i32, T, int32_t, max_row_##S, LEAST, >)                  \
    ARG(max_##S##_i64, T, int64_t, max_row_##S, LEAST, >)                  \
    ARG(max_##S##_16, T, uint16_t, max_row_##S, LEAST, >)                  \
    ARG(min_##S##_i32, T, int32_t, min_row_##S, MOST, <)                   \
    ARG(min_##S##_i64, T, int64_t, min_row_##S, MOST, <)                   \
    ARG(min_##S##_16, T, uint16_t, min_row_##S, MOST, <)
ARGS(f32, float, -FLT_MAX, FLT_MAX)
ARGS(f64, double, -DBL_MAX, DBL_MAX)
ARGS(i8, int8_t, INT8_MIN, INT8_MAX)
ARGS(i16, int16_t, INT16_MIN, INT16_MAX)
ARGS(i32, int32_t, INT32_MIN, INT32_MAX)
ARGS(i64, int64_t, INT64_MIN, INT64_MAX)
ARGS(u8, uint8_t, 0, UINT8_MAX)
ARGS(u16, uint16_t, 0, UINT16_MAX)
ARGS(u32, uint32_t, 0, UINT32_MAX)
ARGS(u64, uint64_t, 0, UINT64_MAX)

#define ROW(WAY, S)                                                                                    \
    {                                                                                                  \
        [CK_INT32] = WAY##_##S##_i32, [CK_INT64] = WAY##_##S##_i64, [CK_INT16] = WAY##_##S##_16,       \
        [CK_UINT16] = WAY##_##S##_16,                                                                  \
    }
#define TABLE(WAY)                                                                                               \
    {                                                                                                            \
        [CK_FLOAT32] = ROW(WAY, f32), [CK_FLOAT64] = ROW(WAY, f64), [CK_INT8] = ROW(WAY, i8),                    \
        [CK_INT16] = ROW(WAY, i16), [CK_INT32] = ROW(WAY, i32), [CK_INT64] = ROW(WAY, i64),                      \
        [CK_UINT8] = ROW(WAY, u8), [CK_UINT16] = ROW(WAY, u16), [CK_UINT32] = ROW(WAY, u32),                     \
        [CK_UINT64] = ROW(WAY, u64), [CK_BOOL] = ROW(WAY, u8),                                                   \
    }

static const ck_arg_fn max_loops[CK_TYPE_COUNT][CK_TYPE_COUNT] = TABLE(max);
static const ck_arg_fn min_loops[CK_TYPE_COUNT][CK_TYPE_COUNT] = TABLE(min);

CK_INLINE ck_arg_fn find(const ck_arg_fn loops[CK_TYPE_COUNT][CK_TYPE_COUNT], int type, int output) {
    const bool known = type >= 0 && type < CK_TYPE_COUNT && output >= 0 && output < CK_TYPE_COUNT;
    return known ? loops[type][output] : NULL;
}

ck_arg_fn ck_arg_max_loop(int type, int output) { return find(max_loops, type, output); }
ck_arg_fn ck_arg_min_loop(int type, int output) { return find(min_loops, type, output); }
