// Rows of floats, each with its mean subtracted and divided by its spread.
#ifndef CKERNELS_LAYERNORM_H
#define CKERNELS_LAYERNORM_H

#include "ckernels_base.h"

// y[r, i] = (x[r, i] - mean of row r) / sqrt(variance of row r + epsilon) * scale[i % period] + offset[i % period].
// `scale` and `offset` may be NULL. `y` may be `x`. A row is a multiple of `period`.
void ck_layer_norm_f32(const float *x, const float *scale, const float *offset, float *y, ptrdiff_t rows,
                       ptrdiff_t count, ptrdiff_t period, float epsilon);

#endif
