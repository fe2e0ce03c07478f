#ifndef CJSON_H
#define CJSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CJSON_LEAST_POWER = -64, CJSON_GREATEST_POWER = 64 };
extern const uint64_t cjson_powers[][2];

/// Writes the nearest double to digits * 10^exponent, for digits other than 0. Returns false, and writes nothing, for the few numbers that need
/// more than 128 bits or another power; cjson_read_double() reads these.
static inline bool cjson_double(uint64_t digits, int64_t exponent, double *result) {
    static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (digits <= (uint64_t)1 << 53 && exponent >= -22 && exponent <= 22) {
        // Both are exact, so there is one rounding.
        *result = exponent < 0 ? (double)digits / exact[-exponent] : (double)digits * exact[exponent];
        return true;
    }
    if (exponent < CJSON_LEAST_POWER || exponent > CJSON_GREATEST_POWER) return false;
    const uint64_t *power = cjson_powers[exponent - CJSON_LEAST_POWER];
    int zeros = __builtin_clzll(digits);
    uint64_t normal = digits << zeros;
    unsigned __int128 product = (unsigned __int128)normal * power[0];
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if ((high & 0x1ff) == 0x1ff) {
        uint64_t second = (uint64_t)(((unsigned __int128)normal * power[1]) >> 64);
        low += second;
        if (low < second) high++;
        if (low == UINT64_MAX) return false;
    }
    int upper = (int)(high >> 63);
    uint64_t mantissa = high >> (upper + 9);
    int64_t binary = (((152170 + 65536) * exponent) >> 16) + 63 + upper - zeros + 1023;
    // Exactly between two doubles, or nearly.
    if (low <= 1 && (mantissa & 3) == 1 && mantissa << (upper + 9) == high) {
        if (exponent < -4 || exponent > 23) return false;
        mantissa &= ~(uint64_t)1;
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >= (uint64_t)1 << 53) {
        mantissa = (uint64_t)1 << 52;
        binary++;
    }
    if (binary <= 0 || binary >= 0x7ff) return false;
    uint64_t bits = (mantissa & ~((uint64_t)1 << 52)) | (uint64_t)binary << 52;
    memcpy(result, &bits, sizeof bits);
    return true;
}

/// Reads a number of a text, without a sign, which has the form of JSON. Returns whether it is finite.
bool cjson_read_double(const uint8_t *text, size_t count, double *result);

/// Write the shortest text that reads back as the same number, at most 32 bytes. Return the text's length.
size_t cjson_format_float(float value, char *text);
size_t cjson_format_double(double value, char *text);

#ifdef __cplusplus
}
#endif
#endif
