#ifndef CKERNELS_WINDOW_H
#define CKERNELS_WINDOW_H

#include <stdint.h>

/// How a window moves over the rows and columns of images that lie as [batch, height, width, depth].
/// Places outside of an image are padding.
typedef struct {
    int64_t height, width;
    int64_t output_height, output_width;
    int64_t filter_height, filter_width;
    int64_t stride_height, stride_width;
    int64_t dilation_height, dilation_width;
    int64_t padding_top, padding_left;
} ckernels_window;

/// Writes what the window sees at `count` places, beginning with place number `first` of the whole batch, one row after the
/// other: filter_height * filter_width * channel_bytes bytes each, padding as zero. `images` is where the channels of the
/// first pixel begin; pixels are pixel_bytes apart.
void ckernels_window_patches(const ckernels_window *window, const void *images, int64_t pixel_bytes, int64_t channel_bytes,
                             int64_t first, int64_t count, void *patches);

// Pools each channel of `batch` images; padding does not count. A maximum is `best < x ? x : best`, beginning with the lowest
// finite number, so that NaN never wins. A mean divides by the number of places inside of the image.
#define CKERNELS_POOL(name, type)                                                                                        \
    void ckernels_##name(const ckernels_window *window, int64_t batch, int64_t depth, const type *images, type *output);

CKERNELS_POOL(max_pool_f32, float)
CKERNELS_POOL(max_pool_f64, double)
CKERNELS_POOL(max_pool_i64, int64_t)
CKERNELS_POOL(max_pool_i32, int32_t)
CKERNELS_POOL(max_pool_i16, int16_t)
CKERNELS_POOL(max_pool_u16, uint16_t)
CKERNELS_POOL(max_pool_i8, int8_t)
CKERNELS_POOL(max_pool_u8, uint8_t)
CKERNELS_POOL(mean_pool_f32, float)
CKERNELS_POOL(mean_pool_f64, double)

#undef CKERNELS_POOL

#endif
