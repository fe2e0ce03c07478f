#include "numbers.hpp"
#if defined(__x86_64__)
#include <charconv>
#include <cmath>
#include <system_error>

namespace cjson {
namespace numbers {

const power powers[most_digits + 1] = {
    {0x8000000000000000, 0x0000000000000000, 1085, 1e0},
    {0xcccccccccccccccc, 0xcccccccccccccccd, 1081, 1e1},
    {0xa3d70a3d70a3d70a, 0x3d70a3d70a3d70a4, 1078, 1e2},
    {0x83126e978d4fdf3b, 0x645a1cac083126ea, 1075, 1e3},
    {0xd1b71758e219652b, 0xd3c36113404ea4a9, 1071, 1e4},
    {0xa7c5ac471b478423, 0x0fcf80dc33721d54, 1068, 1e5},
    {0x8637bd05af6c69b5, 0xa63f9a49c2c1b110, 1065, 1e6},
    {0xd6bf94d5e57a42bc, 0x3d32907604691b4d, 1061, 1e7},
    {0xabcc77118461cefc, 0xfdc20d2b36ba7c3e, 1058, 1e8},
    {0x89705f4136b4a597, 0x31680a88f8953031, 1055, 1e9},
    {0xdbe6fecebdedd5be, 0xb573440e5a884d1c, 1051, 1e10},
    {0xafebff0bcb24aafe, 0xf78f69a51539d749, 1048, 1e11},
    {0x8cbccc096f5088cb, 0xf93f87b7442e45d4, 1045, 1e12},
    {0xe12e13424bb40e13, 0x2865a5f206b06fba, 1041, 1e13},
    {0xb424dc35095cd80f, 0x538484c19ef38c95, 1038, 1e14},
    {0x901d7cf73ab0acd9, 0x0f9d37014bf60a11, 1035, 1e15},
    {0xe69594bec44de15b, 0x4c2ebe687989a9b4, 1031, 1e16},
    {0xb877aa3236a4b449, 0x09befeb9fad487c3, 1028, 1e17},
    {0x9392ee8e921d5d07, 0x3aff322e62439fd0, 1025, 1e18},
    {0xec1e4a7db69561a5, 0x2b31e9e3d06c32e6, 1021, 1e19},
    {0xbce5086492111aea, 0x88f4bb1ca6bcf585, 1018, 1e20},
    {0x971da05074da7bee, 0xd3f6fc16ebca5e04, 1015, 1e21},
    {0xf1c90080baf72cb1, 0x5324c68b12dd6339, 1011, 1e22},
    {0xc16d9a0095928a27, 0x75b7053c0f178294, 1008, 1e23},
    {0x9abe14cd44753b52, 0xc4926a9672793543, 1005, 1e24},
};

static constexpr moves make_moves() {
    moves result = {};
    for (unsigned count = 0; count <= most_digits; count++) {
        unsigned first = count < 16 ? count : 16, rest = count - first;
        for (unsigned place = 0; place < 16; place++) {
            // The highest bit makes a zero.
            result.bytes[count][place] = static_cast<uint8_t>(place + first >= 16 ? place + first - 16 : 0x80);
            result.bytes[count][16 + place] = static_cast<uint8_t>(place + rest >= 16 ? place + rest - 16 : 0x80);
        }
    }
    return result;
}
constexpr moves made = make_moves();
const moves to_end = made;

} // namespace numbers

static const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end) {
    while (p < end && static_cast<uint8_t>(*p - '0') < 10) p++;
    return p;
}

const uint8_t *read_any_number(const uint8_t *start, const uint8_t *end, uint64_t *words, uint8_t &next) noexcept {
    bool is_negative = start < end && *start == '-', is_integer = true;
    const uint8_t *first = start + is_negative, *p = skip_digits(first, end);
    ptrdiff_t count = p - first;
    if (count <= 0 || (count > 1 && *first == '0')) return nullptr;
    if (p < end && *p == '.') {
        is_integer = false;
        const uint8_t *fraction = p + 1;
        p = skip_digits(fraction, end);
        if (p == fraction) return nullptr;
    }
    if (p < end && (*p | 0x20) == 'e') {
        is_integer = false;
        p++;
        if (p < end && (*p == '-' || *p == '+')) p++;
        const uint8_t *exponent = p;
        p = skip_digits(exponent, end);
        if (p == exponent) return nullptr;
    }
    next = p < end ? *p : 0;
    auto text = reinterpret_cast<const char *>(start), stop = reinterpret_cast<const char *>(p);
    if (!is_integer) {
        double value;
        auto result = std::from_chars(text, stop, value);
        if (result.ec != std::errc() || result.ptr != stop || !std::isfinite(value)) return nullptr;
        words[0] = double_word;
        memcpy(words + 1, &value, sizeof value);
        return p;
    }
    uint64_t value;
    auto result = std::from_chars(text + is_negative, stop, value);
    const uint64_t limit = UINT64_C(1) << 63;
    if (result.ec != std::errc() || (is_negative && value > limit)) return nullptr;
    words[0] = is_negative || value < limit ? int64_word : uint64_word;
    words[1] = is_negative ? 0 - value : value;
    return p;
}

} // namespace cjson
#endif
