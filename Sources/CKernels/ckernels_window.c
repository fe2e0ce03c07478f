#include "ckernels_window.h"
#include "ckernels_compile.h"

#include <float.h>
#include <string.h>

// One row of the filter at one place: the pixels that it touches, with zeros where there is no image.
static void copy_filter_row(const ckernels_window *w, const char *row, int64_t left, int64_t pixel_bytes,
                            int64_t channel_bytes, char *patch) {
    if (w->dilation_width == 1 && pixel_bytes == channel_bytes) {
        int64_t begin = left < 0 ? -left : 0;
        int64_t end = w->width - left;
        if (end > w->filter_width) end = w->filter_width;
        if (end <= begin) {
            memset(patch, 0, w->filter_width * channel_bytes);
            return;
        }
        if (begin > 0) memset(patch, 0, begin * channel_bytes);
        memcpy(patch + begin * channel_bytes, row + (left + begin) * pixel_bytes, (end - begin) * channel_bytes);
        if (end < w->filter_width) memset(patch + end * channel_bytes, 0, (w->filter_width - end) * channel_bytes);
        return;
    }
    for (int64_t column = 0; column < w->filter_width; column++) {
        int64_t x = left + column * w->dilation_width;
        if (x < 0 || x >= w->width) {
            memset(patch, 0, channel_bytes);
        } else {
            memcpy(patch, row + x * pixel_bytes, channel_bytes);
        }
        patch += channel_bytes;
    }
}

void ckernels_window_patches(const ckernels_window *w, const void *images, int64_t pixel_bytes, int64_t channel_bytes,
                             int64_t first, int64_t count, void *patches) {
    int64_t row_bytes = w->width * pixel_bytes;
    int64_t patch_row_bytes = w->filter_width * channel_bytes;
    int64_t column = first % w->output_width;
    int64_t row = first / w->output_width % w->output_height;
    const char *image = (const char *)images + first / w->output_width / w->output_height * w->height * row_bytes;
    char *patch = patches;
    for (int64_t place = 0; place < count; place++) {
        int64_t top = row * w->stride_height - w->padding_top;
        int64_t left = column * w->stride_width - w->padding_left;
        for (int64_t filter_row = 0; filter_row < w->filter_height; filter_row++) {
            int64_t y = top + filter_row * w->dilation_height;
            if (y < 0 || y >= w->height) {
                memset(patch, 0, patch_row_bytes);
            } else {
                copy_filter_row(w, image + y * row_bytes, left, pixel_bytes, channel_bytes, patch);
            }
            patch += patch_row_bytes;
        }
        if (++column < w->output_width) continue;
        column = 0;
        if (++row < w->output_height) continue;
        row = 0;
        image += w->height * row_bytes;
    }
}

// The places of a window along an axis that lie inside of the image. Pools have no dilation.
static inline void clip(int64_t place, int64_t stride, int64_t padding, int64_t filter, int64_t size, int64_t *begin,
                        int64_t *end) {
    int64_t first = place * stride - padding;
    *begin = first < 0 ? 0 : first;
    *end = first + filter > size ? size : first + filter;
}

// The body of a pool: `first` begins a sum, `step` adds `x` to `best`, `finish` ends it, knowing the `count` of places.
#define POOL(name, type, first, step, finish)                                                                            \
    CK_MULTIVERSION void ckernels_##name(const ckernels_window *w, int64_t batch, int64_t depth, const type *restrict images,      \
                                type *restrict output) {                                                                 \
        for (int64_t image = 0; image < batch; image++, images += w->height * w->width * depth) {                        \
            for (int64_t row = 0; row < w->output_height; row++) {                                                       \
                int64_t top, bottom;                                                                                     \
                clip(row, w->stride_height, w->padding_top, w->filter_height, w->height, &top, &bottom);                  \
                for (int64_t column = 0; column < w->output_width; column++, output += depth) {                          \
                    int64_t left, right;                                                                                 \
                    clip(column, w->stride_width, w->padding_left, w->filter_width, w->width, &left, &right);             \
                    for (int64_t c = 0; c < depth; c++) output[c] = first;                                               \
                    for (int64_t y = top; y < bottom; y++) {                                                             \
                        for (int64_t p = left; p < right; p++) {                                                         \
                            const type *pixel = images + (y * w->width + p) * depth;                                     \
                            for (int64_t c = 0; c < depth; c++) {                                                        \
                                type x = pixel[c], best = output[c];                                                     \
                                output[c] = step;                                                                        \
                            }                                                                                            \
                        }                                                                                                \
                    }                                                                                                    \
                    finish                                                                                               \
                }                                                                                                        \
            }                                                                                                            \
        }                                                                                                                \
    }

#define MAX_POOL(name, type, lowest) POOL(name, type, lowest, best < x ? x : best, )
#define MEAN_POOL(name, type)                                                                                            \
    POOL(                                                                                                                \
        name, type, 0, best + x, type count = (type)((bottom - top) * (right - left));                                   \
        for (int64_t c = 0; c < depth; c++) output[c] /= count;)

MAX_POOL(max_pool_f32, float, -FLT_MAX)
MAX_POOL(max_pool_f64, double, -DBL_MAX)
MAX_POOL(max_pool_i64, int64_t, INT64_MIN)
MAX_POOL(max_pool_i32, int32_t, INT32_MIN)
MAX_POOL(max_pool_i16, int16_t, INT16_MIN)
MAX_POOL(max_pool_u16, uint16_t, 0)
MAX_POOL(max_pool_i8, int8_t, INT8_MIN)
MAX_POOL(max_pool_u8, uint8_t, 0)
MEAN_POOL(mean_pool_f32, float)
MEAN_POOL(mean_pool_f64, double)
