/// Values as YAML.
package enum YAMLText {
    /// A text, quoted if YAML would otherwise read it as something else.
    package static func quoted(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy(isPlainByte) && text.utf8.first.map(isFirstByte) == true && Double(text) == nil
            && !["true", "false", "null", "yes", "no", "on", "off", "nan", "inf", "infinity"]
                .contains(text.lowercased())
        guard !isPlain else { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                result += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// A number. An integer has no decimal point.
    package static func number(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }

    private static func isFirstByte(_ byte: UInt8) -> Bool { isPlainByte(byte) && !"._-".utf8.contains(byte) }

    private static func isPlainByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "/._-".utf8.contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
