// Convolutions with filters of 3 x 3 by Winograd's way: tiles of the images are transformed, multiplied with transformed filters position by
// position, and transformed back. A tile of `size` x `size` results takes (size + 2)^2 multiplications for each pair of channels, where
// a direct convolution takes 9 size^2: 2.25 times fewer for tiles of 2, 4 times fewer for tiles of 4.
//
// A. Lavin, S. Gray: Fast algorithms for convolutional neural networks, 2015. The points of interpolation are 0, 1, -1 and infinity for
// tiles of 2; for tiles of 4 they are 0, +-sqrt(1/2), +-sqrt(2) and infinity, whose transforms have no large factors.
#ifndef CKERNELS_WINOGRAD_H
#define CKERNELS_WINOGRAD_H

#include "ckernels_panels.h"

// The transforms of a tile of 2 add a pixel only where the filter sees it. Those of a tile of 4 add it to all results and take it away
// again. What is left is an error of the size of the pixel's own, which a result may be far below. So a tile of 4 is used only where it is
// even: where its largest pixel is at most so many times as large as the largest that each of its results sees.
enum { CK_WINOGRAD_RANGE = 32 };

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

// Makes rows `first` to `first + count - 1`, those of so many channels, of the panels [channels, outputs] of all positions of a filter
// [3, 3, channels, outputs]. `panels` is where those of position 0 begin; those of each position are `panel_count` floats.
void ck_winograd_pack(ck_level level, int64_t size, const float *filter, int64_t channels, int64_t outputs, int64_t first, int64_t count,
                      float *panels, int64_t panel_count);

// Makes panels of bfloat16 of positions `first` to `first + count - 1`. `matrix` has room for channels * outputs floats; the panels of each
// position are `panel_count` words.
void ck_winograd_pack_bf16(ck_level level, int64_t size, const float *filter, int64_t channels, int64_t outputs, int64_t first, int64_t count,
                           float *matrix, float *panels, int64_t panel_count);

// Transforms `count` tiles, the first of which is number `first` of the batch, to [position, stride, channels], of which these are the first.
// `zeros` are as many as there are channels.
void ck_winograd_input(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, int64_t stride, const float *zeros,
                       float *transformed);

// Bytes of memory that a call of ck_winograd_output needs, on a boundary of 64.
int64_t ck_winograd_direct_bytes(const ck_winograd *winograd);

// Transforms products [position, stride, outputs] of `count` tiles back, and writes the finished output of the product, whose panels are
// those of the filter as it is: tiles of 4 that are not even are convolved with it. Tiles of 2 need neither them nor memory.
void ck_winograd_output(const ck_winograd *winograd, const ck_panel_product *product, const float *products, const float *images,
                        int64_t first, int64_t count, int64_t stride, void *memory);

#endif
