// Convolutions with filters of 3 x 3 or 5 x 5 by Winograd's way: tiles of the images are transformed, multiplied with transformed filters
// position by position, and transformed back. A tile of `size` x `size` results of a filter of `taps` x `taps` has `side` = size + taps - 1
// pixels along each side, and takes side^2 multiplications for each pair of channels. A direct convolution takes taps^2 size^2.
//
// | taps | size | side | fewer multiplications |
// | 3    | 2    | 4    | 2.25 times            |
// | 3    | 4    | 6    | 4 times               |
// | 5    | 2    | 6    | 2.78 times            |
//
// A. Lavin, S. Gray: Fast algorithms for convolutional neural networks, 2015. The points of interpolation are 0, 1, -1 and infinity for
// sides of 4; for sides of 6 they are 0, +-sqrt(1/2), +-sqrt(2) and infinity, whose transforms have no large factors.
#ifndef CKERNELS_WINOGRAD_H
#define CKERNELS_WINOGRAD_H

#include "ckernels_panels.h"

// The transforms of a side of 4 add a pixel only where the filter sees it. Those of a side of 6 add it to all results and take it away
// again. What is left is an error of the size of the pixel's own, which a result may be far below. So a tile with a side of 6 is used only
// where it is even: where its largest pixel is at most so many times as large as the largest that each of its results sees.
enum { CK_WINOGRAD_RANGE = 32 };

typedef struct {
    // Its filter has `taps` rows and columns.
    ckernels_window window;
    ck_level level;
    int64_t channels, outputs;
    // Results along each side of a tile.
    int64_t size;
} ck_winograd;

// The largest number of positions of a tile.
enum { CK_WINOGRAD_POSITIONS = 36 };

// Tiles of an image.
int64_t ck_winograd_tiles(const ck_winograd *winograd);

// How a filter [taps, taps, channels, outputs] is transformed.
typedef struct {
    ck_level level;
    int64_t size, taps, channels, outputs;
    // Floats or words of the panels of each position.
    int64_t panel_count;
} ck_winograd_filter;

// Makes rows `first` to `first + count - 1`, those of so many channels, of the panels [channels, outputs] of all positions. `panels` is
// where those of position 0 begin.
void ck_winograd_pack(const ck_winograd_filter *task, const float *filter, int64_t first, int64_t count, float *panels);

// Makes panels of bfloat16 of positions `first` to `first + count - 1`. `matrix` has room for channels * outputs floats.
void ck_winograd_pack_bf16(const ck_winograd_filter *task, const float *filter, int64_t first, int64_t count, float *matrix, float *panels);

// Transforms `count` tiles, the first of which is number `first` of the batch, to [position, channels] each. They lie `step` floats apart.
// `zeros` are as many as there are channels.
void ck_winograd_input(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, ptrdiff_t step, const float *zeros,
                       float *transformed);

// Bytes of memory that a call of ck_winograd_output needs, on a boundary of 64.
int64_t ck_winograd_direct_bytes(const ck_winograd *winograd);

// Transforms products [position, outputs] of `count` tiles, which lie `step` floats apart, back, and writes the finished output of the
// product, whose panels are those of the filter as it is: tiles with a side of 6 that are not even are convolved with it. Others need neither
// them nor memory.
void ck_winograd_output(const ck_winograd *winograd, const ck_panel_product *product, const float *products, const float *images,
                        int64_t first, int64_t count, ptrdiff_t step, void *memory);

#endif
