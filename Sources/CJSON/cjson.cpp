#include "cjson.h"
#include <charconv>
#include <cmath>
#include <system_error>

// Swift has no function of its own that reads or writes numbers without allocating memory.

// The power of ten of a number's first digit other than 0, roughly where the exponent is beyond all bounds.
static long magnitude(const uint8_t *text, const uint8_t *end) {
    long power = 0, exponent = 0;
    bool is_whole = true, is_found = false;
    for (; text < end && *text != 'e' && *text != 'E'; text++) {
        if (*text == '.') {
            is_whole = false;
            continue;
        }
        is_found = is_found || *text != '0';
        if (is_whole && is_found) power++;
        if (!is_whole && !is_found) power--;
    }
    if (++text >= end) return power;
    bool is_negative = *text == '-';
    if (*text == '-' || *text == '+') text++;
    for (; text < end && exponent < 1000000000; text++) exponent = exponent * 10 + (*text - '0');
    return is_negative ? power - exponent : power + exponent;
}

extern "C" bool cjson_read_double(const uint8_t *text, size_t count, double *result) {
    const char *start = reinterpret_cast<const char *>(text);
    auto [end, code] = std::from_chars(start, start + count, *result);
    if (code == std::errc::result_out_of_range) {
        *result = 0;
        return magnitude(text, text + count) < 0;
    }
    return code == std::errc() && end == start + count && std::isfinite(*result);
}

extern "C" size_t cjson_format_float(float value, char *text) {
    return static_cast<size_t>(std::to_chars(text, text + 32, value).ptr - text);
}

extern "C" size_t cjson_format_double(double value, char *text) {
    return static_cast<size_t>(std::to_chars(text, text + 32, value).ptr - text);
}
