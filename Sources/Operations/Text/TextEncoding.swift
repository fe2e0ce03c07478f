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

    /// The character at a place before the end, and how many bytes it takes; nil for malformed ones.
    func character(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> (scalar: UInt32?, width: Int) {
        let rest = bytes[place...]
        let first = bytes[place]
        switch self {
        case .ascii: return (first < 0x80 ? UInt32(first) : nil, 1)
        case .latin1: return (UInt32(first), 1)
        case .utf8: return Self.utf8(rest)
        case .utf32(let isBig):
            guard let scalar = Self.number(rest, 4, isBig) else { return (nil, rest.count) }
            return (Unicode.Scalar(scalar)?.value, 4)
        case .utf16(let isBig):
            guard let high = Self.number(rest, 2, isBig) else { return (nil, rest.count) }
            guard high & 0xF800 == 0xD800 else { return (high, 2) }
            guard high < 0xDC00, let low = Self.number(rest.dropFirst(2), 2, isBig), low & 0xFC00 == 0xDC00 else {
                return (nil, 2)
            }
            return (0x10000 + (high & 0x3FF) << 10 + low & 0x3FF, 4)
        }
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    private static func number(_ bytes: Bytes, _ width: Int, _ isBigEndian: Bool) -> UInt32? {
        guard bytes.count >= width else { return nil }
        let taken = bytes.prefix(width)
        return isBigEndian
            ? taken.reduce(0) { $0 << 8 | UInt32($1) } : taken.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// A malformed sequence ends before the first byte that cannot belong to it (Unicode, section 3.9, maximal subparts).
    private static func utf8(_ bytes: Bytes) -> (scalar: UInt32?, width: Int) {
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
    func encode(_ scalar: Unicode.Scalar, to text: inout StringTensorBuilder) throws(OpError) {
        switch self {
        case .utf16(let isBig):
            for unit in UTF16.encode(scalar) ?? .init() { try Self.append(UInt32(unit), 2, isBig, &text) }
        case .utf32(let isBig): try Self.append(scalar.value, 4, isBig, &text)
        default: for byte in UTF8.encode(scalar) ?? .init() { try text.append(byte) }
        }
    }

    private static func append(
        _ number: UInt32, _ width: Int, _ isBigEndian: Bool, _ text: inout StringTensorBuilder
    ) throws(OpError) {
        for place in 0..<width {
            let shift = UInt32(8 * (isBigEndian ? width - 1 - place : place))
            try text.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
