// Strings of a JSON text.
#ifndef CJSON_STRINGS_HPP
#define CJSON_STRINGS_HPP
#if defined(__x86_64__)
#include "numbers.hpp"

namespace cjson {
namespace strings {

/// The bytes that are copied at once.
constexpr size_t block = 32;
/// The room that a block needs, and an escape or the zero at the end after it.
constexpr size_t margin = block + 8;

/// What was copied: all of the room, or the bytes before a quote, a backslash or a control character.
struct copied {
    size_t count;
    bool is_ended;
};

/// Copies blocks of bytes that need no change.
CJSON_AVX2_INLINE copied copy_plain(const uint8_t *text, uint8_t *out, size_t blocks, bool &has_wide) {
    __m256i all = _mm256_setzero_si256();
    size_t count = 0;
    uint32_t found = 0;
    for (; blocks > 0; blocks--, count += block) {
        __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(text + count));
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(out + count), bytes);
        __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
        __m256i quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'));
        __m256i escape = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
        all = _mm256_or_si256(all, bytes);
        found = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, escape), control)));
        if (found != 0) break;
    }
    // Bytes after the string are looked at too. That only checks a text once more than needed.
    has_wide |= _mm256_movemask_epi8(all) != 0;
    return {found != 0 ? count + _tzcnt_u32(found) : count, found != 0};
}

/// Reads an escape at a backslash, and writes its character as UTF-8. Returns the position after it; NULL if it is malformed.
const uint8_t *unescape(const uint8_t *text, const uint8_t *end, uint8_t *&out) noexcept;

} // namespace strings
} // namespace cjson
#endif
#endif
