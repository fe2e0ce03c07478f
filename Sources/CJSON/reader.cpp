#include "reader.hpp"
#include "numbers.hpp"
#include "strings.hpp"
#include <cstdlib>
#include <cstring>
#include <simdjson.h>

namespace cjson {

reader::reader(size_t deepest_nesting) noexcept
    : scope_limit(deepest_nesting < most_scopes ? deepest_nesting : most_scopes) {}

void reader::release() noexcept {
    free(words);
    free(bytes);
    words = nullptr;
    bytes = nullptr;
    word_capacity = byte_capacity = 0;
}

#if !defined(__x86_64__)

bool reader::read(const uint8_t *, size_t) noexcept { return false; }

#else

/// The place in the text, on the tape, and among the strings.
struct reader::state {
    const uint8_t *const text, *const end;
    uint64_t *tape, *tape_limit;
    size_t string_count;
    /// Whether there was a byte that is not ASCII.
    bool has_wide;
};

/// The words that are written between two checks: a number, the end of its list, and the beginning of the next.
static constexpr size_t word_margin = 6;
/// simdjson's limit of the number of elements on the tape.
static constexpr size_t most_counted = 0xffffff;
static constexpr size_t few_numbers = 16;

bool reader::grow_tape(state &now) noexcept {
    // Each word has a byte of the text, but for those of the root.
    size_t used = words ? static_cast<size_t>(now.tape - words) : 0;
    size_t most = static_cast<size_t>(now.end - now.text) + 2 * word_margin;
    size_t capacity = word_capacity == 0 ? 256 : 2 * word_capacity;
    if (capacity > most) capacity = most > used + 2 * word_margin ? most : used + 2 * word_margin;
    auto grown = static_cast<uint64_t *>(realloc(words, capacity * sizeof(uint64_t)));
    if (!grown) return false;
    words = grown;
    word_capacity = capacity;
    now.tape = words + used;
    now.tape_limit = words + capacity - word_margin;
    return true;
}

bool reader::grow_strings(state &now, uint8_t *&out) noexcept {
    // A string has its length, its bytes, and a zero.
    size_t used = bytes ? static_cast<size_t>(out - bytes) : 0;
    size_t most = 2 * static_cast<size_t>(now.end - now.text) + 2 * strings::margin;
    size_t capacity = byte_capacity == 0 ? 1024 : 2 * byte_capacity;
    if (capacity > most) capacity = most > used + 2 * strings::margin ? most : used + 2 * strings::margin;
    auto grown = static_cast<uint8_t *>(realloc(bytes, capacity));
    if (!grown) return false;
    bytes = grown;
    byte_capacity = capacity;
    out = bytes + used;
    return true;
}

/// Reads a string after its opening quote, and notes it on the tape. Returns the position after its closing quote.
CJSON_AVX2 const uint8_t *reader::read_string(state &now, const uint8_t *start) noexcept {
    constexpr size_t length_bytes = sizeof(uint32_t);
    const size_t offset = now.string_count;
    uint8_t *out = bytes + offset;
    while (byte_capacity < offset + length_bytes + strings::margin)
        if (!grow_strings(now, out)) return nullptr;
    out += length_bytes;
    const uint8_t *p = start;
    while (p < now.end) {
        size_t room = byte_capacity - static_cast<size_t>(out - bytes), rest = static_cast<size_t>(now.end - p);
        if (room < strings::margin) {
            if (!grow_strings(now, out)) return nullptr;
            continue;
        }
        if (room - strings::margin < rest) rest = room - strings::margin;
        auto [count, is_ended] = strings::copy_plain(p, out, rest / strings::block + 1, now.has_wide);
        p += count;
        out += count;
        if (!is_ended) continue;
        if (p >= now.end) return nullptr;
        if (*p == '"') {
            *out = 0;
            uint32_t length = static_cast<uint32_t>(out - bytes - offset - length_bytes);
            memcpy(bytes + offset, &length, length_bytes);
            now.string_count = offset + length_bytes + length + 1;
            *now.tape++ = uint64_t('"') << 56 | offset;
            return p + 1;
        }
        if (*p != '\\') return nullptr;
        p = strings::unescape(p, now.end, out);
        if (!p) return nullptr;
    }
    return nullptr;
}

bool reader::read(const uint8_t *text, size_t count) noexcept {
    static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                                 __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("lzcnt") &&
                                 __builtin_cpu_supports("popcnt");
    // Places on the tape have 31 bits.
    if (!has_avx2 || count == 0 || count >= (size_t{1} << 31) - 2 * word_margin) return false;
    found.reset();
    state now = {text, text + count, words, words, 0, false};
    if (!words && !grow_tape(now)) return false;
    now.tape_limit = words + word_capacity - word_margin;
    uint8_t *strings = bytes;
    if (!bytes && !grow_strings(now, strings)) return false;
    if (!read(now)) return false;
    return !now.has_wide || simdjson::validate_utf8(reinterpret_cast<const char *>(text), count);
}

static inline bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

/// Skips white space. False at the end.
static inline bool skip_space(const uint8_t *&p, const uint8_t *end) {
    while (p < end && *p <= ' ' && is_space(*p)) p++;
    return p < end;
}

/// Writes the words at a container's beginning and end.
inline void reader::close(uint64_t *opened, uint64_t *word, char bracket, size_t count) noexcept {
    // Both brackets differ by 2 from each other.
    *word = static_cast<uint64_t>(bracket + 2) << 56 | static_cast<uint64_t>(opened - words);
    *opened = static_cast<uint64_t>(bracket) << 56 | (count < most_counted ? count : most_counted) << 32 |
              static_cast<uint64_t>(word + 1 - words);
}

/// Reads numbers of lists: as long as one comma, or the change from one list to the next, and at most one space stand between them.
/// Returns the position after the last, in the list that is then the current one.
CJSON_AVX2 __attribute__((noinline)) const uint8_t *reader::read_numbers(state &now, const uint8_t *start, scope &current,
                                                                         scope *outer) noexcept {
    const uint8_t *p = start, *const end = now.end;
    uint64_t *word = now.tape, *first = word;
    const uint64_t *const limit = now.tape_limit;
    // Few numbers are not worth finding.
    const uint64_t *const few = first + 2 * few_numbers;
    uint64_t *opened = words + current.start;
    size_t earlier = current.count, rows = 0;
    const bool may_change = outer && !outer->is_object;
    while (true) {
        uint8_t byte;
        p = numbers::read(p, end, word, byte);
        if (!p) return nullptr;
        word += 2;
        const uint8_t *next = p + 1;
        if (byte != ',') {
            if (byte != ']' || p >= end || *next++ != ',' || !may_change) break;
            if (*next == ' ') next++;
            if (*next++ != '[' || next >= end || word > limit || !begins_number(*next)) break;
            close(opened, word, '[', earlier + static_cast<size_t>(word - first) / 2);
            opened = ++word;
            first = ++word;
            earlier = 0;
            rows++;
        } else {
            if (*next == ' ') next++;
            if (next >= end || word > limit) break;
        }
        if (word < few ? !begins_number(*next) : !found.find(next, end)) break;
        p = next;
    }
    now.tape = word;
    if (outer) outer->count += static_cast<uint32_t>(rows);
    current.start = static_cast<uint32_t>(opened - words);
    current.count = static_cast<uint32_t>(earlier + static_cast<size_t>(word - first) / 2);
    return p;
}

static const uint8_t *read_literal(const uint8_t *p, const uint8_t *end, uint64_t *word) {
    const char *name = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
    size_t count = *p == 'f' ? 5 : 4;
    if (static_cast<size_t>(end - p) < count || memcmp(p, name, count) != 0) return nullptr;
    *word = uint64_t(*p) << 56;
    return p + count;
}

CJSON_AVX2 bool reader::read(state &now) noexcept {
    const uint8_t *p = now.text, *const end = now.end;
    size_t depth = 0;
    scope current = {0, 0, 0};
    // The word of the root.
    now.tape++;
    if (!skip_space(p, end) || (*p != '{' && *p != '[')) return false;
    while (true) {
        // A value begins at p, before the end.
        if (now.tape > now.tape_limit && !grow_tape(now)) return false;
        switch (*p) {
        case '{':
        case '[':
            // simdjson counts the root too.
            if (depth + 1 >= scope_limit) return false;
            scopes[depth++] = current;
            current = {static_cast<uint32_t>(now.tape - words), 0, *p == '{'};
            now.tape++;
            p++;
            if (!skip_space(p, end)) return false;
            if (*p != (current.is_object ? '}' : ']')) {
                if (!current.is_object) continue;
                goto key;
            }
            goto close;
        case '"':
            p = read_string(now, p + 1);
            break;
        case '-':
        case '0' ... '9':
            if (current.is_object) {
                uint8_t next;
                p = numbers::read(p, end, now.tape, next);
                now.tape += 2;
            } else {
                p = read_numbers(now, p, current, depth > 1 ? &scopes[depth - 1] : nullptr);
                // The last one is counted below.
                current.count--;
            }
            break;
        case 't':
        case 'f':
        case 'n':
            p = read_literal(p, end, now.tape++);
            break;
        default:
            return false;
        }
        if (!p) return false;
        // A value has ended, and perhaps containers with it.
        while (true) {
            current.count++;
            if (p > end || !skip_space(p, end)) return false;
            if (*p == ',') {
                p++;
                if (!skip_space(p, end)) return false;
                if (current.is_object) goto key;
                break;
            }
            if (*p != (current.is_object ? '}' : ']')) return false;
        close:
            p++;
            if (now.tape > now.tape_limit && !grow_tape(now)) return false;
            close(words + current.start, now.tape++, current.is_object ? '{' : '[', current.count);
            current = scopes[--depth];
            if (depth > 0) continue;
            if (skip_space(p, end)) return false;
            *now.tape++ = uint64_t('r') << 56;
            words[0] = uint64_t('r') << 56 | static_cast<uint64_t>(now.tape - words);
            return true;
        }
        continue;
    key:
        if (now.tape > now.tape_limit && !grow_tape(now)) return false;
        if (*p != '"') return false;
        p = read_string(now, p + 1);
        if (!p || !skip_space(p, end) || *p != ':') return false;
        p++;
        if (!skip_space(p, end)) return false;
    }
}

#endif

} // namespace cjson
