// Loops over images, channel by channel.
#ifndef CKERNELS_CHANNELS_H
#define CKERNELS_CHANNELS_H

#include "ckernels_base.h"

// y[i] = (x[i] - mean[j]) * factor[j] + shift[j] with j = i % period. `y` may be `x`.
void ck_normalize_f32(const float *x, const float *mean, const float *factor, const float *shift, float *y,
                      ptrdiff_t count, ptrdiff_t period);
void ck_normalize_f64(const double *x, const double *mean, const double *factor, const double *shift, double *y,
                      ptrdiff_t count, ptrdiff_t period);

// y[i] = (x[i] - mean) * factor + shift. `y` may be `x`.
void ck_normalize_plane_f32(const float *x, float mean, float factor, float shift, float *y, ptrdiff_t count);
void ck_normalize_plane_f64(const double *x, double mean, double factor, double shift, double *y, ptrdiff_t count);

// Of x[outer, channels, inner]: sum[c] = the sum of the differences between x[o, c, i] and center[c], and
// product[c] = the sum of their products with z[o, c, i]; where `z` is NULL, of their squares. Only of the channels
// [first, end).
void ck_channel_sums_f32(const float *x, const double *center, const float *z, ptrdiff_t outer, ptrdiff_t channels,
                         ptrdiff_t inner, ptrdiff_t first, ptrdiff_t end, double *sum, double *product);

#endif
