// The generator itself, and how its words become numbers. Not part of the module: only the kernels' own sources include it.
#ifndef CKERNELS_PHILOX_H
#define CKERNELS_PHILOX_H

#include "ckernels_compile.h"
#include "ckernels_random.h"
#include <math.h>
#include <string.h>

enum { PHILOX_WORDS = 4 };

typedef struct { uint32_t words[PHILOX_WORDS]; } block4;

// The block at a place. Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3 (2011).
CK_INLINE block4 philox(ck_philox at) {
    uint32_t k0 = (uint32_t)at.key, k1 = (uint32_t)(at.key >> 32);
    uint32_t c0 = (uint32_t)at.lower, c1 = (uint32_t)(at.lower >> 32);
    uint32_t c2 = (uint32_t)at.upper, c3 = (uint32_t)(at.upper >> 32);
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

// The place some blocks further on.
CK_INLINE ck_philox after(ck_philox at, uint64_t blocks) {
    const uint64_t lower = at.lower + blocks;
    return (ck_philox){at.key, at.upper + (lower < blocks), lower};
}

// One word after the other.
typedef struct {
    ck_philox at;
    block4 block;
    int used;
} word_stream;

CK_INLINE word_stream words_from(ck_philox at) { return (word_stream){.at = at, .used = PHILOX_WORDS}; }

CK_INLINE uint32_t next_word(word_stream *stream) {
    if (stream->used == PHILOX_WORDS) {
        stream->block = philox(stream->at);
        stream->at = after(stream->at, 1);
        stream->used = 0;
    }
    return stream->block.words[stream->used++];
}

// Random bits as the fraction of a number in [1, 2), less 1.
CK_INLINE float unit_f32(uint32_t bits) {
    const uint32_t word = 0x3f800000u | (bits & 0x7fffffu);
    float x;
    memcpy(&x, &word, sizeof x);
    return x - 1.0f;
}

CK_INLINE double unit_f64(uint32_t high, uint32_t low) {
    const uint64_t word = 0x3ff0000000000000u | (uint64_t)(high & 0xfffffu) << 32 | low;
    double x;
    memcpy(&x, &word, sizeof x);
    return x - 1.0;
}

typedef struct { float first, second; } pair_f32;
typedef struct { double first, second; } pair_f64;

// Box and Muller: two normally distributed numbers from two equally distributed ones, of which the first is not too small
// for a logarithm.
CK_INLINE pair_f32 normal_f32(uint32_t x0, uint32_t x1) {
    const float u = unit_f32(x0), u1 = u < 1.0e-7f ? 1.0e-7f : u;
    const float angle = (float)(2.0 * M_PI * unit_f32(x1));
    const float radius = sqrtf(-2.0f * logf(u1));
    return (pair_f32){sinf(angle) * radius, cosf(angle) * radius};
}

CK_INLINE pair_f64 normal_f64(const uint32_t x[4]) {
    const double u = unit_f64(x[0], x[1]), u1 = u < 1.0e-7 ? 1.0e-7 : u;
    const double angle = 2.0 * M_PI * unit_f64(x[2], x[3]);
    const double radius = sqrt(-2.0 * log(u1));
    return (pair_f64){sin(angle) * radius, cos(angle) * radius};
}

// A number as an element of a type: the nearest, the even one of two.
CK_INLINE uint16_t to_f16(double x) {
    const _Float16 half = (_Float16)x;
    uint16_t bits;
    memcpy(&bits, &half, sizeof bits);
    return bits;
}

CK_INLINE uint16_t to_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isnan(x) ? 0x7fc0 : (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Element i of a tensor of a type, as a double.
CK_INLINE double element(int type, const void *x, ptrdiff_t i) {
    switch (type) {
    case CK_FLOAT32: return ((const float *)x)[i];
    case CK_FLOAT64: return ((const double *)x)[i];
    case CK_INT32: return ((const int32_t *)x)[i];
    case CK_INT64: return (double)((const int64_t *)x)[i];
    case CK_FLOAT16: return (double)((const _Float16 *)x)[i];
    default: {
        const uint32_t bits = (uint32_t)((const uint16_t *)x)[i] << 16;
        float value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    }
}

#endif
