#ifndef CJSON_READER_HPP
#define CJSON_READER_HPP
#include "beginnings.hpp"
#include <cstddef>
#include <cstdint>

namespace cjson {

/// Reads JSON in one pass, onto the same tape as simdjson. It does not know why a text is malformed.
// Safety: owns the tape and the strings, which grow as they are written and are freed with it.
class reader {
  public:
    explicit reader(size_t deepest_nesting) noexcept;
    ~reader() { release(); }
    reader(const reader &) = delete;
    reader &operator=(const reader &) = delete;

    /// Whether it is a list or an object of valid JSON that this reader could read. If not, simdjson may read it.
    /// 64 bytes after the text can be read.
    bool read(const uint8_t *text, size_t count) noexcept;

    const uint64_t *tape() const noexcept { return words; }
    uint8_t *strings() const noexcept { return bytes; }

    /// The bytes of memory that it holds. Never more than ten times the longest text, and 8 KiB.
    size_t memory() const noexcept { return word_capacity * sizeof(uint64_t) + byte_capacity; }
    void release() noexcept;

  private:
    struct scope {
        /// The place of its beginning on the tape.
        uint32_t start;
        /// The number of values so far.
        uint32_t count : 31;
        uint32_t is_object : 1;
    };
    struct state;

    bool read(state &now) noexcept;
    bool grow_tape(state &now) noexcept;
    bool grow_strings(state &now, uint8_t *&out) noexcept;
    const uint8_t *read_string(state &now, const uint8_t *start) noexcept;
    const uint8_t *read_numbers(state &now, const uint8_t *start, scope &current, scope *outer) noexcept;
    void close(uint64_t *opened, uint64_t *word, char bracket, size_t count) noexcept;

    uint64_t *words = nullptr;
    uint8_t *bytes = nullptr;
    size_t word_capacity = 0, byte_capacity = 0;
    static constexpr size_t most_scopes = 128;
    size_t scope_limit;
    scope scopes[most_scopes];
#if defined(__x86_64__)
    beginnings found;
#endif
};

} // namespace cjson
#endif
