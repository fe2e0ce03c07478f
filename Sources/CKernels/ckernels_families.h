// The tables that ck_unary_loop and ck_binary_loop look into, one a source file.
// Not part of the module: only the kernels' own sources include it.
#ifndef CKERNELS_FAMILIES_H
#define CKERNELS_FAMILIES_H

#include "ckernels_elementwise.h"

typedef const ck_unary_fn (*ck_unary_table)[CK_TYPE_COUNT];
typedef const ck_binary_fn (*ck_binary_table)[CK_TYPE_COUNT];

extern const ck_unary_fn ck_unary_arithmetic[CK_UNARY_COUNT][CK_TYPE_COUNT];
extern const ck_unary_fn ck_unary_elementary[CK_UNARY_COUNT][CK_TYPE_COUNT];
extern const ck_unary_fn ck_unary_special[CK_UNARY_COUNT][CK_TYPE_COUNT];
extern const ck_unary_fn ck_unary_complex[CK_UNARY_COUNT][CK_TYPE_COUNT];

extern const ck_binary_fn ck_binary_arithmetic[CK_BINARY_COUNT][CK_TYPE_COUNT];
extern const ck_binary_fn ck_binary_integers[CK_BINARY_COUNT][CK_TYPE_COUNT];
extern const ck_binary_fn ck_binary_functions[CK_BINARY_COUNT][CK_TYPE_COUNT];
extern const ck_binary_fn ck_binary_gradients[CK_BINARY_COUNT][CK_TYPE_COUNT];
extern const ck_binary_fn ck_binary_complex[CK_BINARY_COUNT][CK_TYPE_COUNT];

#define BINARY_LOOPS(LOOP, T, RESULT, EXPRESSION)                                                              \
    const T *as = left, *bs = right;                                                                           \
    RESULT *to = ys;                                                                                           \
    if (step_a && step_b) {                                                                                    \
        LOOP for (ptrdiff_t i = 0; i < n; i++) { const T a = as[i], b = bs[i]; to[i] = (RESULT)(EXPRESSION); } \
    } else if (step_a) {                                                                                       \
        const T b = *bs;                                                                                       \
        LOOP for (ptrdiff_t i = 0; i < n; i++) { const T a = as[i]; to[i] = (RESULT)(EXPRESSION); }            \
    } else {                                                                                                   \
        const T a = *as;                                                                                       \
        LOOP for (ptrdiff_t i = 0; i < n; i++) { const T b = bs[i]; to[i] = (RESULT)(EXPRESSION); }            \
    }

#define BINARY_PARAMETERS \
    const void *left, ptrdiff_t step_a, const void *right, ptrdiff_t step_b, void *ys, ptrdiff_t n

#define BINARY(NAME, T, RESULT, EXPRESSION)                    \
    CK_MULTIVERSION_LIGHT static int NAME(BINARY_PARAMETERS) { \
        BINARY_LOOPS(CK_LOOP, T, RESULT, EXPRESSION) return 0; \
    }

// With long formulas of vectors.
#define BINARY_MATH(NAME, T, LOOP, EXPRESSION)              \
    CK_MULTIVERSION static int NAME(BINARY_PARAMETERS) {    \
        BINARY_LOOPS(LOOP, T, T, EXPRESSION) return 0;      \
    }

// Element by element; `fault` may be set.
#define BINARY_CALLS(NAME, T, EXPRESSION)              \
    static int NAME(BINARY_PARAMETERS) {               \
        int fault = 0;                                 \
        BINARY_LOOPS(, T, T, EXPRESSION) return fault; \
    }

#define UNARY(NAME, T, RESULT, EXPRESSION)                                          \
    CK_MULTIVERSION_LIGHT static void NAME(const void *xs, void *ys, ptrdiff_t n) { \
        const T *from = xs;                                                         \
        RESULT *to = ys;                                                            \
        CK_LOOP for (ptrdiff_t i = 0; i < n; i++) {                                 \
            const T x = from[i];                                                    \
            to[i] = (RESULT)(EXPRESSION);                                           \
        }                                                                           \
    }

// With long formulas of vectors.
#define UNARY_MATH(NAME, T, LOOP, EXPRESSION)                                       \
    CK_MULTIVERSION static void NAME(const void *xs, void *ys, ptrdiff_t n) {       \
        const T *from = xs;                                                         \
        T *to = ys;                                                                 \
        LOOP for (ptrdiff_t i = 0; i < n; i++) { const T x = from[i]; to[i] = (T)(EXPRESSION); } \
    }

// Element by element.
#define UNARY_CALLS(NAME, T, RESULT, EXPRESSION)                                                         \
    static void NAME(const void *xs, void *ys, ptrdiff_t n) {                                            \
        const T *from = xs;                                                                              \
        RESULT *to = ys;                                                                                 \
        for (ptrdiff_t i = 0; i < n; i++) { const T x = from[i]; to[i] = (RESULT)(EXPRESSION); }          \
    }

#endif
