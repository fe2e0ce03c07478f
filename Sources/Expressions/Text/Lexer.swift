/// Splits an expression's text into tokens.
struct Lexer {
    struct Token {
        enum Kind: Equatable {
            case literal(Literal)
            case name(String)
            /// A name in backticks, or one with an output's number: a tensor's in any case.
            case tensor(String)
            case symbol(String)
            case end
        }

        let kind: Kind
        let offset: Int
    }

    private let bytes: [UInt8]
    private var place = 0
    /// Whether a name is a tensor's.
    private let isTensor: (String) -> Bool

    init(_ text: String, isTensor: @escaping (String) -> Bool) {
        bytes = Array(text.utf8)
        self.isTensor = isTensor
    }

    /// All tokens of a text; the last one is its end.
    ///
    /// - Throws: ``ExpressionError`` for a byte that begins no token, a number that is too large, and a string without an end.
    static func tokens(
        of text: String, isTensor: @escaping (String) -> Bool
    ) throws(ExpressionError) -> [Token] {
        var lexer = Lexer(text, isTensor: isTensor)
        var tokens: [Token] = []
        while true {
            let token = try lexer.readToken(isMember: tokens.last?.kind == .symbol("."))
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private func byte(at offset: Int) -> UInt8? { bytes.indices.contains(offset) ? bytes[offset] : nil }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// Reads the next token. If a dot is in front of it, a word is no tensor's name.
    private mutating func readToken(isMember: Bool) throws(ExpressionError) -> Token {
        while let byte = byte(at: place), byte == 0x20 || (0x09...0x0d).contains(byte) { place += 1 }
        let start = place
        guard let first = byte(at: place) else { return Token(kind: .end, offset: start) }
        let follows = byte(at: place + 1)
        if first.isDigit || first == UInt8(ascii: ".") && follows?.isDigit == true {
            return Token(kind: .literal(try readNumber()), offset: start)
        }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            return Token(kind: .literal(.bytes(try readString(quote: first))), offset: start)
        }
        if first == UInt8(ascii: "`") { return Token(kind: .tensor(try readQuotedName()), offset: start) }
        if isMember, first.isLetter { return Token(kind: readMember(), offset: start) }
        if first.isLetter { return Token(kind: readName(), offset: start) }
        return Token(kind: .symbol(try readSymbol()), offset: start)
    }

    private static let symbols = [
        "...", "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "@", "<", ">", "&", "|", "^", "~", "(", ")",
        "[", "]", ",", ":", "=", ".",
    ]

    private mutating func readSymbol() throws(ExpressionError) -> String {
        for symbol in Self.symbols where bytes[place...].starts(with: symbol.utf8) {
            place += symbol.utf8.count
            return symbol
        }
        let character = String(decoding: bytes[place...], as: UTF8.self).first.map(String.init) ?? ""
        throw ExpressionError("unexpected character \"\(character)\"", at: place)
    }

    private mutating func readNumber() throws(ExpressionError) -> Literal {
        let start = place
        var isFloat = false
        while let byte = byte(at: place) {
            if byte == UInt8(ascii: ".") {
                guard !isFloat, self.byte(at: place + 1) != UInt8(ascii: ".") else { break }
                isFloat = true
            } else if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
                let sign = self.byte(at: place + 1)
                let isSigned = sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-")
                guard self.byte(at: place + (isSigned ? 2 : 1))?.isDigit == true else { break }
                isFloat = true
                place += isSigned ? 1 : 0
            } else if !byte.isDigit && byte != UInt8(ascii: "_") {
                break
            }
            place += 1
        }
        if let next = byte(at: place), next.isLetter {
            throw ExpressionError(
                "a number is followed by a letter; a tensor's name that begins with a digit stands in backticks",
                at: start)
        }
        let digits = text(start..<place).filter { $0 != "_" }
        if isFloat,
            let number = Double(digits.hasSuffix(".") ? digits + "0" : digits.hasPrefix(".") ? "0" + digits : digits)
        {
            return .float(number)
        }
        guard let number = Int64(digits) else { throw ExpressionError("\(digits) does not fit int64", at: start) }
        return .int(number)
    }

    private mutating func readString(quote: UInt8) throws(ExpressionError) -> [UInt8] {
        let start = place
        var result: [UInt8] = []
        place += 1
        while let byte = byte(at: place) {
            place += 1
            if byte == quote { return result }
            guard byte == UInt8(ascii: "\\"), let escaped = self.byte(at: place) else {
                result.append(byte)
                continue
            }
            place += 1
            switch escaped {
            case UInt8(ascii: "n"): result.append(0x0a)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "r"): result.append(0x0d)
            case UInt8(ascii: "0"): result.append(0)
            case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): result.append(escaped)
            // As in Python, an escape that means nothing stays: regular expressions are full of them.
            default: result += [byte, escaped]
            }
        }
        throw ExpressionError("a string has no end", at: start)
    }

    private mutating func readQuotedName() throws(ExpressionError) -> String {
        let start = place
        guard let end = bytes[(place + 1)...].firstIndex(of: UInt8(ascii: "`")), end > start + 1 else {
            throw ExpressionError("a name in backticks has no end, or is empty", at: start)
        }
        place = end + 1
        let name = text(start + 1..<end)
        return withOutput(name)
    }

    /// The name, with the number of an output that stands behind it.
    private mutating func withOutput(_ name: String) -> String {
        let end = endOfOutput(at: place)
        defer { place = end }
        return name + text(place..<end)
    }

    /// The end of `:0` at a place; the place itself where there is none.
    private func endOfOutput(at place: Int) -> Int {
        guard byte(at: place) == UInt8(ascii: ":") else { return place }
        var end = place + 1
        while byte(at: end)?.isDigit == true { end += 1 }
        return end > place + 1 ? end : place
    }

    /// Reads the longest name that is a tensor's, or else a word with dots.
    private mutating func readName() -> Token.Kind {
        let start = place
        var ends: [Int] = []
        var end = place
        while let byte = byte(at: end), byte.isLetter || byte.isDigit || Self.joins(byte) {
            if Self.joins(byte), end > start { ends.append(end) }
            end += 1
        }
        ends.append(end)
        for end in ends.reversed() {
            let full = endOfOutput(at: end)
            // A name in front of a parenthesis is a function's.
            guard byte(at: full) != UInt8(ascii: "(") else { continue }
            for stop in full > end ? [full, end] : [end] where isTensor(text(start..<stop)) {
                place = stop
                return .tensor(text(start..<stop))
            }
        }
        return readWord(from: start, longest: end)
    }

    private mutating func readWord(from start: Int, longest: Int) -> Token.Kind {
        let output = endOfOutput(at: longest)
        if output > longest, text(start..<longest).allSatisfy({ $0 != "-" }) {
            place = output
            return .tensor(text(start..<output))
        }
        var end = start
        while let byte = byte(at: end), byte.isLetter || byte.isDigit || isDotInWord(end) { end += 1 }
        place = end
        let word = text(start..<end)
        switch word {
        case "True", "true": return .literal(.bool(true))
        case "False", "false": return .literal(.bool(false))
        case "None", "newaxis", "tf.newaxis": return .literal(.none)
        default: return .name(word)
        }
    }

    private mutating func readMember() -> Token.Kind {
        let start = place
        while let byte = byte(at: place), byte.isLetter || byte.isDigit { place += 1 }
        return .name(text(start..<place))
    }

    private func isDotInWord(_ place: Int) -> Bool {
        byte(at: place) == UInt8(ascii: ".") && byte(at: place + 1)?.isLetter == true
    }

    /// Whether a byte joins the parts of a tensor's name, and is an operator too.
    private static func joins(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// Whether it is a letter of ASCII, an underscore, or a part of another letter.
    fileprivate var isLetter: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_") || self >= 0x80
    }
}
