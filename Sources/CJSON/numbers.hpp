// Numbers of a JSON text, read with AVX2: up to 24 digits at once.
#ifndef CJSON_NUMBERS_HPP
#define CJSON_NUMBERS_HPP
#if defined(__x86_64__)
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

// All functions that are inlined into each other need the same instructions.
#define CJSON_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define CJSON_AVX2_INLINE __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"), always_inline)) inline

namespace cjson {

/// Types on simdjson's tape.
enum : uint64_t { int64_word = uint64_t('l') << 56, uint64_word = uint64_t('u') << 56, double_word = uint64_t('d') << 56 };

/// Reads any number without vectors, and never beyond the end. Writes its two words of the tape. Returns the position after it,
/// and the byte there; NULL for what is not a number, too large for a double, or an integer beyond 64 bits.
const uint8_t *read_any_number(const uint8_t *start, const uint8_t *end, uint64_t *words, uint8_t &next) noexcept;

namespace numbers {

/// The maximum number of digits that the vectors hold.
constexpr unsigned most_digits = 24;

/// 10^-places: the upper 128 bits of 5^-places, rounded up, as Lemire's algorithm needs them (Number parsing at a gigabyte per
/// second, 2021), and the double's exponent, less the bit that the mantissa adds.
struct power {
    uint64_t high, low;
    int64_t exponent;
    double ten;
};
extern const power powers[most_digits + 1];

/// Moves the first digits to the end of 16, and those after the first 16 to the end of a second 16. The others become zero.
struct alignas(32) moves {
    uint8_t bytes[most_digits + 1][32];
};
extern const moves to_end;

alignas(32) static constexpr uint8_t positions[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                      16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
static constexpr uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/// The digits after a zero-extended first character: each lane's first and second eight.
CJSON_AVX2_INLINE __m256i eights(__m256i digits, unsigned count) {
    __m256i moved = _mm256_shuffle_epi8(digits, _mm256_load_si256(reinterpret_cast<const __m256i *>(to_end.bytes[count])));
    __m256i fours = _mm256_madd_epi16(_mm256_maddubs_epi16(moved, _mm256_set1_epi16(0x010a)), _mm256_set1_epi32(0x00010064));
    return _mm256_madd_epi16(_mm256_packus_epi32(fours, fours), _mm256_set1_epi32(0x00012710));
}

CJSON_AVX2_INLINE uint64_t sixteen(__m256i eights) {
    uint64_t both = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm256_castsi256_si128(eights)));
    return static_cast<uint32_t>(both) * UINT64_C(100000000) + (both >> 32);
}

/// The bits of the double that is nearest to digits * 10^-places. False for no digits and for the few numbers that need more than
/// 128 bits.
CJSON_AVX2_INLINE bool nearest(uint64_t digits, unsigned places, uint64_t *bits) {
    if (__builtin_expect(digits == 0, 0)) return false;
    const power &power = powers[places];
    uint64_t zeros = _lzcnt_u64(digits), normal = digits << zeros;
    unsigned __int128 product = static_cast<unsigned __int128>(normal) * power.high;
    uint64_t high = static_cast<uint64_t>(product >> 64), low = static_cast<uint64_t>(product);
    if (__builtin_expect((high & 0x1ff) == 0x1ff, 0)) {
        low += static_cast<uint64_t>((static_cast<unsigned __int128>(normal) * power.low) >> 64);
        high += low < static_cast<uint64_t>(product);
        if (low == UINT64_MAX) return false;
    }
    uint64_t upper = high >> 63, mantissa = high >> (upper + 9);
    // Between two doubles, or nearly: 5^places divides the digits.
    if (__builtin_expect(low <= 1, 0)) {
        if (places <= 4 && (mantissa & 3) == 1 && mantissa << (upper + 9) == high) mantissa &= ~UINT64_C(1);
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    // A carry of the mantissa goes into the exponent. No number of so few digits and places is subnormal or infinite.
    *bits = mantissa + ((static_cast<uint64_t>(power.exponent) + upper - zeros) << 52);
    return true;
}

/// Reads a number, and writes its two words of the tape. Returns the position after it, and the byte there; NULL for what
/// read_any_number() refuses. 64 bytes more than the text can be read, so the vectors may look beyond the end, and so may the
/// number; the caller checks that.
CJSON_AVX2_INLINE const uint8_t *read(const uint8_t *start, const uint8_t *end, uint64_t *words, uint8_t &next) {
    __m256i zero = _mm256_set1_epi8('0');
    __m256i digits = _mm256_sub_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(start)), zero);
    __m256i is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digits, _mm256_set1_epi8(9)), digits);
    // Longer numbers end at these bits. A digit follows there, or a point without places, which is seen below.
    uint32_t others = ~static_cast<uint32_t>(_mm256_movemask_epi8(is_digit)) | ~UINT32_C(0) << (most_digits + 1);
    // A minus counts as a digit of value 0.
    uint32_t negative = *start == '-';
    others ^= negative;
    digits = _mm256_and_si256(digits, is_digit);
    uint32_t point = _tzcnt_u32(others);
    // No digit, or a zero before others.
    if (point != negative + 1 && __builtin_expect(point <= negative || start[negative] == '0', 0)) return nullptr;
    const uint8_t *stop;
    if (start[point] == '.') {
        uint32_t length = _tzcnt_u32(_blsr_u32(others)), places = length - point - 1, count = length - 1;
        if (__builtin_expect(places == 0, 0)) return read_any_number(start, end, words, next);
        __m256i fraction = _mm256_sub_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(start + 1)), zero);
        __m256i is_before = _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(point)),
                                              _mm256_load_si256(reinterpret_cast<const __m256i *>(positions)));
        __m256i parts = eights(_mm256_blendv_epi8(fraction, digits, is_before), count);
        uint64_t value = sixteen(parts), bits;
        if (count < 16) {
            // Both are exact, so there is one rounding.
            double exact = static_cast<double>(static_cast<int64_t>(value)) / powers[places].ten;
            memcpy(&bits, &exact, sizeof bits);
        } else {
            uint64_t rest = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm256_extracti128_si256(parts, 1))) >> 32;
            if (__builtin_expect(__builtin_mul_overflow(value, tens[count - 16], &value), 0) ||
                __builtin_expect(__builtin_add_overflow(value, rest, &value), 0) ||
                __builtin_expect(!nearest(value, places, &bits), 0))
                return read_any_number(start, end, words, next);
        }
        words[0] = double_word;
        words[1] = bits | static_cast<uint64_t>(negative) << 63;
        stop = start + length;
    } else {
        if (__builtin_expect(point > 16, 0)) return read_any_number(start, end, words, next);
        uint64_t value = sixteen(eights(digits, point)), minus = negative;
        words[0] = int64_word;
        words[1] = (value ^ (0 - minus)) + minus;
        stop = start + point;
    }
    next = *stop;
    if (next != ',' && ((next | 0x20) == 'e' || static_cast<uint8_t>(next - '0') < 10))
        return read_any_number(start, end, words, next);
    return stop;
}

} // namespace numbers
} // namespace cjson
#endif
#endif
