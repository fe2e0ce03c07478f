// Parts of images that chance chooses.
#ifndef CKERNELS_RANDOM_BOXES_H
#define CKERNELS_RANDOM_BOXES_H

#include "ckernels_random.h"

// Where a part of an image begins: of `choices`, the places there are for the first row and for the first column. An axis of one
// place takes no number.
void ck_random_corner(ck_philox from, const int64_t choices[2], int64_t corner[2]);

// What a sampled part of an image has to be like.
typedef struct {
    int32_t height, width;
    float min_ratio, max_ratio;  // of width to height
    float min_area, max_area;    // of the image's
    float min_covered;            // of one of the boxes
    int32_t attempts;
} ck_box_sampling;

// Gives y, x, height, width of a part of the image; of all of it where no attempt succeeds. `boxes`: y1, x1, y2, x2 of each, in
// fractions of the image; false where one is not in [0, 1].
bool ck_sample_box(ck_philox from, const ck_box_sampling *sampling, const float *boxes, ptrdiff_t count, int32_t box[4]);

#endif
