// Converting the numbers of lists on the tape to float32.
#include "cjson.h"
#include <cmath>
#include <cstring>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace {

constexpr uint64_t double_word = uint64_t('d') << 56, int64_word = uint64_t('l') << 56;
constexpr size_t number_words = 2;

/// Converts numbers up to an end, as long as they become finite floats. Returns the index of the first other value, or the end.
inline size_t copy(const uint64_t *tape, size_t index, size_t end, float *place) {
#if defined(__x86_64__)
    const __m128i kind = _mm_set1_epi64x(static_cast<long long>(double_word));
    const __m128 infinity = _mm_set1_ps(INFINITY), magnitude = _mm_castsi128_ps(_mm_set1_epi32(0x7fffffff));
    // Four at once.
    for (; index + 4 * number_words <= end; index += 4 * number_words, place += 4) {
        const __m128i *words = reinterpret_cast<const __m128i *>(tape + index);
        __m128i first = _mm_loadu_si128(words), second = _mm_loadu_si128(words + 1);
        __m128i third = _mm_loadu_si128(words + 2), fourth = _mm_loadu_si128(words + 3);
        __m128i are_doubles = _mm_and_si128(_mm_cmpeq_epi32(_mm_unpacklo_epi64(first, second), kind),
                                            _mm_cmpeq_epi32(_mm_unpacklo_epi64(third, fourth), kind));
        __m128 numbers = _mm_movelh_ps(_mm_cvtpd_ps(_mm_castsi128_pd(_mm_unpackhi_epi64(first, second))),
                                       _mm_cvtpd_ps(_mm_castsi128_pd(_mm_unpackhi_epi64(third, fourth))));
        int are_finite = _mm_movemask_ps(_mm_cmplt_ps(_mm_and_ps(numbers, magnitude), infinity));
        if (_mm_movemask_epi8(are_doubles) != 0xffff || are_finite != 0xf) break;
        _mm_storeu_ps(place, numbers);
    }
#endif
    for (; index < end; index += number_words) {
        double number;
        if (tape[index] == double_word) {
            memcpy(&number, tape + index + 1, sizeof number);
        } else if (tape[index] == int64_word) {
            number = static_cast<double>(static_cast<int64_t>(tape[index + 1]));
        } else {
            break;
        }
        float nearest = static_cast<float>(number);
        if (!std::isfinite(nearest)) break;
        *place++ = nearest;
    }
    return index;
}

} // namespace

extern "C" size_t cjson_copy_floats(const uint64_t *tape, size_t index, size_t end, float *place) {
    return copy(tape, index, end, place);
}

extern "C" size_t cjson_copy_float_rows(const uint64_t *tape, size_t index, size_t end, size_t size, float *place) {
    // A list's word has the index after its end and, above that, the number of its elements.
    const uint64_t list = uint64_t('[') << 24 | size;
    const size_t words = number_words * size + 2;
    if (size >= 0xffffff) return index;
    for (; index < end; index += words, place += size) {
        if (tape[index] >> 32 != list || (tape[index] & 0xffffffff) != index + words) break;
        // As many words as for numbers only: each is checked to be one before the next is found.
        if (copy(tape, index + 1, index + words - 1, place) != index + words - 1) break;
    }
    return index;
}
