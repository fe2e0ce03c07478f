// TensorFlow's random numbers: Philox 4x32-10, keyed by its two seeds.
#ifndef CKERNELS_RANDOM_H
#define CKERNELS_RANDOM_H

#include "ckernels_base.h"

// A place in a stream: the key, and a counter of 128 bits that counts blocks of four 32-bit words.
typedef struct {
    uint64_t key, upper, lower;
} ck_philox;

// The key and the counter that two seeds stand for in ops without a state of their own.
ck_philox ck_philox_of_seeds(uint64_t seed0, uint64_t seed1);

// Fills with numbers that follow a distribution, from a place on. For the float types; NULL for others.
typedef void (*ck_random_fn)(ck_philox from, void *y, ptrdiff_t count);
// From [0, 1).
ck_random_fn ck_uniform_loop(int type);
// Of mean 0 and deviation 1.
ck_random_fn ck_normal_loop(int type);
// The same without those of 2 and more, on either side.
ck_random_fn ck_truncated_normal_loop(int type);

// Fills with whole numbers from [low, low + range); a range of 0 stands for all numbers of the width. They wrap around.
void ck_uniform_int32(ck_philox from, uint32_t low, uint32_t range, uint32_t *y, ptrdiff_t count);
void ck_uniform_int64(ck_philox from, uint64_t low, uint64_t range, uint64_t *y, ptrdiff_t count);

// Puts 0..<count into an order by chance.
void ck_shuffle(ck_philox from, int64_t *y, ptrdiff_t count);

// For each row of `classes` logits `samples` classes, as likely as e^logit; y is of int32 or int64. `scratch` is for `classes`
// numbers. Logits that are not finite are never chosen.
void ck_multinomial(
    ck_philox from, int type, const void *logits, int output_type, void *y, ptrdiff_t rows, ptrdiff_t classes,
    ptrdiff_t samples, double *scratch);

// For each of `count` parameters `samples` numbers: y[s, c], each element drawn from its own part of the stream.
void ck_gamma(ck_philox from, int type, const void *alpha, ptrdiff_t count, ptrdiff_t samples, void *y);
void ck_poisson(
    ck_philox from, int type, const void *rates, ptrdiff_t count, ptrdiff_t samples, int output_type, void *y);

// Normally distributed numbers between bounds: `count` of them, in batches of `batch`, each with its own mean, deviation and
// bounds, or all with the same (a step of 0).
typedef struct {
    const void *means, *deviations, *least, *most;
    ptrdiff_t mean_step, deviation_step, min_step, max_step;
    ptrdiff_t batch, count;
} ck_truncation;

// False where parameters make no sense. For float32 and float64; NULL for others.
typedef bool (*ck_truncated_fn)(ck_philox from, const ck_truncation *of, void *y);
ck_truncated_fn ck_bounded_normal_loop(int type);

#endif
