// Half precision (IEEE) and bfloat16 as bits, to and from single precision; rounding to the nearest, halves to even.
// Not part of the module: only the kernels' own sources include it.
#ifndef CKERNELS_NARROW_H
#define CKERNELS_NARROW_H

#include "ckernels_math.h"

CK_INLINE float ck_from_f16(uint16_t half) {
    const uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
    const uint32_t exponent = magnitude & 0x0f800000u;
    // The exponent's bias, once more for infinities and NaN.
    const uint32_t normal = magnitude + (exponent == 0x0f800000u ? 0x70000000u : 0x38000000u);
    const float denormal = ck_float_of(magnitude + 0x38800000u) - ck_float_of(0x38800000u);
    const uint32_t bits = exponent == 0 ? ck_bits_f32(denormal) : normal;
    return ck_float_of(bits | (uint32_t)(half & 0x8000) << 16);
}

CK_INLINE uint16_t ck_to_f16(float x) {
    const uint32_t sign = ck_bits_f32(x) & 0x80000000u, magnitude = ck_bits_f32(x) ^ sign;
    // An addition that leaves ten bits does the rounding of denormals.
    const uint32_t denormal = ck_bits_f32(ck_float_of(magnitude) + 0.5f) - 0x3f000000u;
    const uint32_t normal = (magnitude + 0xc8000fffu + (magnitude >> 13 & 1)) >> 13;
    const uint32_t large = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    const uint32_t bits = magnitude >= 0x47800000u ? large : magnitude < 0x38800000u ? denormal : normal;
    return (uint16_t)(bits | sign >> 16);
}

CK_INLINE float ck_from_bf16(uint16_t bits) { return ck_float_of((uint32_t)bits << 16); }

CK_INLINE uint16_t ck_to_bf16(float x) {
    const uint32_t bits = ck_bits_f32(x);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
    return (uint16_t)(x != x ? 0x7fc0u | (bits >> 16 & 0x8000u) : rounded);
}

#endif
