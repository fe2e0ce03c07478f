#ifndef CKERNELS_VOLUME_H
#define CKERNELS_VOLUME_H

#include <stdint.h>

/// How a window moves over the planes, rows and columns of a volume that lies as [planes, rows, columns, depth]. Places
/// outside of the volume are padding.
typedef struct {
    int64_t size[3], output[3], filter[3], stride[3], dilation[3], padding[3];
} ck_volume;

/// Writes what the window sees at `count` places of one volume, beginning with number `first`, one row after the other: the
/// filter's places, pixel_bytes each, padding as zero.
void ck_volume_patches(const ck_volume *window, const void *volume, int64_t pixel_bytes, int64_t first, int64_t count,
                       void *patches);

/// The way back: adds the rows to the pixels that they came from; `depth` is the number of elements of a pixel. Only the
/// volume's rows [begin, end) are changed, counted over all planes; 0 <= begin.
void ck_volume_scatter_f32(const ck_volume *window, const float *patches, int64_t depth, int64_t first, int64_t count,
                           int64_t begin, int64_t end, float *volume);
void ck_volume_scatter_f64(const ck_volume *window, const double *patches, int64_t depth, int64_t first, int64_t count,
                           int64_t begin, int64_t end, double *volume);
/// Wraps around.
void ck_volume_scatter_u32(const ck_volume *window, const uint32_t *patches, int64_t depth, int64_t first, int64_t count,
                           int64_t begin, int64_t end, uint32_t *volume);

#endif
