#include "ckernels_random.h"
#include <string.h>

typedef struct { uint32_t words[4]; } block4;

// Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3 (2011).
static block4 philox(uint64_t key, uint64_t upper, uint64_t lower) {
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)lower, c1 = (uint32_t)(lower >> 32), c2 = (uint32_t)upper, c3 = (uint32_t)(upper >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (block4){{c0, c1, c2, c3}};
}

// Random bits as the fraction of a number in [1, 2), less 1.
static float unit_f32(uint32_t bits) {
    const uint32_t word = 0x3f800000u | (bits & 0x7fffffu);
    float x;
    memcpy(&x, &word, sizeof x);
    return x - 1.0f;
}

static double unit_f64(uint32_t high, uint32_t low) {
    const uint64_t word = 0x3ff0000000000000u | (uint64_t)(high & 0xfffffu) << 32 | low;
    double x;
    memcpy(&x, &word, sizeof x);
    return x - 1.0;
}

void ck_uniform_f32(uint64_t key, uint64_t upper, uint64_t block, float *y, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += 4) {
        const uint64_t lower = block + (uint64_t)i / 4;
        const block4 bits = philox(key, upper + (lower < block), lower);
        for (ptrdiff_t j = 0; j < 4 && i + j < count; j++) y[i + j] = unit_f32(bits.words[j]);
    }
}

void ck_uniform_f64(uint64_t key, uint64_t upper, uint64_t block, double *y, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += 2) {
        const uint64_t lower = block + (uint64_t)i / 2;
        const block4 bits = philox(key, upper + (lower < block), lower);
        for (ptrdiff_t j = 0; j < 2 && i + j < count; j++) y[i + j] = unit_f64(bits.words[2 * j], bits.words[2 * j + 1]);
    }
}
