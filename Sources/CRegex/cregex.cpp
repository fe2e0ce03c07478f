#include "cregex.h"
#include <cstdlib>
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

extern "C" cregex *cregex_create(const uint8_t *pattern, size_t count) {
    try {
        RE2::Options options;
        options.set_log_errors(false);
        return new cregex(piece(pattern, count), options);
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

extern "C" void cregex_destroy(cregex *regex) { delete regex; }

extern "C" const char *cregex_error(const cregex *regex) {
    return regex->expression.ok() ? nullptr : regex->expression.error().c_str();
}

extern "C" bool cregex_matches_all(const cregex *regex, const uint8_t *text, size_t count) {
    return RE2::FullMatch(piece(text, count), regex->expression);
}

extern "C" uint8_t *cregex_replace(const cregex *regex, const uint8_t *text, size_t count, const uint8_t *rewrite,
                                   size_t rewrite_count, bool all, size_t *result_count) {
    try {
        std::string result(reinterpret_cast<const char *>(text), count);
        if (all) RE2::GlobalReplace(&result, regex->expression, piece(rewrite, rewrite_count));
        else RE2::Replace(&result, regex->expression, piece(rewrite, rewrite_count));
        auto copy = static_cast<uint8_t *>(std::malloc(result.size() + 1));
        if (!copy) return nullptr;
        std::memcpy(copy, result.data(), result.size());
        *result_count = result.size();
        return copy;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

extern "C" void cregex_free(uint8_t *text) { std::free(text); }
