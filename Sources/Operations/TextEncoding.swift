/// How text is bytes: the encodings of which Unicode needs no table.
enum TextEncoding: Hashable, Sendable {
    case utf8
    case utf16(isBigEndian: Bool)
    case utf32(isBigEndian: Bool)
    case ascii
    case latin1

    /// - Parameter name: As converters know it, with or without hyphens; nil for others.
    init?(_ name: String) {
        switch name.lowercased().filter({ $0 != "-" && $0 != "_" }) {
        case "utf8": self = .utf8
        // Without a byte order mark the most significant byte comes first.
        case "utf16be", "utf16": self = .utf16(isBigEndian: true)
        case "utf16le": self = .utf16(isBigEndian: false)
        case "utf32be", "utf32": self = .utf32(isBigEndian: true)
        case "utf32le": self = .utf32(isBigEndian: false)
        case "usascii", "ascii": self = .ascii
        case "iso88591", "latin1": self = .latin1
        default: return nil
        }
    }

    /// A code point, and where it begins.
    struct Character {
        /// nil where the bytes are not of the encoding.
        let scalar: UInt32?
        let offset: Int
    }

    func decode(_ bytes: [UInt8]) -> [Character] {
        var result: [Character] = []
        var place = 0
        while place < bytes.count {
            let (scalar, width) = character(bytes[place...])
            result.append(Character(scalar: scalar, offset: place))
            place += width
        }
        return result
    }

    /// The first character of some bytes, and how many it takes; nil for malformed ones.
    private func character(_ bytes: ArraySlice<UInt8>) -> (scalar: UInt32?, width: Int) {
        let first = bytes[bytes.startIndex]
        switch self {
        case .ascii: return (first < 0x80 ? UInt32(first) : nil, 1)
        case .latin1: return (UInt32(first), 1)
        case .utf8: return Self.utf8(bytes)
        case .utf32(let isBig):
            guard let scalar = Self.number(bytes, 4, isBig) else { return (nil, bytes.count) }
            return (Unicode.Scalar(scalar)?.value, 4)
        case .utf16(let isBig):
            guard let high = Self.number(bytes, 2, isBig) else { return (nil, bytes.count) }
            guard high & 0xF800 == 0xD800 else { return (high, 2) }
            guard high < 0xDC00, let low = Self.number(bytes.dropFirst(2), 2, isBig), low & 0xFC00 == 0xDC00 else {
                return (nil, 2)
            }
            return (0x10000 + (high & 0x3FF) << 10 + low & 0x3FF, 4)
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>, _ width: Int, _ isBigEndian: Bool) -> UInt32? {
        guard bytes.count >= width else { return nil }
        let taken = bytes.prefix(width)
        return isBigEndian
            ? taken.reduce(0) { $0 << 8 | UInt32($1) } : taken.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// A malformed sequence ends before the first byte that cannot belong to it (Unicode, section 3.9, maximal subparts).
    private static func utf8(_ bytes: ArraySlice<UInt8>) -> (scalar: UInt32?, width: Int) {
        let first = bytes[bytes.startIndex]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0..<0x80: return (UInt32(first), 1)
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if first == 0xE0 { second = 0xA0...0xBF }
            if first == 0xED { second = 0x80...0x9F }
        case 0xF0...0xF4:
            length = 4
            if first == 0xF0 { second = 0x90...0xBF }
            if first == 0xF4 { second = 0x80...0x8F }
        default: return (nil, 1)
        }
        var scalar = UInt32(first) & (0x7F >> UInt32(length))
        for (number, byte) in bytes.dropFirst().prefix(length - 1).enumerated() {
            guard (number == 0 ? second : 0x80...0xBF).contains(byte) else { return (nil, number + 1) }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        return bytes.count < length ? (nil, bytes.count) : (scalar, length)
    }

    /// Appends a code point.
    func encode(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        switch self {
        case .utf16(let isBig):
            for unit in String(scalar).utf16 { Self.append(UInt32(unit), 2, isBig, &bytes) }
        case .utf32(let isBig): Self.append(scalar.value, 4, isBig, &bytes)
        default: bytes += String(scalar).utf8
        }
    }

    private static func append(_ number: UInt32, _ width: Int, _ isBigEndian: Bool, _ bytes: inout [UInt8]) {
        for place in 0..<width {
            let shift = UInt32(8 * (isBigEndian ? width - 1 - place : place))
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
