// What loops over matrices of all types have in common. Not part of the module.
#ifndef CKERNELS_MATRIX_TYPES_H
#define CKERNELS_MATRIX_TYPES_H

#include "ckernels_compile.h"
#include "ckernels_matrices.h"
#include <complex.h>
#include <copenblas.h>
#include <math.h>
#include <string.h>

typedef float _Complex complex64;
typedef double _Complex complex128;

#define SAME(x) (x)

// MAKE(prefix, element, real part, conjugate, absolute value)
#define FOR_MATRIX_TYPES(MAKE)               \
    MAKE(s, float, float, SAME, fabsf)       \
    MAKE(d, double, double, SAME, fabs)      \
    MAKE(c, complex64, float, conjf, cabsf)  \
    MAKE(z, complex128, double, conj, cabs)

#define BY_MATRIX_TYPE(NAME)                 \
    (type == CK_FLOAT32      ? s##NAME       \
     : type == CK_FLOAT64    ? d##NAME       \
     : type == CK_COMPLEX64  ? c##NAME       \
     : type == CK_COMPLEX128 ? z##NAME       \
                             : NULL)

// Scratch memory, taken in pieces.
CK_INLINE void *piece(char **scratch, size_t bytes) {
    void *start = *scratch;
    *scratch += (bytes + 63) / 64 * 64;
    return start;
}

// y[c, r] = x[r, c]
#define MAKE_TURN(S, T, R, CONJ, ABS)                                                        \
    CK_INLINE void S##turn(const T *x, ptrdiff_t rows, ptrdiff_t columns, T *y) {            \
        for (ptrdiff_t r = 0; r < rows; r++)                                                 \
            for (ptrdiff_t c = 0; c < columns; c++) y[c * rows + r] = x[r * columns + c];    \
    }                                                                                        \
    CK_INLINE void S##turn_adjoint(const T *x, ptrdiff_t rows, ptrdiff_t columns, T *y) {    \
        for (ptrdiff_t r = 0; r < rows; r++)                                                 \
            for (ptrdiff_t c = 0; c < columns; c++) y[c * rows + r] = CONJ(x[r * columns + c]); \
    }
FOR_MATRIX_TYPES(MAKE_TURN)

#endif
