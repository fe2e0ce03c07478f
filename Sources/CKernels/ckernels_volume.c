#include "ckernels_volume.h"
#include "ckernels_compile.h"

#include <string.h>

// Does something for each row of the filter at each place: `x` is where the row begins, `row` the volume's row that it lies in,
// -1 for one outside.
#define EACH_FILTER_ROW(...)                                                                                           \
    int64_t place[3] = {first / w->output[2] / w->output[1], first / w->output[2] % w->output[1], first % w->output[2]}; \
    for (; count > 0; count--) {                                                                                       \
        const int64_t x = place[2] * w->stride[2] - w->padding[2];                                                     \
        for (int64_t fz = 0; fz < w->filter[0]; fz++) {                                                                \
            const int64_t z = place[0] * w->stride[0] - w->padding[0] + fz * w->dilation[0];                           \
            for (int64_t fy = 0; fy < w->filter[1]; fy++) {                                                            \
                const int64_t y = place[1] * w->stride[1] - w->padding[1] + fy * w->dilation[1];                       \
                const int inside = z >= 0 && z < w->size[0] && y >= 0 && y < w->size[1];                               \
                const int64_t row = inside ? z * w->size[1] + y : -1;                                                  \
                __VA_ARGS__                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
        if (++place[2] < w->output[2]) continue;                                                                       \
        place[2] = 0;                                                                                                  \
        if (++place[1] < w->output[1]) continue;                                                                       \
        place[1] = 0;                                                                                                  \
        place[0]++;                                                                                                    \
    }

void ck_volume_patches(const ck_volume *w, const void *volume, int64_t pixel_bytes, int64_t first, int64_t count,
                       void *patches) {
    char *to = patches;
    const int64_t row_bytes = w->filter[2] * pixel_bytes;
    EACH_FILTER_ROW({
        const char *from = (const char *)volume + row * w->size[2] * pixel_bytes;
        if (row < 0) {
            memset(to, 0, (size_t)row_bytes);
        } else if (w->dilation[2] == 1 && x >= 0 && x + w->filter[2] <= w->size[2]) {
            memcpy(to, from + x * pixel_bytes, (size_t)row_bytes);
        } else {
            for (int64_t fx = 0; fx < w->filter[2]; fx++) {
                const int64_t column = x + fx * w->dilation[2];
                if (column >= 0 && column < w->size[2]) {
                    memcpy(to + fx * pixel_bytes, from + column * pixel_bytes, (size_t)pixel_bytes);
                } else {
                    memset(to + fx * pixel_bytes, 0, (size_t)pixel_bytes);
                }
            }
        }
        to += row_bytes;
    })
}

#define SCATTER(S, T)                                                                                                  \
    CK_MULTIVERSION_LIGHT void ck_volume_scatter_##S(const ck_volume *w, const T *patches, int64_t depth,              \
                                                     int64_t first, int64_t count, int64_t begin, int64_t end,         \
                                                     T *volume) {                                                      \
        EACH_FILTER_ROW({                                                                                              \
            for (int64_t fx = 0; fx < w->filter[2]; fx++, patches += depth) {                                          \
                const int64_t column = x + fx * w->dilation[2];                                                        \
                if (row < begin || row >= end || column < 0 || column >= w->size[2]) continue;                                           \
                T *to = volume + (row * w->size[2] + column) * depth;                                                  \
                CK_LOOP for (int64_t c = 0; c < depth; c++) to[c] += patches[c];                                       \
            }                                                                                                          \
        })                                                                                                             \
    }

SCATTER(f32, float)
SCATTER(f64, double)
SCATTER(u32, uint32_t)
