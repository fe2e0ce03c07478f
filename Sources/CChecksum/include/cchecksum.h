#ifndef CCHECKSUM_H
#define CCHECKSUM_H
#include <stddef.h>
#include <stdint.h>

/// Extends a CRC-32C (Castagnoli) by more bytes; 0 begins one. Uses the CPU's instruction if it has one.
uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same with tables, on any CPU.
uint32_t cchecksum_crc32c_tables(uint32_t crc, const void *bytes, size_t count);

/// The CRC-32C of bytes and `second_count` bytes after them, fewer than 2^61, from the CRC-32C of each.
uint32_t cchecksum_crc32c_joined(uint32_t first, uint32_t second, uint64_t second_count);
#endif
