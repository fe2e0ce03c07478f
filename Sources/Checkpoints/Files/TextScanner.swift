/// Splits protobuf's text format into words, with the place of each for messages.
///
/// The grammar is that of `google.protobuf.text_format`, as far as a `checkpoint` file can use it.
struct TextScanner {
    enum Token: Equatable {
        case name(String)
        case number(String)
        case string([UInt8])
        /// One of `:{}[]<>,;-`.
        case symbol(UInt8)
        case end
    }

    struct Failure: Error {
        let reason: String
    }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var lineStart = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// `line:column` of the next byte, counted from 1.
    var place: String { "\(line):\(position - lineStart + 1)" }

    /// The next word. Adjacent strings are joined.
    mutating func next() throws(Failure) -> Token {
        skipBlanks()
        guard let byte = peek() else { return .end }
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return .string(try readStrings()) }
        if Self.isNameByte(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "+") {
            let start = position
            while let byte = peek(),
                Self.isNameByte(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "+")
                    || (byte == UInt8(ascii: "-") && Self.isExponent(bytes[position - 1]))
            { position += 1 }
            let text = String(decoding: bytes[start..<position], as: UTF8.self)
            return Self.isDigit(bytes[start]) || bytes[start] == UInt8(ascii: ".") ? .number(text) : .name(text)
        }
        guard ":{}[]<>,;-".utf8.contains(byte) else {
            throw Failure(reason: "\(place): unexpected byte 0x\(String(byte, radix: 16))")
        }
        position += 1
        return .symbol(byte)
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\n"):
                position += 1
                line += 1
                lineStart = position
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), 0x0b, 0x0c: position += 1
            case UInt8(ascii: "#"): while let byte = peek(), byte != UInt8(ascii: "\n") { position += 1 }
            default: return
            }
        }
    }

    private mutating func readStrings() throws(Failure) -> [UInt8] {
        var result: [UInt8] = []
        while let quote = peek(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            let start = place
            position += 1
            while peek() != quote {
                guard let byte = peek(), byte != UInt8(ascii: "\n") else {
                    throw Failure(reason: "\(start): a string has no closing quote")
                }
                position += 1
                if byte == UInt8(ascii: "\\") { try readEscape(into: &result) } else { result.append(byte) }
            }
            position += 1
            skipBlanks()
        }
        return result
    }

    private static let simpleEscapes: [UInt8: UInt8] = [
        UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8,
        UInt8(ascii: "f"): 12, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): 92, UInt8(ascii: "'"): 39,
        UInt8(ascii: "\""): 34, UInt8(ascii: "?"): 63,
    ]

    private mutating func readEscape(into result: inout [UInt8]) throws(Failure) {
        guard let byte = peek() else { throw Failure(reason: "\(place): the file ends in an escape") }
        if let simple = Self.simpleEscapes[byte] {
            position += 1
            result.append(simple)
        } else if byte == UInt8(ascii: "x") || byte == UInt8(ascii: "X") {
            position += 1
            result.append(try readCode(radix: 16, atMost: 2))
        } else if (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) {
            result.append(try readCode(radix: 8, atMost: 3))
        } else {
            throw Failure(reason: "\(place): unknown escape \\\(String(UnicodeScalar(byte)))")
        }
    }

    private mutating func readCode(radix: Int, atMost count: Int) throws(Failure) -> UInt8 {
        let start = position
        while position < bytes.count, position - start < count,
            UnicodeScalar(bytes[position]).properties.isASCIIHexDigit,
            Int(String(UnicodeScalar(bytes[position])), radix: radix) != nil
        { position += 1 }
        guard let code = UInt8(String(decoding: bytes[start..<position], as: UTF8.self), radix: radix) else {
            throw Failure(reason: "\(place): an escape is not a byte")
        }
        return code
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isExponent(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
