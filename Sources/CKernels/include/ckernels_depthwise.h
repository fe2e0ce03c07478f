#ifndef CKERNELS_DEPTHWISE_H
#define CKERNELS_DEPTHWISE_H

#include "ckernels_window.h"

/// Convolves each channel of `batch` images with its own filters: channel c * multiplier + m of the output is channel c of the
/// images seen through filter[:, :, c, m].
void ck_depthwise_f32(const ckernels_window *window, int64_t batch, int64_t depth, int64_t multiplier, const float *images,
                      const float *filter, float *output);
void ck_depthwise_f64(const ckernels_window *window, int64_t batch, int64_t depth, int64_t multiplier, const double *images,
                      const double *filter, double *output);

/// Adds up what ``ck_depthwise_f32`` hands back: to `images`, the gradient by the images; to `filter_gradient`, that by the
/// filter. `gradient` has the output's shape. One of the two may be NULL.
void ck_depthwise_back_f32(const ckernels_window *window, int64_t batch, int64_t depth, int64_t multiplier,
                           const float *images, const float *filter, const float *gradient, float *images_gradient,
                           float *filter_gradient);
void ck_depthwise_back_f64(const ckernels_window *window, int64_t batch, int64_t depth, int64_t multiplier,
                           const double *images, const double *filter, const double *gradient, double *images_gradient,
                           double *filter_gradient);

#endif
