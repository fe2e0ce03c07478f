// Where numbers begin in a JSON text.
#ifndef CJSON_BEGINNINGS_HPP
#define CJSON_BEGINNINGS_HPP
#if defined(__x86_64__)
#include "numbers.hpp"

namespace cjson {

inline bool begins_number(uint8_t byte) { return static_cast<uint8_t>(byte - '0') < 10 || byte == '-'; }

/// The places where numbers begin in a part of a text. The processor thus starts on a number before it knows where the one before
/// it ends.
///
/// A place may be none, as in a string: each is compared with the one that follows from the text, which decides.
class beginnings {
  public:
    /// Changes `next`, where a number may begin before the end, to the same place, but not computed from it. Returns whether one
    /// begins there.
    CJSON_AVX2_INLINE bool find(const uint8_t *&next, const uint8_t *end) {
        while (true) {
            const uint8_t *found = base + places[index];
            if (__builtin_expect(found == next, 1)) {
                index++;
                // The compiler would keep `next`, because it is the same.
                __asm__("" : "+r"(found));
                next = found;
                return true;
            }
            if (!begins_number(*next)) return false;
            if (index < count && found < next) {
                index++;
            } else {
                look(next, end);
            }
        }
    }

    void reset() {
        base = nullptr;
        index = count = places[0] = 0;
    }

  private:
    static constexpr size_t part_bytes = 1024, block_bytes = 64, batch = 4;

    const uint8_t *base = nullptr;
    /// The next place, and their number.
    uint32_t index = 0, count = 0;
    /// Offsets from the base, and a last one. Batches are written as a whole.
    uint16_t places[part_bytes / 2 + batch + 1] = {};

    /// Finds the numbers after a place where one begins.
    CJSON_AVX2 __attribute__((noinline)) void look(const uint8_t *start, const uint8_t *end) {
        size_t rest = static_cast<size_t>(end - start), length = rest < part_bytes ? rest : part_bytes;
        uint64_t before = 0;
        uint32_t found = 0;
        for (size_t offset = 0; offset < length; offset += block_bytes) {
            uint64_t inside = in_number(start + offset) | uint64_t{in_number(start + offset + block_bytes / 2)} << 32;
            uint64_t begins = inside & ~(inside << 1 | before);
            before = inside >> 63;
            uint32_t sum = found + static_cast<uint32_t>(__builtin_popcountll(begins));
            for (; found < sum; found += batch) {
                for (size_t each = 0; each < batch; each++) {
                    places[found + each] = static_cast<uint16_t>(offset + _tzcnt_u64(begins));
                    begins = _blsr_u64(begins);
                }
            }
            found = sum;
        }
        base = start;
        index = 0;
        count = found;
        // The first place again, which no later number has.
        places[found] = 0;
    }

    /// The bytes from minus to nine: minus, point, slash and the digits.
    CJSON_AVX2_INLINE static uint32_t in_number(const uint8_t *text) {
        __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(text));
        __m256i from_minus = _mm256_sub_epi8(bytes, _mm256_set1_epi8('-'));
        __m256i is_inside = _mm256_cmpeq_epi8(_mm256_min_epu8(from_minus, _mm256_set1_epi8('9' - '-')), from_minus);
        return static_cast<uint32_t>(_mm256_movemask_epi8(is_inside));
    }
};

} // namespace cjson
#endif
#endif
