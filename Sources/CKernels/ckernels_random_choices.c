// Random numbers that depend on data: choices, and distributions that reject what they drew.
#include "ckernels_philox.h"

void ck_shuffle(ck_philox from, int64_t *y, ptrdiff_t count) {
    word_stream stream = words_from(from);
    for (ptrdiff_t i = 0; i < count; i++) y[i] = i;
    for (ptrdiff_t i = 0; i + 1 < count; i++) {
        // TensorFlow counts what is left in 32 bits.
        const uint32_t left = (uint32_t)(count - i);
        const ptrdiff_t other = i + (left == 0 ? 0 : next_word(&stream) % left);
        const int64_t kept = y[i];
        y[i] = y[other];
        y[other] = kept;
    }
}

// How many numbers of an ascending list are not above x.
static ptrdiff_t place_above(const double *list, ptrdiff_t count, double x) {
    ptrdiff_t low = 0;
    while (count > 0) {
        const ptrdiff_t half = count / 2;
        if (!(x < list[low + half])) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

void ck_multinomial(
    ck_philox from, int type, const void *logits, int output_type, void *y, ptrdiff_t rows, ptrdiff_t classes,
    ptrdiff_t samples, double *scratch
) {
    word_stream stream = words_from(from);
    for (ptrdiff_t r = 0; r < rows; r++) {
        double largest = -INFINITY, total = 0;
        for (ptrdiff_t c = 0; c < classes; c++) {
            const double x = element(type, logits, r * classes + c);
            scratch[c] = x;
            if (isfinite(x) && x > largest) largest = x;
        }
        for (ptrdiff_t c = 0; c < classes; c++) {
            if (isfinite(scratch[c])) total += exp(scratch[c] - largest);
            scratch[c] = total;
        }
        for (ptrdiff_t s = 0; s < samples; s++) {
            const uint32_t high = next_word(&stream), low = next_word(&stream);
            const ptrdiff_t chosen = place_above(scratch, classes, unit_f64(high, low) * total);
            if (output_type == CK_INT32) ((int32_t *)y)[r * samples + s] = (int32_t)chosen;
            else ((int64_t *)y)[r * samples + s] = chosen;
        }
    }
}

enum { BLOCKS_A_NUMBER = 256 };

// Puts x where element i of a tensor of a type is.
static void put(int type, void *y, ptrdiff_t i, double x) {
    switch (type) {
    case CK_FLOAT32: ((float *)y)[i] = (float)x; return;
    case CK_FLOAT64: ((double *)y)[i] = x; return;
    case CK_FLOAT16: ((uint16_t *)y)[i] = to_f16(x); return;
    case CK_BFLOAT16: ((uint16_t *)y)[i] = to_bf16((float)x); return;
    // What an integer cannot hold becomes the least one, as x86 has it.
    case CK_INT32: ((int32_t *)y)[i] = fabs(x) < 0x1p31 ? (int32_t)x : INT32_MIN; return;
    default: ((int64_t *)y)[i] = fabs(x) < 0x1p63 ? (int64_t)x : INT64_MIN;
    }
}

// Numbers that come in groups, the last of a group first.
typedef struct {
    ck_philox at;
    double uniform[2], normal[2];
    int uniforms, normals;
} supply;

static block4 next_block(supply *from) {
    const block4 block = philox(from->at);
    from->at = after(from->at, 1);
    return block;
}

static double next_uniform(supply *from) {
    if (from->uniforms == 0) {
        const block4 bits = next_block(from);
        for (int j = 0; j < 2; j++) from->uniform[j] = unit_f64(bits.words[2 * j], bits.words[2 * j + 1]);
        from->uniforms = 2;
    }
    return from->uniform[--from->uniforms];
}

static double next_normal(supply *from) {
    if (from->normals == 0) {
        const block4 bits = next_block(from);
        const pair_f64 pair = normal_f64(bits.words);
        from->normal[0] = pair.first;
        from->normal[1] = pair.second;
        from->normals = 2;
    }
    return from->normal[--from->normals];
}

// Marsaglia and Tsang: A simple method for generating gamma variables (2000).
static double draw_gamma(supply *from, double alpha) {
    if (alpha == 1) return -log1p(-next_uniform(from));
    const double d = alpha + (alpha < 1 ? 2.0 / 3 : -1.0 / 3), c = 1.0 / 3 / sqrt(d);
    // NaN is never accepted: the number of tries is bounded.
    for (int tries = 0; tries < 1000; tries++) {
        const double x = next_normal(from), root = 1 + c * x;
        if (root <= 0) continue;
        const double v = root * root * root, u = next_uniform(from);
        if (u < 1 - 0.0331 * (x * x) * (x * x) || log(u) < 0.5 * x * x + d * (1 - v + log(v)))
            return alpha < 1 ? d * v * pow(next_uniform(from), 1 / alpha) : d * v;
    }
    return NAN;
}

void ck_gamma(ck_philox from, int type, const void *alpha, ptrdiff_t count, ptrdiff_t samples, void *y) {
    for (ptrdiff_t c = 0; c < count; c++) {
        for (ptrdiff_t s = 0; s < samples; s++) {
            supply numbers = {.at = after(from, (uint64_t)(c * samples + s) * BLOCKS_A_NUMBER)};
            put(type, y, s * count + c, draw_gamma(&numbers, element(type, alpha, c)));
        }
    }
}

enum { POISSON_TRIES = 100000 };

static double low_rate(supply *from, double limit) {
    double product = 1;
    for (int x = 0; x < POISSON_TRIES; x++) {
        product *= next_uniform(from);
        if (product <= limit) return x;
    }
    return NAN;
}

static double log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

static double high_rate(supply *from, double rate) {
    const double b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), log_rate = log(rate);
    for (int tries = 0; tries < POISSON_TRIES; tries++) {
        const double u = next_uniform(from) - 0.5, v = next_uniform(from), shifted = 0.5 - fabs(u);
        const double k = floor((2 * a / shifted + b) * u + rate + 0.43);
        if (shifted >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2)) return k;
        if (k < 0 || (shifted < 0.013 && v > shifted)) continue;
        const double s = log(v * inverse_alpha / (a / (shifted * shifted) + b));
        if (s <= -rate + k * log_rate - log_gamma(k + 1)) return k;
    }
    return NAN;
}

// Knuth's method for low rates; for others Hormann: The transformed rejection method for generating Poisson random variables
// (1993). NaN and the like are never accepted: the number of tries is bounded.
static double draw_poisson(supply *from, double rate) {
    if (isnan(rate)) return NAN;
    if (rate < 10) return low_rate(from, exp(-rate));
    return isinf(rate) ? rate : high_rate(from, rate);
}

void ck_poisson(
    ck_philox from, int type, const void *rates, ptrdiff_t count, ptrdiff_t samples, int output_type, void *y
) {
    for (ptrdiff_t c = 0; c < count; c++) {
        const double rate = element(type, rates, c);
        for (ptrdiff_t s = 0; s < samples; s++) {
            supply numbers = {.at = after(from, (uint64_t)(c * samples + s) * BLOCKS_A_NUMBER)};
            put(output_type, y, s * count + c, draw_poisson(&numbers, rate));
        }
    }
}
