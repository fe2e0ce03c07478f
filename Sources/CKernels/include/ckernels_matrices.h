// Solving, inverting and factoring matrices, one at a time.
#ifndef CKERNELS_MATRICES_H
#define CKERNELS_MATRICES_H

#include "ckernels_base.h"

typedef struct {
    // Of the first input, and how many columns the second has.
    int rows, columns, right;
    // Adjoint: of the first input, the adjoint is meant. Lower: its lower triangle is meant.
    bool adjoint, lower;
    // Full: square factors. Vectors: they are wanted, not only the values.
    bool full, vectors;
    // Fast: by the normal equations, with something added to the diagonal.
    bool fast;
    double added;
    // The dtype of a permutation.
    int index_type;
} ck_matrix_task;

enum { CK_DONE, CK_SINGULAR, CK_NOT_CONVERGED };

// All matrices are row-major. `scratch` has the bytes that ck_matrix_scratch tells. Gives one of the above.
typedef int (*ck_matrix_fn)(const ck_matrix_task *task, const void *const *inputs, void *const *outputs, void *scratch);

// For float32, float64, complex64 and complex128; NULL for others.
ck_matrix_fn ck_matrix_inverse(int type);
// The sign and the logarithm of its absolute value; or the determinant itself.
ck_matrix_fn ck_log_determinant(int type);
ck_matrix_fn ck_determinant(int type);
ck_matrix_fn ck_matrix_solve(int type);
ck_matrix_fn ck_triangular_solve(int type);
ck_matrix_fn ck_least_squares(int type);
ck_matrix_fn ck_cholesky(int type);
// Both factors in one matrix; the permutation.
ck_matrix_fn ck_lu(int type);
ck_matrix_fn ck_qr(int type);
// Singular values; if wanted, left and right vectors as columns.
ck_matrix_fn ck_svd(int type);
// Eigenvalues, ascending; if wanted, vectors as columns. Reads the lower triangle.
ck_matrix_fn ck_hermitian_eigen(int type);

// Bytes of scratch; -1 where they cannot be counted.
ptrdiff_t ck_matrix_scratch(const ck_matrix_task *task, int type);

#endif
