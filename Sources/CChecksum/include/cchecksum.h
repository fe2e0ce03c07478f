#ifndef CCHECKSUM_H
#define CCHECKSUM_H
#include <stddef.h>
#include <stdint.h>

/// Extends a CRC-32C (Castagnoli) over more bytes; 0 begins one. Uses the CPU's instruction where there is one.
uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by tables, whatever the CPU has.
uint32_t cchecksum_crc32c_tables(uint32_t crc, const void *bytes, size_t count);
#endif
