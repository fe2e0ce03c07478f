/// Base 64 (RFC 4648, sections 4 and 5).
///
/// Both alphabets are read, `+/` and the URL-safe `-_`. Padding is optional, and white space is ignored, because tools write lines.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let invalid: UInt8 = 255
    private static let space: UInt8 = 254
    private static let padding: UInt8 = 253
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: invalid, count: 256)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        table[Int(UInt8(ascii: "-"))] = 62
        table[Int(UInt8(ascii: "_"))] = 63
        for byte in " \n\r\t".utf8 { table[Int(byte)] = space }
        table[Int(UInt8(ascii: "="))] = padding
        return table
    }()

    /// Decodes in place. The bytes are shorter than the text.
    ///
    /// - Returns: The number of decoded bytes; nil if the text is not base64.
    static func decode(inPlace text: UnsafeMutableBufferPointer<UInt8>) -> Int? {
        var written = 0
        var digits = 0
        var paddingCount = 0
        var bits: UInt32 = 0
        for index in 0..<text.count {
            let value = values[Int(text[index])]
            guard value < 64, paddingCount == 0 else {
                guard value == space || value == padding else { return nil }
                if value == padding { paddingCount += 1 }
                continue
            }
            bits = bits << 6 | UInt32(value)
            digits += 1
            // Digits 2, 3 and 4 of each group of four complete a byte. It is written before all digits that are still unread.
            let place = digits & 3
            guard place != 1 else { continue }
            text[written] = UInt8(truncatingIfNeeded: bits >> (place == 0 ? 0 : UInt32(8 - 2 * place)))
            written += 1
        }
        let missing = (4 - digits & 3) & 3
        guard missing < 3, paddingCount == 0 || paddingCount == missing else { return nil }
        // Bits after the last byte must be zero, so that each value has one encoding.
        return bits & ((1 << UInt32(2 * missing)) - 1) == 0 ? written : nil
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

// Whether a text may be base 64, for messages.
extension Base64 {
    private static let lookBytes = 256
    /// The minimum length. A shorter text of letters and digits may be a word.
    private static let shortestBytes = 32
    /// The base64 beginnings of JPEG, PNG, GIF, WebP, WAV and BMP files.
    private static let fileStarts: [StaticString] = ["/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR", "Qk0"]

    /// Whether a text looks like base64 of binary data: of a file of a known kind, or a long text without spaces.
    static func isLikely(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        if hasPrefix(text, "data:") { return true }
        let isFile = fileStarts.contains { hasPrefix(text, $0) }
        guard isFile || text.count >= shortestBytes else { return false }
        return text.prefix(lookBytes).allSatisfy { values[Int($0)] < 64 || $0 == UInt8(ascii: "=") || $0 == 0x0a }
    }

    private static func hasPrefix(_ text: UnsafeBufferPointer<UInt8>, _ prefix: StaticString) -> Bool {
        text.count >= prefix.utf8CodeUnitCount
            && (0..<prefix.utf8CodeUnitCount).allSatisfy { text[$0] == prefix.utf8Start[$0] }
    }
}
