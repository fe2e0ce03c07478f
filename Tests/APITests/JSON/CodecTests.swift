import HTTPMessages
import Testing
import VectorSupport

@testable import API

@Suite("JSON pieces")
struct CodecTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        body(&writer)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    @Test("floats are written so that they read back as the same, and as floats")
    func floats() {
        var random = SplitMix(state: 3)
        for _ in 0..<20_000 {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            guard value.isFinite else { continue }
            let text = written { $0.number(value) }
            #expect(Float(text) == value)
            #expect(text.contains(".") || text.contains("e"))
            let double = Double(bitPattern: random.next())
            guard double.isFinite else { continue }
            #expect(Double(written { $0.number(double) }) == double)
        }
        #expect(written { $0.number(Float(60)) } == "60.0")
        #expect(written { $0.number(Float(0.1)) } == "0.1")
        #expect(written { $0.number(-0.0 as Float) } == "-0.0")
    }

    @Test("integers to their limits")
    func integers() {
        #expect(written { $0.integer(Int64.min) } == "-9223372036854775808")
        #expect(written { $0.integer(UInt64.max) } == "18446744073709551615")
        #expect(written { $0.integer(Int8.min) } == "-128")
        #expect(written { $0.integer(0) } == "0")
    }

    @Test("strings are escaped")
    func strings() {
        #expect(written { $0.string("a\"b\\c\n\t\u{1}é") } == #""a\"b\\c\n\t\u0001é""#)
    }

    @Test(
        "base 64",
        arguments: [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")])
    func base64(text: String, plain: String) {
        var bytes = Array(text.utf8)
        let count = bytes.withUnsafeMutableBufferPointer { Base64.decode(inPlace: $0) }
        #expect(count.map { String(decoding: bytes[..<$0], as: UTF8.self) } == plain)
        let encoded = Array(plain.utf8).withUnsafeBufferPointer { Base64.encode($0) }
        #expect(String(decoding: encoded, as: UTF8.self) == text)
    }

    @Test(
        "the web-safe alphabet is read, padding may be left out, and lines are joined",
        arguments: [
            ("-_8=", [0xfb, 0xff]), ("+/8", [0xfb, 0xff]), ("_-8", [0xff, 0xef]), ("Zg", [0x66]),
            ("Zm8", [0x66, 0x6f]),
            ("Zm9v\r\nYmFy\n", Array("foobar".utf8)), ("Zg= =", [0x66]), (" ", []),
        ] as [(String, [UInt8])])
    func lenientBase64(text: String, plain: [UInt8]) {
        var bytes = Array(text.utf8)
        let count = bytes.withUnsafeMutableBufferPointer { Base64.decode(inPlace: $0) }
        #expect(count.map { Array(bytes[..<$0]) } == plain)
    }

    @Test(
        "what is not base 64 is refused",
        arguments: ["Z", "Zg=", "Zg===", "Z===", "Zh==", "Zh", "Zm9=", "Zm9v=", "Zm.9", "Zg==Zg==", "====", "é"])
    func notBase64(text: String) {
        var bytes = Array(text.utf8)
        #expect(bytes.withUnsafeMutableBufferPointer { Base64.decode(inPlace: $0) } == nil)
    }
}
