internal import CChecksum

/// CRC-32C as TensorFlow stores it. It is masked, so that the checksum of bytes that contain a checksum is not degenerate.
struct Checksum {
    private var crc: UInt32 = 0

    /// Adds more bytes.
    mutating func extend(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count > 0 { crc = cchecksum_crc32c(crc, bytes.baseAddress, bytes.count) }
    }

    /// The form in files: rotated by 15 bits, plus a constant (crc32c.h).
    var masked: UInt32 { ((crc >> 15) | (crc << 17)) &+ 0xa282_ead8 }

    /// The masked checksum of bytes.
    static func masked(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = Checksum()
        checksum.extend(bytes)
        return checksum.masked
    }
}

extension UInt32 {
    /// The form in messages.
    var hexadecimal: String { "0x" + String(self, radix: 16) }
}
