import Foundation
import HTTPMessages
import Testing
import VectorSupport

@testable import API

/// The parser's numbers, beside those of the C library, which are exact.
@Suite("JSON numbers")
struct NumberTests {
    /// The bits of the numbers of a list.
    private func parsed(_ texts: [String]) throws -> [UInt64] {
        let text = Array("[\(texts.joined(separator: ","))]".utf8)
        // Digits after the end must not be read.
        let guarded = try #require(GuardedText(text, padding: UInt8(ascii: "7")))
        let parser = try #require(JSONParser(fewestReadBytes: 0))
        return try withExtendedLifetime((guarded, parser)) {
            let root = try parser.parse(guarded.text)
            #expect(root.count == texts.count)
            var numbers: [UInt64] = []
            var element = root.first
            while element.index < root.endIndex {
                #expect(element.isOf(.double))
                numbers.append(element.double.bitPattern)
                element = element.next
            }
            return numbers
        }
    }

    private func check(_ texts: [String]) throws {
        let numbers = try parsed(texts)
        try #require(numbers.count == texts.count)
        for (text, number) in zip(texts, numbers) where number != strtod(text, nil).bitPattern {
            Issue.record("\(text): \(Double(bitPattern: number)), not \(strtod(text, nil))")
        }
    }

    @Test(
        "Random doubles and floats, in their shortest form and with too few or too many digits",
        arguments: [1, 2] as [UInt64])
    func random(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        var texts: [String] = []
        for _ in 0..<20_000 {
            let double = Double(bitPattern: random.next())
            if double.isFinite { texts += ["\(double)", String(format: "%.\(random.next() % 25)e", double)] }
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if float.isFinite { texts += [String(format: "%.9e", float), String(format: "%.17e", Double(float))] }
            let share = Double.random(in: 0..<1, using: &random)
            texts += ["\(Double(Float(share)))", String(format: "%.\(1 + random.next() % 30)f", share)]
        }
        // Integers have no point, and are not doubles.
        try check(texts.map { $0.contains(".") || $0.contains("e") ? $0 : $0 + ".0" })
    }

    @Test("Numbers half between two doubles, and next to that")
    func halves() throws {
        var random = SplitMix(state: 3)
        var texts: [String] = []
        for _ in 0..<5000 {
            let mantissa = (1 << 52 | random.next() >> 12) << 1 | 1
            // Exact, because all digits are written.
            for power in [-60, -20, -4, 0, 8] {
                let text = String(format: "%.120f", scalbn(Double(mantissa >> 1), power))
                texts.append(text)
                let half = scalbn(1.0, power - 1)
                texts.append(String(format: "%.20e", scalbn(Double(mantissa >> 1), power) + half))
            }
            texts += ["\(mantissa).0", "\(mantissa)e0", "\(mantissa)e-1", "\(mantissa).00000000000000000001"]
        }
        try check(texts)
    }

    @Test(
        "The edges",
        arguments: [
            "0.0", "-0.0", "0e0", "-0e-7", "1e22", "1e23", "9007199254740993.0", "9007199254740991e22", "1e-22",
            "1e-23",
            "2.2250738585072011e-308", "2.2250738585072014e-308", "4.9e-324", "2.4e-324", "2.5e-324", "1e-400",
            "-1e-99999999",
            "1.7976931348623157e308", "1.7976931348623158e308",
            "0.000000000000000000000000000000000012345678901234567890",
            "123456789012345678901234567890.0", "18446744073709551615.0", "18446744073709551616.0", "1E5", "1e+5",
            "9223372036854775808e-3", "7.2057594037927933e16", "3.4028235e38", "1.17549435e-38", "0.1e-63", "1e64",
            "1e65",
            "1e-64", "1e-65", "8.5e-321", "12345678.12345678", "1.00000000",
            "100000000000000000000000000000000000000e-38",
        ])
    func edges(text: String) throws { try check([text]) }

    @Test(
        "Integers, up to those of 64 bits",
        arguments: [
            "0", "-0", "999999999999999999", "-999999999999999999", "1000000000000000000", "9223372036854775807",
            "-9223372036854775808", "1234567890123456", "12345678901234567", "-1234567890123456",
            "18446744073709551615",
            "9223372036854775808", "10000000000000000000",
        ])
    func integers(text: String) throws {
        let guarded = try #require(GuardedText(Array("[\(text)]".utf8), padding: UInt8(ascii: "1")))
        let parser = try #require(JSONParser(fewestReadBytes: 0))
        try withExtendedLifetime((guarded, parser)) {
            let value = try parser.parse(guarded.text).first
            if let number = Int64(text) {
                #expect(value.isOf(.int64) && value.int64 == number)
            } else {
                #expect(value.isOf(.uint64) && value.uint64 == UInt64(text))
            }
        }
    }

    @Test("Numbers too large for a double are refused", arguments: ["1e309", "-1.8e308", "1e99999999999", "0.1e310"])
    func tooLarge(text: String) {
        #expect(throws: RequestError.self) { try parsed([text]) }
        let digits = String(repeating: "9", count: 400)
        #expect(throws: RequestError.self) { try parsed(["\(digits)e-10"]) }
    }
}
