// Convolutions with filters of 3 x 3 by Winograd's way: tiles of the images are transformed, multiplied with transformed filters position by
// position, and transformed back. A tile of `size` x `size` results takes (size + 2)^2 multiplications for each pair of channels, where
// a direct convolution takes 9 size^2: 2.25 times fewer for tiles of 2, 4 times fewer for tiles of 4.
//
// A. Lavin, S. Gray: Fast algorithms for convolutional neural networks, 2015. The points of interpolation are 0, 1, -1 and infinity for
// tiles of 2; for tiles of 4 they are 0, +-sqrt(1/2), +-sqrt(2) and infinity, whose transforms have no large factors.
#ifndef CKERNELS_WINOGRAD_H
#define CKERNELS_WINOGRAD_H

#include "ckernels_panels.h"

typedef struct {
    ckernels_window window;
    ck_level level;
    int64_t channels, outputs;
    // Results along each side of a tile: 2 or 4.
    int64_t size;
} ck_winograd;

// Positions of a tile of that size.
int64_t ck_winograd_positions(int64_t size);

// Tiles of an image.
int64_t ck_winograd_tiles(const ck_winograd *winograd);

// Makes panels [channels, outputs] of positions `first` to `first + count - 1` of a filter [3, 3, channels, outputs]. `matrix` has room for
// channels * outputs floats. `panels` is where those of position 0 begin; those of each position are `panel_count` floats or words.
void ck_winograd_pack(ck_level level, ck_precision precision, int64_t size, const float *filter, int64_t channels, int64_t outputs,
                      int64_t first, int64_t count, float *matrix, float *panels, int64_t panel_count);

// Transforms `count` tiles, the first of which is number `first` of the batch, to [position, stride, channels], of which these are the first.
// `zeros` are as many as there are channels.
void ck_winograd_input(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, int64_t stride, const float *zeros,
                       float *transformed);

// Transforms products [position, stride, outputs] of `count` tiles back, and writes the finished output of the product.
void ck_winograd_output(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first, int64_t count,
                        int64_t stride);

#endif
