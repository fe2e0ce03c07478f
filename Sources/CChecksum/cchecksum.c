#include "cchecksum.h"
#include <string.h>

// Polynomials over GF(2) of degree below 32: the highest bit is the coefficient of 1, the lowest that of x^31.
static const uint32_t POLYNOMIAL = 0x82F63B78u;

static uint32_t tables[8][256];
// x^(2^n) modulo the polynomial.
static uint32_t powers[64];

// Bytes of each of three streams, and what a stream's register is multiplied with to go past so many bytes.
enum { LONG = 16 << 10, SHORT = 512 };
static uint32_t past_long, past_short;

// The product of two polynomials, modulo the polynomial of the CRC.
static uint32_t multiply(uint32_t a, uint32_t b) {
    uint32_t product = 0;
    for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
        if (a & bit) product ^= b;
        b = (b >> 1) ^ (b & 1 ? POLYNOMIAL : 0);
    }
    return product;
}

// x^(8 * count), for a count below 2^61: what a register is multiplied with to go past so many zero bytes.
static uint32_t past(uint64_t count) {
    uint32_t result = 1u << 31;
    for (int n = 3; count && n < 64; count >>= 1, n++)
        if (count & 1) result = multiply(powers[n], result);
    return result;
}

// Slicing by eight: tables[k][b] is the CRC of byte b followed by k zero bytes, for the reflected polynomial.
__attribute__((constructor)) static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
        tables[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int byte = 0; byte < 256; byte++)
            tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 255];
    powers[0] = 1u << 30;
    for (int n = 1; n < 64; n++) powers[n] = multiply(powers[n - 1], powers[n - 1]);
    past_long = past(LONG);
    past_short = past(SHORT);
}

uint32_t cchecksum_crc32c_joined(uint32_t first, uint32_t second, uint64_t second_count) {
    return multiply(past(second_count), first) ^ second;
}

uint32_t cchecksum_crc32c_tables(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    crc = ~crc;
    for (; count >= 8; p += 8, count -= 8) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + 4, 4);
        low ^= crc;
        crc = tables[7][low & 255] ^ tables[6][(low >> 8) & 255] ^ tables[5][(low >> 16) & 255] ^ tables[4][low >> 24] ^
              tables[3][high & 255] ^ tables[2][(high >> 8) & 255] ^ tables[1][(high >> 16) & 255] ^ tables[0][high >> 24];
    }
    while (count--) crc = (crc >> 8) ^ tables[0][(crc ^ *p++) & 255];
    return ~crc;
}

#if defined(__x86_64__)
// Three streams at once: an instruction takes three cycles, but one can begin in each cycle.
__attribute__((target("sse4.2"))) static uint64_t three_streams(uint64_t crc, const uint8_t *p, size_t each, uint32_t past_each) {
    uint64_t second = 0, third = 0;
    for (size_t place = 0; place < each; place += 8) {
        uint64_t words[3];
        memcpy(&words[0], p + place, 8);
        memcpy(&words[1], p + each + place, 8);
        memcpy(&words[2], p + 2 * each + place, 8);
        crc = __builtin_ia32_crc32di(crc, words[0]);
        second = __builtin_ia32_crc32di(second, words[1]);
        third = __builtin_ia32_crc32di(third, words[2]);
    }
    return multiply(past_each, multiply(past_each, (uint32_t)crc) ^ (uint32_t)second) ^ (uint32_t)third;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    uint64_t wide = (uint32_t)~crc;
    for (; count >= 3 * LONG; p += 3 * LONG, count -= 3 * LONG) wide = three_streams(wide, p, LONG, past_long);
    for (; count >= 3 * SHORT; p += 3 * SHORT, count -= 3 * SHORT) wide = three_streams(wide, p, SHORT, past_short);
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    while (count--) narrow = __builtin_ia32_crc32qi(narrow, *p++);
    return ~narrow;
}

uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return __builtin_cpu_supports("sse4.2") ? crc32c_instruction(crc, bytes, count)
                                            : cchecksum_crc32c_tables(crc, bytes, count);
}
#else
uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return cchecksum_crc32c_tables(crc, bytes, count);
}
#endif
