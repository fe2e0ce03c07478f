#include "cregex.h"
#include <cstdint>
#include <cstring>
#include <new>
#include <re2/re2.h>
#include <string>

struct cregex {
    RE2 expression;
    cregex(re2::StringPiece pattern, const RE2::Options &options) : expression(pattern, options) {}
};

static re2::StringPiece piece(const uint8_t *bytes, size_t count) {
    return {reinterpret_cast<const char *>(bytes), count};
}

extern "C" cregex *cregex_create(const uint8_t *pattern, size_t count, int64_t budget) {
    try {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(budget);
        return new cregex(piece(pattern, count), options);
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

extern "C" void cregex_destroy(cregex *regex) { delete regex; }

extern "C" const char *cregex_error(const cregex *regex) {
    return regex->expression.ok() ? nullptr : regex->expression.error().c_str();
}

extern "C" bool cregex_is_too_large(const cregex *regex) {
    return regex->expression.error_code() == RE2::ErrorPatternTooLarge;
}

extern "C" bool cregex_matches_all(const cregex *regex, const uint8_t *text, size_t count) {
    return RE2::FullMatch(piece(text, count), regex->expression);
}

namespace {

// The output. Bytes that do not fit are only counted.
struct sink {
    uint8_t *output;
    size_t capacity;
    size_t count = 0;

    void append(const char *bytes, size_t length) {
        if (count < capacity) {
            size_t fits = length < capacity - count ? length : capacity - count;
            if (fits > 0) std::memcpy(output + count, bytes, fits);
        }
        count += length;
    }
};

// RE2's groups: the match, and \\1 to \\9.
constexpr int max_groups = 10;

// Appends the rewrite of a match. Returns false if the rewrite is invalid, after appending the part before the fault.
bool rewrite_match(sink &out, re2::StringPiece rewrite, const re2::StringPiece *groups, int count) {
    for (size_t i = 0; i < rewrite.size(); i++) {
        if (rewrite[i] != '\\') {
            out.append(&rewrite[i], 1);
            continue;
        }
        if (++i == rewrite.size()) return false;
        int group = rewrite[i] - '0';
        if (group >= 0 && group <= 9) {
            if (group >= count) return false;
            out.append(groups[group].data(), groups[group].size());
        } else if (rewrite[i] == '\\') {
            out.append("\\", 1);
        } else {
            return false;
        }
    }
    return true;
}

// The number of bytes of a UTF-8 character; 1 for an invalid one.
size_t character_length(const char *text, size_t left) {
    auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned first = byte(0);
    size_t length = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1;
    if (length > left) return 1;
    for (size_t i = 1; i < length; i++)
        if ((byte(i) & 0xC0) != 0x80) return 1;
    if (first == 0xE0 && byte(1) < 0xA0) return 1;
    if (first == 0xF0 && byte(1) < 0x90) return 1;
    if (first == 0xF4 && byte(1) > 0x8F) return 1;
    return length;
}

// The number of steps between two checks of the time.
constexpr size_t steps_between_looks = 1024;

} // namespace

// RE2::Replace and RE2::GlobalReplace write into strings of unlimited size. This function writes into the caller's memory.
extern "C" size_t cregex_replace(const cregex *regex, const uint8_t *bytes, size_t count, const uint8_t *rewrite_bytes,
                                 size_t rewrite_count, bool all, uint8_t *output, size_t capacity,
                                 bool (*is_over)(const void *), const void *context) {
    const RE2 &expression = regex->expression;
    // A NULL piece is not the end of a match.
    re2::StringPiece text = count > 0 ? piece(bytes, count) : re2::StringPiece("", 0);
    re2::StringPiece rewrite = piece(rewrite_bytes, rewrite_count);
    re2::StringPiece groups[max_groups];
    sink out{output, capacity};
    int group_count = 1 + RE2::MaxSubmatch(rewrite);
    if (group_count > 1 + expression.NumberOfCapturingGroups()) {
        out.append(text.data(), text.size());
        return out.count;
    }
    size_t place = 0;
    const char *last_end = nullptr;
    for (size_t step = 1; place <= text.size(); step++) {
        if (step % steps_between_looks == 0 && is_over(context)) return SIZE_MAX;
        if (!expression.Match(text, place, text.size(), RE2::UNANCHORED, groups, group_count)) break;
        size_t start = static_cast<size_t>(groups[0].data() - text.data());
        out.append(text.data() + place, start - place);
        if (all && groups[0].data() == last_end && groups[0].empty()) {
            // An empty match must not be at the end of the last match, so one character is skipped.
            if (place < text.size()) {
                size_t length = character_length(text.data() + place, text.size() - place);
                out.append(text.data() + place, length);
                place += length;
            } else {
                place++;
            }
            continue;
        }
        size_t before = out.count;
        if (!rewrite_match(out, rewrite, groups, group_count) && !all) {
            // The text is unchanged.
            out.count = before;
            place = start;
            break;
        }
        place = start + groups[0].size();
        last_end = text.data() + place;
        if (!all) break;
    }
    if (place < text.size()) out.append(text.data() + place, text.size() - place);
    return out.count;
}
