/// Checks a text against JSON's grammar, extended by NaN, Infinity and -Infinity, and stops at the first fault. It is slower than the parser, but
/// knows the position.
// Safety: every access to the text is by `peek`, which checks, or within a range that was read by it.
struct JSONScanner {
    private let text: UnsafeRawBufferPointer
    private var position = 0
    /// The open brackets.
    private var open: [UInt8] = []
    private var expected = Expected.value
    /// The ends of integers that do not fit in 64 bits, and the beginnings of NaN and infinities, ascending.
    private(set) var amendments: [UInt32] = []

    private enum Expected {
        case value, firstElement, firstKey, key, separator, end
    }

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    /// Checks the whole text.
    ///
    /// - Throws: The first ``JSONFault``.
    mutating func scan() throws(JSONFault) {
        while true {
            skipSpace()
            guard let byte = peek() else {
                guard expected != .end else { return }
                throw fault("it ends " + (open.isEmpty ? "without a value" : "within \(container)"))
            }
            switch expected {
            case .value: try value(byte)
            case .firstElement: if byte == UInt8(ascii: "]") { close() } else { try value(byte) }
            case .firstKey: if byte == UInt8(ascii: "}") { close() } else { try key(byte) }
            case .key: try key(byte)
            case .separator: try separator(byte)
            case .end: throw fault("\(shown) after the end")
            }
        }
    }

    private func peek(_ distance: Int = 0) -> UInt8? {
        position + distance < text.count ? text[position + distance] : nil
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private func fault(_ reason: String) -> JSONFault { JSONFault(offsetBytes: position, reason: reason) }

    private var container: String { open.last == UInt8(ascii: "{") ? "an object" : "a list" }

    /// The word or character at the current position, for messages.
    private var shown: String {
        func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
        let word = text[position...].prefix(32).prefix(while: isWord)
        if !word.isEmpty { return String(decoding: word, as: UTF8.self) }
        guard let byte = peek() else { return "the end" }
        return (0x21..<0x7f).contains(byte) ? "'\(UnicodeScalar(byte))'" : "a byte of value \(byte)"
    }

    private mutating func close() {
        position += 1
        open.removeLast()
        expected = open.isEmpty ? .end : .separator
    }

    private mutating func separator(_ byte: UInt8) throws(JSONFault) {
        let isObject = open.last == UInt8(ascii: "{")
        if byte == UInt8(ascii: ",") {
            position += 1
            expected = isObject ? .key : .value
        } else if byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            close()
        } else {
            throw fault("\(shown) instead of ',' or the end of \(container)")
        }
    }

    private mutating func key(_ byte: UInt8) throws(JSONFault) {
        guard byte == UInt8(ascii: "\"") else { throw fault("\(shown) instead of a key in double quotes") }
        try string()
        skipSpace()
        guard let colon = peek() else { throw fault("it ends within an object") }
        guard colon == UInt8(ascii: ":") else { throw fault("\(shown) instead of ':'") }
        position += 1
        expected = .value
    }

    private mutating func value(_ byte: UInt8) throws(JSONFault) {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard open.count < JSONParser.deepestNesting else { throw fault("too many open brackets") }
            open.append(byte)
            position += 1
            expected = byte == UInt8(ascii: "{") ? .firstKey : .firstElement
            return
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        default: try literal()
        }
        expected = open.isEmpty ? .end : .separator
    }

    private mutating func literal() throws(JSONFault) {
        let word = shown
        switch word {
        case "true", "false", "null": position += word.utf8.count
        case "NaN", "Infinity":
            amend(at: position)
            position += word.utf8.count
        default: throw fault("\(word) instead of a value")
        }
    }

    private mutating func amend(at offset: Int) {
        guard let offset = UInt32(exactly: offset) else { return }
        amendments.append(offset)
    }

}

// Strings.
extension JSONScanner {
    private mutating func string() throws(JSONFault) {
        let start = position
        position += 1
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"): try escape()
            case 0..<0x20: throw fault("a control character (\(byte)) that is not escaped")
            default: position += 1
            }
        }
        position = start
        throw fault("a string without a closing quote")
    }

    private mutating func escape() throws(JSONFault) {
        guard let sign = peek(1) else { return position += 1 }
        guard sign == UInt8(ascii: "u") else {
            guard "\"\\/bfnrt".utf8.contains(sign) else { throw fault("an unknown escape") }
            return position += 2
        }
        guard let unit = codeUnit() else { throw fault("a \\u without four digits") }
        let isHigh = (0xd800..<0xdc00).contains(unit)
        let isLow = (0xdc00..<0xe000).contains(unit)
        position += 6
        guard isHigh || isLow else { return }
        guard isHigh, let low = codeUnit(), (0xdc00..<0xe000).contains(low) else {
            position -= 6
            throw fault("an unpaired surrogate")
        }
        position += 6
    }

    /// The value of the `\uXXXX` at the current position.
    private func codeUnit() -> UInt16? {
        guard peek() == UInt8(ascii: "\\"), peek(1) == UInt8(ascii: "u") else { return nil }
        var unit: UInt16 = 0
        for distance in 2..<6 {
            guard let byte = peek(distance), let digit = Hexadecimal.value(of: byte) else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}

// Numbers.
extension JSONScanner {
    private mutating func number() throws(JSONFault) {
        let start = position
        _ = skip(UInt8(ascii: "-"))
        let whole = digits()
        var isSound = whole.count == 1 || (whole.count > 1 && text[whole.lowerBound] != UInt8(ascii: "0"))
        var isWhole = true
        if skip(UInt8(ascii: ".")) {
            isWhole = false
            isSound = !digits().isEmpty && isSound
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            isWhole = false
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            isSound = !digits().isEmpty && isSound
        }
        let token = text[start..<position]
        position = start
        guard isSound else {
            guard shown == "-Infinity" else { throw fault("\(shown), which is not a number,") }
            amend(at: start)
            position += shown.utf8.count
            return
        }
        try measure(token, isWhole: isWhole)
        position = token.endIndex
    }

    private mutating func digits() -> Range<Int> {
        let start = position
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return start..<position
    }

    private mutating func measure(_ token: Slice<UnsafeRawBufferPointer>, isWhole: Bool) throws(JSONFault) {
        // An integer with this few digits fits in 64 bits.
        guard !isWhole || token.count >= 19 else { return }
        let number = String(decoding: token, as: UTF8.self)
        guard Double(number)?.isFinite == true else { throw fault("\(shown), which is too large for a number,") }
        if isWhole, Int64(number) == nil, UInt64(number) == nil { amend(at: token.endIndex) }
    }
}
