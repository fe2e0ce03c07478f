// TensorFlow's random numbers: Philox 4x32-10, keyed by its two seeds.
#ifndef CKERNELS_RANDOM_H
#define CKERNELS_RANDOM_H

#include "ckernels_base.h"

// Fills with numbers from [0, 1). `key` is the first seed; the counter is 128 bits, of which the second seed is the upper
// half and `block` the lower: it counts fours of 32-bit numbers.
void ck_uniform_f32(uint64_t key, uint64_t upper, uint64_t block, float *y, ptrdiff_t count);
void ck_uniform_f64(uint64_t key, uint64_t upper, uint64_t block, double *y, ptrdiff_t count);

#endif
