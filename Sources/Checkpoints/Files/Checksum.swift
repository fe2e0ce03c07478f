internal import CChecksum

/// CRC-32C as TensorFlow stores it. It is masked, so that the checksum of bytes that contain a checksum is not degenerate.
struct Checksum: Sendable {
    private var crc: UInt32 = 0

    /// Adds more bytes.
    mutating func extend(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count > 0 { crc = cchecksum_crc32c(crc, bytes.baseAddress, bytes.count) }
    }

    /// Adds bytes whose checksum is known.
    ///
    /// - Parameters:
    ///   - other: The checksum of the bytes alone.
    ///   - byteCount: Their number.
    mutating func append(_ other: Checksum, byteCount: Int) {
        crc = cchecksum_crc32c_joined(crc, other.crc, UInt64(byteCount))
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
