// Functions that a vectorising compiler can turn into straight lines: no branch, no call, no table.
// Right for NaN, infinities, denormals and overflow. Methods: Cody and Waite's reduction; polynomials as in Cephes
// (single precision), Taylor (double exp) and fdlibm (log).
#ifndef CKERNELS_MATH_H
#define CKERNELS_MATH_H

#include "ckernels_compile.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

#pragma clang fp contract(fast)

CK_INLINE uint32_t ck_bits_f32(float x) { uint32_t bits; memcpy(&bits, &x, sizeof bits); return bits; }
CK_INLINE float ck_float_of(uint32_t bits) { float x; memcpy(&x, &bits, sizeof x); return x; }
CK_INLINE uint64_t ck_bits_f64(double x) { uint64_t bits; memcpy(&bits, &x, sizeof bits); return bits; }
CK_INLINE double ck_double_of(uint64_t bits) { double x; memcpy(&x, &bits, sizeof x); return x; }

// e^x = 2^k e^r, |r| <= ln(2)/2. Adding 1.5 * 2^23 rounds to a whole number that stands in the low bits; with 2 * 127 more
// they hold the sum of the exponents of two factors, whose product is 2^k also where 2^k itself is not a normal number.
CK_INLINE float ck_exp_f32(float x) {
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    const float shifter = 12582912.0f + 254.0f;
    const float shifted = x * 1.44269504088896341f + shifter;
    const float k = shifted - shifter;
    float r = x - k * 0.693359375f;
    r = r - k * -2.12194440e-4f;
    const float q = r * r;
    const float p54 = 1.9875691500e-4f * r + 1.3981999507e-3f;
    const float p32 = 8.3334519073e-3f * r + 4.1665795894e-2f;
    const float p10 = 1.6666665459e-1f * r + 5.0000001201e-1f;
    const float p = ((p54 * q + p32) * q + p10) * q + (r + 1.0f);
    const uint32_t bits = ck_bits_f32(shifted);
    const uint32_t half = (bits >> 1) << 23;
    return p * ck_float_of(half) * ck_float_of((bits << 23) - half);
}

CK_INLINE double ck_exp_f64(double x) {
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    const double shifter = 6755399441055744.0 + 2046.0;
    const double shifted = x * 1.44269504088896340736 + shifter;
    const double k = shifted - shifter;
    double r = x - k * 6.93147180369123816490e-01;
    r = r - k * 1.90821492927058770002e-10;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * (r * r) + (r + 1.0);
    const uint64_t bits = ck_bits_f64(shifted);
    const uint64_t half = (bits >> 1) << 52;
    return p * ck_double_of(half) * ck_double_of((bits << 52) - half);
}

// log x = k log 2 + log m, m in [sqrt(1/2), sqrt 2); log m by the series of atanh(f / (2 + f)), f = m - 1.
CK_INLINE float ck_log_f32(float x) {
    const int isSmall = x < 1.17549435e-38f;
    const uint32_t bits = ck_bits_f32(isSmall ? x * 8388608.0f : x) + (0x3f800000u - 0x3f3504f3u);
    const float k = (float)((int32_t)(bits >> 23) - (isSmall ? 127 + 23 : 127));
    const float f = ck_float_of((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    const float s = f / (2.0f + f);
    const float z = s * s, w = z * z;
    const float odd = z * (0.66666662693f + w * 0.28498786688f);
    const float even = w * (0.40000972152f + w * 0.24279078841f);
    const float half = 0.5f * f * f;
    float y = (s * (half + (odd + even)) + k * 9.0580006145e-06f - half + f) + k * 6.9313812256e-01f;
    y = x == (float)INFINITY ? x : y;
    y = x == 0.0f ? -(float)INFINITY : y;
    return x < 0.0f || x != x ? (float)NAN : y;
}

CK_INLINE double ck_log_f64(double x) {
    const int isSmall = x < 2.2250738585072014e-308;
    const uint64_t bits =
        ck_bits_f64(isSmall ? x * 4503599627370496.0 : x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    const double k = (double)((int32_t)(bits >> 52) - (isSmall ? 1023 + 52 : 1023));
    const double f = ck_double_of((bits & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s, w = z * z;
    const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    const double odd =
        z
        * (6.666666666666735130e-01
           + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    const double half = 0.5 * f * f;
    double y =
        k * 6.93147180369123816490e-01 - ((half - (s * (half + (odd + even)) + k * 1.90821492927058770002e-10)) - f);
    y = x == (double)INFINITY ? x : y;
    y = x == 0.0 ? -(double)INFINITY : y;
    return x < 0.0 || x != x ? (double)NAN : y;
}

// Near 0 an odd polynomial; elsewhere 1 - 2 / (e^2x + 1), which loses nothing there.
CK_INLINE float ck_tanh_f32(float x) {
    const float magnitude = __builtin_fabsf(x);
    const float far = 1.0f - 2.0f / (ck_exp_f32(magnitude + magnitude) + 1.0f);
    const float z = x * x;
    float p = -5.70498872745e-3f * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    return magnitude < 0.625f ? p * z * x + x : __builtin_copysignf(far, x);
}

CK_INLINE double ck_tanh_f64(double x) {
    const double magnitude = __builtin_fabs(x);
    const double far = 1.0 - 2.0 / (ck_exp_f64(magnitude + magnitude) + 1.0);
    const double z = x * x;
    const double p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
    const double q =
        ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
    return magnitude < 0.625 ? x + x * z * (p / q) : __builtin_copysign(far, x);
}

CK_INLINE float ck_sigmoid_f32(float x) { return 1.0f / (1.0f + ck_exp_f32(-x)); }
CK_INLINE double ck_sigmoid_f64(double x) { return 1.0 / (1.0 + ck_exp_f64(-x)); }

// Single precision by way of double precision.

// Near 0, where 1 + x would lose x's last digits, by the first terms of the series.
CK_INLINE float ck_log1p_f32(float x) {
    const double d = x;
    return (float)(__builtin_fabs(d) < 1e-5 ? d - d * d * 0.5 : ck_log_f64(1.0 + d));
}

CK_INLINE double ck_expm1_wide(double x) {
    return __builtin_fabs(x) < 1e-4 ? x + x * x * (0.5 + x * (1.0 / 6)) : ck_exp_f64(x) - 1.0;
}
CK_INLINE float ck_expm1_f32(float x) { return x == 0 ? x : (float)ck_expm1_wide(x); }

// e^x - 1 = t: sinh x = (t + t / (t + 1)) / 2, which loses nothing near 0.
CK_INLINE float ck_sinh_f32(float x) {
    const double magnitude = __builtin_fabs((double)x);
    const double t = ck_expm1_wide(magnitude > 100 ? 100 : magnitude);
    return x != x ? x : (float)__builtin_copysign((t + t / (t + 1.0)) * 0.5, x);
}

CK_INLINE float ck_cosh_f32(float x) {
    const double e = ck_exp_f64(__builtin_fabs((double)x));
    return (float)((e + 1.0 / e) * 0.5);
}

#define CK_SELU_SCALE 1.0507009873554804934193349852946
#define CK_SELU_SCALE_ALPHA 1.7580993408473768599402175208123

CK_INLINE float ck_elu_f32(float x) { return x < 0 ? (float)ck_expm1_wide(x) : x; }
CK_INLINE float ck_selu_f32(float x) {
    return x < 0 ? (float)(CK_SELU_SCALE_ALPHA * ck_expm1_wide(x)) : (float)CK_SELU_SCALE * x;
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
CK_INLINE float ck_softplus_f32(float x) {
    const double e = ck_exp_f64(-__builtin_fabs((double)x));
    const double rest = e < 1e-5 ? e - e * e * 0.5 : ck_log_f64(1.0 + e);
    return x != x ? x : (float)((x > 0 ? x : 0) + rest);
}

// x = k pi / 2 + r with |r| <= pi / 4; the halves of pi / 2 are fdlibm's: k times the first one is exact up to the limit.
#define CK_CIRCULAR_LIMIT 1e5f
#define CK_CIRCULAR_BLOCK 256
CK_INLINE double ck_quadrant(float x, uint32_t *quadrant) {
    const double shifter = 6755399441055744.0;
    const double shifted = (double)x * 6.36619772367581382433e-01 + shifter;
    const double k = shifted - shifter;
    *quadrant = (uint32_t)ck_bits_f64(shifted);
    return ((double)x - k * 1.57079632673412561417e+00) - k * 6.07710050650619224932e-11;
}
CK_INLINE double ck_sin_part(double r) {
    const double z = r * r;
    return r + r * z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 - z * (1.0 / 39916800)))));
}
CK_INLINE double ck_cos_part(double r) {
    const double z = r * r;
    return 1.0
        + z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 + z * (-1.0 / 3628800 + z * (1.0 / 479001600))))));
}
CK_INLINE float ck_sin_f32(float x) {
    uint32_t q;
    const double r = ck_quadrant(x, &q);
    const double y = q & 1 ? ck_cos_part(r) : ck_sin_part(r);
    return x == 0 ? x : (float)(q & 2 ? -y : y);
}
CK_INLINE float ck_cos_f32(float x) {
    uint32_t q;
    const double r = ck_quadrant(x, &q);
    const double y = q & 1 ? ck_sin_part(r) : ck_cos_part(r);
    return (float)((q + 1) & 2 ? -y : y);
}
CK_INLINE float ck_tan_f32(float x) {
    uint32_t q;
    const double r = ck_quadrant(x, &q);
    const double s = ck_sin_part(r), c = ck_cos_part(r);
    return x == 0 ? x : (float)(q & 1 ? -c / s : s / c);
}

// A quotient of polynomials, beyond 4 it is 1.
CK_INLINE float ck_erf_f32(float x) {
    float v = x < -4.0f ? -4.0f : x;
    v = v > 4.0f ? 4.0f : v;
    const float z = v * v;
    float p = -2.72614225801306e-10f * z + 2.77068142495902e-08f;
    p = p * z - 2.10102402082508e-06f;
    p = p * z - 5.69250639462346e-05f;
    p = p * z - 7.34990630326855e-04f;
    p = p * z - 2.95459980854025e-03f;
    p = p * z - 1.60960333262415e-02f;
    float q = -1.45660718464996e-05f * z - 2.13374055278905e-04f;
    q = q * z - 1.68282697438203e-03f;
    q = q * z - 7.37332916720468e-03f;
    q = q * z - 1.42647390514189e-02f;
    return v * p / q;
}

// What the ops that it is made of compute, bit for bit: each of their steps is rounded.
CK_INLINE float ck_gelu_f32(float x) {
#pragma clang fp contract(off)
    return x * (0.5f * (1.0f + ck_erf_f32(x / 1.41421356f)));
}
CK_INLINE float ck_gelu_tanh_f32(float x) {
#pragma clang fp contract(off)
    const float inner = 0.797884561f * (x + 0.044715f * (x * (x * x)));
    return x * (0.5f * (1.0f + ck_tanh_f32(inner)));
}

// x^y = e^(y log |x|) in double precision; whole odd powers of negative numbers are negative.
CK_INLINE float ck_pow_f32(float x, float y) {
    const double magnitude = __builtin_fabs((double)x);
    double p = ck_exp_f64((double)y * ck_log_f64(magnitude));
    p = magnitude == 1.0 ? 1.0 : p;
    const double half = (double)y * 0.5;
    const int is_whole = __builtin_elementwise_floor(y) == y;
    const int is_odd = is_whole && __builtin_elementwise_floor(half) != half;
    const int is_negative = (ck_bits_f32(x) >> 31) != 0;
    p = is_negative && is_odd ? -p : p;
    p = x < 0 && !is_whole && x >= -3.40282347e+38f ? (double)NAN : p;
    p = x != x || y != y ? (double)NAN : p;
    return x == 1.0f || y == 0.0f ? 1.0f : (float)p;
}

#endif
