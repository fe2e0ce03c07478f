/// Base 64 (RFC 4648, section 4: `+`, `/`, padding required).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let invalid: UInt8 = 255
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: invalid, count: 256)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        return table
    }()

    /// Decodes in place: the bytes become shorter.
    ///
    /// - Returns: How many bytes were decoded; nil if the text is not base 64.
    static func decode(inPlace text: UnsafeMutableBufferPointer<UInt8>) -> Int? {
        guard text.count % 4 == 0 else { return nil }
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        let digits = text.count - padding
        var written = 0
        var bits: UInt32 = 0
        for index in 0..<digits {
            let value = values[Int(text[index])]
            guard value != invalid else { return nil }
            bits = bits << 6 | UInt32(value)
            // Digits 1, 2 and 3 of each four complete a byte, which is written before any digit that is still to be read.
            guard index % 4 != 0 else { continue }
            let rest = UInt32(6 - 2 * (index % 4))
            text[written] = UInt8(truncatingIfNeeded: bits >> rest)
            written += 1
        }
        // Bits after the last byte must be zero: one text for one value.
        if padding > 0, bits & ((1 << UInt32(2 * padding)) - 1) != 0 { return nil }
        return written
    }

    /// Encodes bytes.
    static func encode(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let chunk = bytes[start..<min(start + 3, bytes.count)]
            let bits = chunk.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - chunk.count))
            for digit in 0..<4 {
                result.append(
                    digit <= chunk.count ? alphabet[Int(bits >> UInt32(18 - 6 * digit) & 63)] : UInt8(ascii: "="))
            }
        }
        return result
    }
}
