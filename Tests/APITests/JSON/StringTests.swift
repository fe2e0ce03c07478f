import HTTPMessages
import Testing
import VectorSupport

@testable import API

@Suite("JSON strings")
struct StringTests {
    private func string(_ text: [UInt8]) throws -> [UInt8] {
        let padded = text + [UInt8](repeating: UInt8(ascii: "\""), count: HTTPRequest.bodyPadding)
        let parser = JSONParser()
        defer { withExtendedLifetime(parser) {} }
        return try padded.withUnsafeBytes { bytes in
            let value = try parser.parse(UnsafeRawBufferPointer(rebasing: bytes[..<text.count]))
            #expect(value.kind == .string)
            return Array(value.string)
        }
    }

    @Test("What is special is found at any place among plain bytes")
    func places() throws {
        let parts: [(written: String, read: String)] = [
            ("", ""), (#"\""#, "\""), (#"\\"#, "\\"), (#"\/"#, "/"), (#"\b\f\n\r\t"#, "\u{8}\u{c}\n\r\t"),
            (#"\u0041"#, "A"),
            (#"\u0000"#, "\0"), (#"\u00e9"#, "é"), (#"\u20AC"#, "€"), (#"\ud83d\ude00"#, "😀"), ("é", "é"), ("€", "€"),
            ("😀", "😀"),
            ("\u{7f}", "\u{7f}"),
        ]
        for part in parts {
            for before in 0..<18 {
                for after in [0, 1, 7, 8, 9] {
                    let (left, right) = (String(repeating: "x", count: before), String(repeating: "y", count: after))
                    let read = try string(Array("\"\(left)\(part.written)\(right)\"".utf8))
                    #expect(read == Array((left + part.read + right).utf8), "\(before) \(part.written) \(after)")
                }
            }
        }
    }

    @Test("Control characters and bytes that are not UTF-8 are refused at any place")
    func refused() {
        let parts: [[UInt8]] = [
            [0], [0x1f], [0x0a], [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80],
            [0xf0, 0x8f, 0xbf, 0xbf],
            [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98],
            Array(#"\x"#.utf8), Array(#"\u12g4"#.utf8), Array(#"\ud800"#.utf8), Array(#"\ud800\u0041"#.utf8),
            Array(#"\udc00"#.utf8),
        ]
        for part in parts {
            for before in 0..<10 {
                let text = [UInt8(ascii: "\"")] + [UInt8](repeating: UInt8(ascii: "x"), count: before) + part
                #expect(throws: RequestError.self, "\(part)") { try string(text + [UInt8(ascii: "\"")]) }
                #expect(throws: RequestError.self, "\(part) at the end") { try string(text) }
            }
        }
    }

    @Test("A long text grows its memory, and a short one after it is read from the same")
    func growth() throws {
        let parser = JSONParser()
        defer { withExtendedLifetime(parser) {} }
        var random = SplitMix(state: 1)
        for count in [0, 1, 100, 100_000, 3] {
            let numbers = (0..<count).map { _ in Int(random.next() % 1000) }
            let words = numbers.map { String(repeating: "w", count: $0 % 40) }
            let text = "{\"n\":[\(numbers.map(String.init).joined(separator: ","))],\"s\":\(words)}"
            let padded = Array(text.utf8) + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding)
            try padded.withUnsafeBytes { bytes in
                let root = try parser.parse(UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count]))
                let (list, strings) = (root.first.next, root.first.next.next.next)
                #expect(root.count == 2 && list.count == count && strings.count == count)
                var (number, word) = (list.first, strings.first)
                for index in 0..<count {
                    #expect(number.int64 == numbers[index] && word.text == words[index])
                    (number, word) = (number.next, word.next)
                }
                #expect(number.index == list.endIndex && word.index == strings.endIndex)
            }
            parser.reset()
        }
    }
}
