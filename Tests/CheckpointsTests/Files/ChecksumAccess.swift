import CChecksum

/// The plain checksum, by the CPU's instruction where there is one.
func crc(_ bytes: UnsafeRawBufferPointer) -> UInt32 { cchecksum_crc32c(0, bytes.baseAddress, bytes.count) }

/// The plain checksum, by tables.
func crcByTables(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    cchecksum_crc32c_tables(0, bytes.baseAddress, bytes.count)
}
