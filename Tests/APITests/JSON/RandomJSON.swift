import Foundation
import VectorSupport

/// Random JSON, with everything that the grammar allows.
struct RandomJSON {
    var random: SplitMix

    private mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

    private mutating func pick(_ texts: [String]) -> String { texts[below(texts.count)] }

    private mutating func digits(_ count: Int) -> String { String((0..<count).map { _ in Character("\(below(10))") }) }

    /// A number, short or long, with and without fraction and exponent.
    mutating func number() -> String {
        let sign = below(3) == 0 ? "-" : ""
        switch below(12) {
        case 0: return sign + "\(below(256))"
        case 1: return sign + "\(random.next() >> UInt64(below(64)))"
        case 2: return sign + "0." + digits(1 + below(30))
        case 3: return sign + "\(below(1000))." + digits(1 + below(8))
        case 4: return sign + "\(1 + below(9))" + digits(below(25)) + "." + digits(1 + below(25))
        case 5:
            return "\(Float(bitPattern: UInt32(truncatingIfNeeded: random.next())))".replacing("nan", with: "0.5")
                .replacing("inf", with: "1.5")
        case 6: return String(format: "%.17g", Double(Float.random(in: -2...2, using: &random)))
        case 7: return "\(Double.random(in: 0..<1, using: &random))"
        case 8: return sign + "\(below(100))" + pick(["e", "E"]) + pick(["", "+", "-"]) + "\(below(25))"
        case 9:
            return sign + "\(below(100)).\(digits(1 + below(18)))" + pick(["e", "E"]) + pick(["", "+", "-"])
                + "\(below(310))"
        case 10: return sign + "0." + String(repeating: "0", count: below(30)) + digits(1 + below(20))
        default:
            return pick([
                "0", "-0", "0.0", "-0.0", "1.0", "0e0", "-0.0e-5", "9007199254740993.0", "0.5", "1e22", "1e23",
            ])
        }
    }

    private mutating func string() -> String {
        let parts = [
            "a", "w1:0", #"\n"#, #"\""#, #"\\"#, #"\/"#, #"\b\f\r\t"#, #"\u0041"#, #"\u0000"#, #"\u00e9"#, #"\u20AC"#,
            #"\ud83d\ude00"#, "é", "€", "😀", " ", "[1,2]", "{", "-1.5e3", "a longer text without anything in it",
        ]
        return "\"" + (0..<below(8)).map { _ in pick(parts) }.joined() + "\""
    }

    private mutating func space() -> String { below(6) == 0 ? pick([" ", "  ", "\n", "\t", "\r\n  "]) : "" }

    /// Lists of numbers with one form of separators, as encoders write them.
    private mutating func numbers(_ depth: Int) -> String {
        let comma = pick([",", ", ", ",\n", " , "])
        let count = 1 + below(40)
        guard depth > 0 else { return "[" + (0..<count).map { _ in number() }.joined(separator: comma) + "]" }
        return "[" + (0..<1 + below(6)).map { _ in numbers(depth - 1) }.joined(separator: comma) + "]"
    }

    mutating func value(_ depth: Int) -> String {
        switch below(depth > 0 ? 10 : 5) {
        case 0: return pick(["true", "false", "null"])
        case 1: return string()
        case 2, 3: return number()
        case 4: return numbers(below(3))
        case 5, 6, 7: return list(depth - 1)
        default: return object(depth - 1)
        }
    }

    private mutating func list(_ depth: Int) -> String {
        let elements = (0..<below(7)).map { _ in space() + value(depth) + space() }
        return "[" + (elements.isEmpty ? space() : elements.joined(separator: ",")) + "]"
    }

    private mutating func object(_ depth: Int) -> String {
        let pairs = (0..<below(6)).map { _ in space() + string() + space() + ":" + space() + value(depth) + space() }
        return "{" + (pairs.isEmpty ? space() : pairs.joined(separator: ",")) + "}"
    }

    /// A document: a list or an object.
    mutating func document() -> String { space() + (below(2) == 0 ? list(4) : object(4)) + space() }
}
