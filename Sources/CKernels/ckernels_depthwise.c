#include "ckernels_depthwise.h"
#include "ckernels_compile.h"

#include <string.h>

// Which rows (or columns) of the filter see the image at a place, and where the first row of the filter lies.
static inline int64_t clip_filter(int64_t place, int64_t stride, int64_t padding, int64_t filter, int64_t dilation,
                                  int64_t size, int64_t *begin, int64_t *end) {
    const int64_t origin = place * stride - padding;
    int64_t first = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
    int64_t last = size > origin ? (size - origin + dilation - 1) / dilation : 0;
    *end = last < filter ? last : filter;
    *begin = first < *end ? first : *end;
    return origin;
}

// What the filter sees at one place: rows [top, bottom) and columns [left, right) of it, the first of all at (y, x).
typedef struct {
    int64_t top, bottom, left, right, y, x;
} taps;

static inline taps taps_at(const ckernels_window *w, int64_t row, int64_t column) {
    taps t;
    t.y = clip_filter(row, w->stride_height, w->padding_top, w->filter_height, w->dilation_height, w->height, &t.top,
                      &t.bottom);
    t.x = clip_filter(column, w->stride_width, w->padding_left, w->filter_width, w->dilation_width, w->width, &t.left,
                      &t.right);
    return t;
}

// For each tap: `p`, the pixel's channels, and `f`, those of the filter, `width` of them.
#define EACH_TAP(...)                                                                                                  \
    for (int64_t fy = t.top; fy < t.bottom; fy++) {                                                                    \
        for (int64_t fx = t.left; fx < t.right; fx++) {                                                                \
            const int64_t pixel = ((t.y + fy * w->dilation_height) * w->width + t.x + fx * w->dilation_width) * depth; \
            const int64_t tap = (fy * w->filter_width + fx) * depth * multiplier;                                      \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

// Some channels at once, kept in registers over all taps.
#define VECTORS(T, V, COUNT)                                                                                           \
    for (; c + (COUNT) * (int64_t)(sizeof(V) / sizeof(T)) <= depth; c += (COUNT) * (int64_t)(sizeof(V) / sizeof(T))) { \
        V sum[COUNT];                                                                                                  \
        memset(sum, 0, sizeof sum);                                                                                    \
        EACH_TAP({                                                                                   \
            V x[COUNT], f[COUNT];                                                                                      \
            memcpy(x, image + pixel + c, sizeof x);                                                                    \
            memcpy(f, filter + tap + c, sizeof f);                                                                     \
            for (int v = 0; v < (COUNT); v++) sum[v] += x[v] * f[v];                                                   \
        })                                                                                                             \
        memcpy(y + c, sum, sizeof sum);                                                                                \
    }

#define DEPTHWISE(S, T)                                                                                                \
    typedef T wide_##S __attribute__((vector_size(64)));                                                               \
    typedef T small_##S __attribute__((vector_size(16)));                                                              \
    CK_INLINE void one_place_##S(const ckernels_window *w, taps t, int64_t depth, const T *image, const T *filter,     \
                                 T *y) {                                                                               \
        const int64_t multiplier = 1;                                                                                  \
        int64_t c = 0;                                                                                                 \
        VECTORS(T, wide_##S, 2)                                                                                        \
        VECTORS(T, wide_##S, 1)                                                                                        \
        VECTORS(T, small_##S, 1)                                                                                       \
        for (; c < depth; c++) {                                                                                       \
            T sum = 0;                                                                                                 \
            EACH_TAP(sum += image[pixel + c] * filter[tap + c];)                                     \
            y[c] = sum;                                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    CK_INLINE void several_##S(const ckernels_window *w, taps t, int64_t depth, int64_t multiplier, const T *image,    \
                               const T *filter, T *y) {                                                                \
        memset(y, 0, (size_t)(depth * multiplier) * sizeof(T));                                                        \
        EACH_TAP({                                                                                   \
            const T *x = image + pixel, *f = filter + tap;                                                             \
            for (int64_t c = 0; c < depth; c++) {                                                                      \
                CK_LOOP for (int64_t m = c * multiplier; m < (c + 1) * multiplier; m++) y[m] += x[c] * f[m];           \
            }                                                                                                          \
        })                                                                                                             \
    }                                                                                                                  \
    CK_MULTIVERSION void ck_depthwise_##S(const ckernels_window *w, int64_t batch, int64_t depth, int64_t multiplier,  \
                                          const T *image, const T *filter, T *y) {                                     \
        for (; batch > 0; batch--, image += w->height * w->width * depth) {                                            \
            for (int64_t row = 0; row < w->output_height; row++) {                                                     \
                for (int64_t column = 0; column < w->output_width; column++, y += depth * multiplier) {                \
                    const taps t = taps_at(w, row, column);                                                            \
                    if (multiplier == 1) {                                                                             \
                        one_place_##S(w, t, depth, image, filter, y);                                                  \
                    } else {                                                                                           \
                        several_##S(w, t, depth, multiplier, image, filter, y);                                        \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    CK_MULTIVERSION_LIGHT void ck_depthwise_back_##S(                                                                  \
        const ckernels_window *w, int64_t batch, int64_t depth, int64_t multiplier, const T *image, const T *filter,   \
        const T *gradient, T *to_image, T *to_filter) {                                                                \
        const int64_t image_size = w->height * w->width * depth;                                                       \
        for (int64_t b = 0; b < batch; b++) {                                                                          \
            for (int64_t row = 0; row < w->output_height; row++) {                                                     \
                for (int64_t column = 0; column < w->output_width; column++, gradient += depth * multiplier) {         \
                    const taps t = taps_at(w, row, column);                                                            \
                    EACH_TAP({                                                                       \
                        for (int64_t c = 0; c < depth; c++) {                                                          \
                            T sum = 0;                                                                                 \
                            for (int64_t m = c * multiplier; m < (c + 1) * multiplier; m++) {                          \
                                if (to_image) sum += gradient[m] * filter[tap + m];                                    \
                                if (to_filter) to_filter[tap + m] += gradient[m] * image[b * image_size + pixel + c];  \
                            }                                                                                          \
                            if (to_image) to_image[b * image_size + pixel + c] += sum;                                 \
                        }                                                                                              \
                    })                                                                                                 \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

DEPTHWISE(f32, float)
DEPTHWISE(f64, double)
