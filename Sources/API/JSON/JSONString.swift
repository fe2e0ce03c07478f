/// Reads the strings of a JSON text, eight bytes at a time where nothing is special.
enum JSONString {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Reads a string behind its opening quote, and checks that it is UTF-8.
    ///
    /// - Parameters:
    ///   - start: The first byte of the string.
    ///   - end: The end of the text, behind which eight more bytes can be read.
    ///   - strings: Receives the string without escapes.
    /// - Returns: The position behind the closing quote.
    /// - Throws: ``JSONTape/Fault``.
    static func read(
        _ start: JSONTape.Position, _ end: JSONTape.Position, to strings: inout JSONTape.Growing<UInt8>
    ) throws(JSONTape.Fault) -> JSONTape.Position {
        var position = start
        while position < end {
            try strings.makeRoom(8)
            let bytes = UnsafeRawPointer(position).loadUnaligned(as: UInt64.self)
            UnsafeMutableRawPointer(strings.base + strings.count).storeBytes(of: bytes, as: UInt64.self)
            let count = plainCount(UInt64(littleEndian: bytes))
            position += count
            strings.count += count
            guard count < 8 else { continue }
            guard position < end else { break }
            switch position.pointee {
            case UInt8(ascii: "\""): return position + 1
            case UInt8(ascii: "\\"): position = try escape(position, end, &strings)
            case 0x80...: position = try scalar(position, end, &strings)
            default: throw .malformed
            }
        }
        throw .malformed
    }

    /// The number of bytes before the first quote, backslash, control character or byte that is not ASCII.
    @inline(__always)
    private static func plainCount(_ bytes: UInt64) -> Int {
        let quotes = bytes ^ ones &* UInt64(UInt8(ascii: "\""))
        let slashes = bytes ^ ones &* UInt64(UInt8(ascii: "\\"))
        // The highest bit of a byte is set where it is zero or small. Of several, the lowest is right.
        let found = (quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes | (bytes &- ones &* 0x20) & ~bytes | bytes
        return (found & highs).trailingZeroBitCount / 8
    }

    private static func escape(
        _ start: JSONTape.Position, _ end: JSONTape.Position, _ strings: inout JSONTape.Growing<UInt8>
    ) throws(JSONTape.Fault) -> JSONTape.Position {
        guard end - start >= 2 else { throw .malformed }
        try strings.makeRoom(4)
        let byte: UInt8
        switch start[1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte = start[1]
        case UInt8(ascii: "b"): byte = 0x08
        case UInt8(ascii: "f"): byte = 0x0c
        case UInt8(ascii: "n"): byte = 0x0a
        case UInt8(ascii: "r"): byte = 0x0d
        case UInt8(ascii: "t"): byte = 0x09
        case UInt8(ascii: "u"): return try unicode(start, end, &strings)
        default: throw .malformed
        }
        strings.base[strings.count] = byte
        strings.count += 1
        return start + 2
    }

    /// Reads `\uXXXX`, or two of them that are a pair of surrogates.
    private static func unicode(
        _ start: JSONTape.Position, _ end: JSONTape.Position, _ strings: inout JSONTape.Growing<UInt8>
    ) throws(JSONTape.Fault) -> JSONTape.Position {
        var position = start
        var value = try codeUnit(&position, end)
        if (0xd800..<0xdc00).contains(value) {
            let low = try codeUnit(&position, end)
            guard (0xdc00..<0xe000).contains(low) else { throw .malformed }
            value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw .malformed }
        for byte in UTF8.encode(scalar).unsafelyUnwrapped {
            strings.base[strings.count] = byte
            strings.count += 1
        }
        return position
    }

    private static func codeUnit(
        _ position: inout JSONTape.Position, _ end: JSONTape.Position
    ) throws(JSONTape.Fault) -> UInt32 {
        guard end - position >= 6, position[0] == UInt8(ascii: "\\"), position[1] == UInt8(ascii: "u") else {
            throw .malformed
        }
        var unit: UInt32 = 0
        for index in 2..<6 {
            guard let digit = Hexadecimal.value(of: position[index]) else { throw .malformed }
            unit = unit << 4 | UInt32(digit)
        }
        position += 6
        return unit
    }

    /// Copies a scalar that is not ASCII.
    private static func scalar(
        _ start: JSONTape.Position, _ end: JSONTape.Position, _ strings: inout JSONTape.Growing<UInt8>
    ) throws(JSONTape.Fault) -> JSONTape.Position {
        let first = start.pointee
        let count = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
        guard (0xc2...0xf4).contains(first), end - start >= count else { throw .notUTF8 }
        // What the second byte may be excludes overlong forms, surrogates, and values beyond U+10FFFF.
        let second = start[1]
        let least: UInt8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80
        let most: UInt8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf
        guard second >= least, second <= most else { throw .notUTF8 }
        for index in 2..<max(2, count) where start[index] & 0xc0 != 0x80 { throw .notUTF8 }
        try strings.makeRoom(4)
        for index in 0..<count { strings.base[strings.count + index] = start[index] }
        strings.count += count
        return start + count
    }
}
