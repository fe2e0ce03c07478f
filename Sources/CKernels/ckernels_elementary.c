// Elementary functions. Single precision is computed in vectors, much of it in double precision, which leaves nothing to
// wish for; double precision, where it has no formula of its own, by the C library.
#include "ckernels_compile.h"
#include "ckernels_families.h"
#include "ckernels_math.h"
#include "ckernels_types.h"

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

#define BOTH(NAME)                                                              \
    UNARY_BLOCKS(NAME##_f32, float, CK_LOOP_F32, CK_BLOCK_F32, ck_##NAME##_f32) \
    UNARY_BLOCKS(NAME##_f64, double, CK_LOOP_F64, CK_BLOCK_F64, ck_##NAME##_f64)
BOTH(exp)
BOTH(log)
BOTH(tanh)
BOTH(sigmoid)

#define SINGLE(NAME) UNARY_BLOCKS(NAME##_f32, float, CK_LOOP_F64, CK_BLOCK_F64, ck_##NAME##_f32)
SINGLE(expm1)
SINGLE(log1p)
SINGLE(sinh)
SINGLE(cosh)
SINGLE(elu)
SINGLE(selu)
SINGLE(softplus)
UNARY_BLOCKS(erf_f32, float, CK_LOOP_F32, CK_BLOCK_F32, ck_erf_f32)
UNARY_BLOCKS(gelu_f32, float, CK_LOOP_F32, CK_BLOCK_F32, ck_gelu_f32)
UNARY_BLOCKS(gelu_tanh_f32, float, CK_LOOP_F32, CK_BLOCK_F32, ck_gelu_tanh_f32)

// Arguments beyond what the reduction can do, infinities and NaN are left to the library.
#define CIRCULAR(NAME, FUNCTION)                                                                          \
    CK_MULTIVERSION static void NAME##_vectors(const float *from, float *to, ptrdiff_t n) {               \
        CK_LOOP_F64 for (ptrdiff_t i = 0; i < n; i++) to[i] = ck_##NAME##_f32(from[i]);                   \
    }                                                                                                     \
    static void NAME##_f32(const void *xs, void *ys, ptrdiff_t n) {                                       \
        const float *from = xs;                                                                           \
        float *to = ys, block[CK_CIRCULAR_BLOCK];                                                         \
        for (ptrdiff_t at = 0; at < n; at += CK_CIRCULAR_BLOCK) {                                         \
            const int count = n - at < CK_CIRCULAR_BLOCK ? (int)(n - at) : CK_CIRCULAR_BLOCK;              \
            NAME##_vectors(from + at, block, count);                                                      \
            for (int i = 0; i < count; i++)                                                               \
                if (!(__builtin_fabsf(from[at + i]) <= CK_CIRCULAR_LIMIT)) block[i] = FUNCTION(from[at + i]); \
            memcpy(to + at, block, (size_t)count * sizeof(float));                                        \
        }                                                                                                 \
    }
CIRCULAR(sin, sinf)
CIRCULAR(cos, cosf)
CIRCULAR(tan, tanf)

#define CALLS(NAME, T, S, FUNCTION) UNARY_CALLS(NAME##_##S, T, T, FUNCTION(x))
#define BOTH_CALL(NAME) CALLS(NAME, float, f32, NAME##f) CALLS(NAME, double, f64, NAME)
BOTH_CALL(asin)
BOTH_CALL(acos)
BOTH_CALL(atan)
BOTH_CALL(asinh)
BOTH_CALL(acosh)
BOTH_CALL(atanh)
BOTH_CALL(erfc)
CALLS(expm1, double, f64, expm1)
CALLS(log1p, double, f64, log1p)
CALLS(sin, double, f64, sin)
CALLS(cos, double, f64, cos)
CALLS(tan, double, f64, tan)
CALLS(sinh, double, f64, sinh)
CALLS(cosh, double, f64, cosh)
CALLS(erf, double, f64, erf)
UNARY_CALLS(elu_f64, double, double, x < 0 ? expm1(x) : x)
UNARY_CALLS(selu_f64, double, double, x < 0 ? CK_SELU_SCALE_ALPHA * expm1(x) : CK_SELU_SCALE * x)
UNARY_CALLS(softplus_f64, double, double, (x > 0 ? x : 0) + log1p(exp(-fabs(x))))

const ck_unary_fn ck_unary_elementary[CK_UNARY_COUNT][CK_TYPE_COUNT] = {
    [CK_EXP] = {FLOATS(exp)},           [CK_EXPM1] = {FLOATS(expm1)}, [CK_LOG] = {FLOATS(log)},
    [CK_LOG1P] = {FLOATS(log1p)},       [CK_SIN] = {FLOATS(sin)},     [CK_COS] = {FLOATS(cos)},
    [CK_TAN] = {FLOATS(tan)},           [CK_ASIN] = {FLOATS(asin)},   [CK_ACOS] = {FLOATS(acos)},
    [CK_ATAN] = {FLOATS(atan)},         [CK_SINH] = {FLOATS(sinh)},   [CK_COSH] = {FLOATS(cosh)},
    [CK_TANH] = {FLOATS(tanh)},         [CK_ASINH] = {FLOATS(asinh)}, [CK_ACOSH] = {FLOATS(acosh)},
    [CK_ATANH] = {FLOATS(atanh)},       [CK_ERF] = {FLOATS(erf)},     [CK_ERFC] = {FLOATS(erfc)},
    [CK_SIGMOID] = {FLOATS(sigmoid)},   [CK_ELU] = {FLOATS(elu)},     [CK_SELU] = {FLOATS(selu)},
    [CK_SOFTPLUS] = {FLOATS(softplus)},
    [CK_GELU] = {[CK_FLOAT32] = gelu_f32}, [CK_GELU_TANH] = {[CK_FLOAT32] = gelu_tanh_f32},
};
