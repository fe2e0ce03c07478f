// Softmax and its relatives over rows of floats. Each row's largest element is subtracted first; NaN fills its row.
#ifndef CKERNELS_SOFTMAX_H
#define CKERNELS_SOFTMAX_H

#include "ckernels_base.h"

// y[r, :] = softmax, or its logarithm, of x[r, :]. `y` may be `x`.
typedef void (*ck_rows_fn)(const void *x, void *y, ptrdiff_t rows, ptrdiff_t count);
// For CK_FLOAT32 and CK_FLOAT64; NULL for other types.
ck_rows_fn ck_softmax_loop(int type);
ck_rows_fn ck_log_softmax_loop(int type);

// For each row: loss = -sum of labels * log softmax of logits; gradient = softmax of logits - labels.
// A row begins `row_step` elements after the one before; along a row, an element is `step` (0 or 1) after the one before.
typedef struct {
    const void *elements;
    ptrdiff_t row_step, step;
} ck_matrix;
typedef void (*ck_cross_entropy_fn)(
    ck_matrix logits, ck_matrix labels, void *loss, void *gradient, ptrdiff_t rows, ptrdiff_t count);
ck_cross_entropy_fn ck_cross_entropy_loop(int type);

// x[r, i] = x[r, i] * factor / divisor + mask[r * row_step + i * step], where each but the product is left out if it is 1 or NULL.
typedef struct {
    const float *mask;
    ptrdiff_t row_step, step;
    float factor, divisor;
} ck_score_terms;
void ck_add_score_terms_f32(const ck_score_terms *terms, float *x, ptrdiff_t rows, ptrdiff_t count);

#endif
