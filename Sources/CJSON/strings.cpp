#include "strings.hpp"
#if defined(__x86_64__)

namespace cjson {
namespace strings {

/// The code unit of `\uXXXX`; a value beyond 16 bits if it is none.
static uint32_t code_unit(const uint8_t *text, const uint8_t *end) {
    if (end - text < 6 || text[0] != '\\' || text[1] != 'u') return UINT32_MAX;
    uint32_t unit = 0;
    for (int index = 2; index < 6; index++) {
        uint32_t digit = uint32_t(text[index]) - '0';
        if (digit > 9) {
            uint32_t letter = (uint32_t(text[index]) | 0x20) - 'a';
            if (letter > 5) return UINT32_MAX;
            digit = letter + 10;
        }
        unit = unit << 4 | digit;
    }
    return unit;
}

static void write(uint32_t scalar, uint8_t *&out) {
    if (scalar < 0x80) {
        *out++ = static_cast<uint8_t>(scalar);
        return;
    }
    int further = scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;
    const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    *out++ = static_cast<uint8_t>(first[further] | scalar >> (6 * further));
    while (further-- > 0) *out++ = static_cast<uint8_t>(0x80 | (scalar >> (6 * further) & 0x3f));
}

const uint8_t *unescape(const uint8_t *text, const uint8_t *end, uint8_t *&out) noexcept {
    if (end - text < 2) return nullptr;
    uint8_t byte = text[1];
    switch (byte) {
    case '"':
    case '\\':
    case '/': break;
    case 'b': byte = '\b'; break;
    case 'f': byte = '\f'; break;
    case 'n': byte = '\n'; break;
    case 'r': byte = '\r'; break;
    case 't': byte = '\t'; break;
    case 'u': {
        uint32_t unit = code_unit(text, end);
        if (unit > 0xffff) return nullptr;
        text += 6;
        if (unit >= 0xd800 && unit < 0xe000) {
            uint32_t low = code_unit(text, end);
            if (unit >= 0xdc00 || low < 0xdc00 || low >= 0xe000) return nullptr;
            text += 6;
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
        write(unit, out);
        return text;
    }
    default: return nullptr;
    }
    *out++ = byte;
    return text + 2;
}

} // namespace strings
} // namespace cjson
#endif
