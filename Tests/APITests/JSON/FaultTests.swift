import HTTPMessages
import Testing
import VectorSupport

@testable import API

@Suite("What is not JSON")
struct FaultTests {
    /// What the parser says of a text; nil if it takes it.
    private func error(_ text: [UInt8]) throws -> String? {
        let parser = try #require(JSONParser())
        let padded = text + [UInt8](repeating: UInt8(ascii: "]"), count: HTTPRequest.bodyPadding)
        return padded.withUnsafeBytes { bytes in
            do throws(RequestError) {
                _ = try parser.parse(UnsafeRawBufferPointer(rebasing: bytes[..<text.count]))
                return nil
            } catch {
                #expect(error.status == 400)
                return error.message
            }
        }
    }

    @Test(
        "what, and where",
        arguments: [
            ("{", "it ends within an object at byte 1"), ("  ", "it ends without a value at byte 2"),
            (#"{"a":[1"#, "it ends within a list at byte 7"), (#"{"a""#, "it ends within an object at byte 4"),
            (#"{"a":"b"#, "a string without a closing quote at byte 5"),
            (#"["\"#, "a string without a closing quote at byte 1"),
            (#"{"a":nan}"#, "nan instead of a value at byte 5"),
            ("[1,-Inf]", "-Inf, which is not a number, at byte 3"),
            ("[1e400]", "1e400, which is too large for a number, at byte 1"),
            ("[01]", "01, which is not a number, at byte 1"),
            ("[-]", "-, which is not a number, at byte 1"), ("[1.]", "1., which is not a number, at byte 1"),
            ("[1e+]", "1e+, which is not a number, at byte 1"), ("[.5]", ".5 instead of a value at byte 1"),
            ("[+5]", "+5 instead of a value at byte 1"), ("[True]", "True instead of a value at byte 1"),
            ("[1,]", "']' instead of a value at byte 3"), ("[1 2]", "2 instead of ',' or the end of a list at byte 3"),
            (#"{"a":1,}"#, "'}' instead of a key in double quotes at byte 7"),
            ("{'a':1}", "''' instead of a key in double quotes at byte 1"),
            (#"{"a" 1}"#, "1 instead of ':' at byte 5"),
            (#"{"a":1]"#, "']' instead of ',' or the end of an object at byte 6"),
            ("{} x", "x after the end at byte 3"), ("[]]", "']' after the end at byte 2"),
            ("[\"a\u{1}\"]", "a control character (1) that is not escaped at byte 3"),
            (#"["\x"]"#, "an unknown escape at byte 2"),
            (#"["\u12"]"#, #"a \u without four digits at byte 2"#),
            (#"["\ud800"]"#, "an unpaired surrogate at byte 2"),
            (#"["\udc00"]"#, "an unpaired surrogate at byte 2"),
            (#"["\ud800\u0041"]"#, "an unpaired surrogate at byte 2"),
            ("\u{0}", "a byte of value 0 instead of a value at byte 0"),
        ])
    func faults(text: String, fault: String) throws {
        #expect(try error(Array(text.utf8)) == "the body is not JSON: " + fault)
    }

    @Test("a number of 10,000 digits")
    func longNumber() throws {
        let digits = String(repeating: "9", count: 10_000)
        let fault = "the body is not JSON: \(digits.prefix(32)), which is too large for a number, at byte "
        #expect(try error(Array(digits.utf8)) == fault + "0")
        #expect(try error(Array("[-\(digits)]".utf8))?.hasPrefix("the body is not JSON: -999") == true)
        #expect(try error(Array("[0.\(digits)]".utf8)) == nil)
        #expect(try error(Array("[1e-\(digits)]".utf8)) == nil)
    }

    @Test("bytes that are not UTF-8")
    func invalidUTF8() throws {
        let fault = "the body is not JSON: invalid UTF-8 at byte "
        #expect(try error(Array("[\"é".utf8) + [0xff] + Array("\"]".utf8)) == fault + "4")
        #expect(try error(Array("[\"".utf8) + [0xed, 0xa0, 0x80] + Array("\"]".utf8)) == fault + "2")
        #expect(try error(Array("[\"".utf8) + [0xc3]) != nil)
    }

    @Test("nesting to the limit, and beyond", arguments: ["[", "{\"a\":"])
    func nesting(open: String) throws {
        func nested(_ depth: Int) -> [UInt8] {
            let close = open == "[" ? "]" : "}"
            return Array((String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)).utf8)
        }
        #expect(try error(nested(99)) == nil)
        for depth in [100, 101, 10_000, 1_000_000] {
            #expect(try error(nested(depth)) == "the body is nested deeper than 100", "\(depth)")
            #expect(try error(Array(String(repeating: open, count: depth).utf8))?.isEmpty == false)
        }
    }

    @Test("the scanner and the parser agree on what is JSON", arguments: [1, 2, 3] as [UInt64])
    func agreement(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let text = Array(
            #"{"a":[1,-2.5e+3,0.1E-7,[],{}],"b\n\u00e9\ud83d\ude00":{"c":[true,false,null,"é"]}, "d":-0}"#.utf8)
        for _ in 0..<5000 {
            let changed = Mutation.apply(to: text, using: &random)
            let message = try error(changed)
            let fault = changed.withUnsafeBytes { JSONFault.invalidUTF8(in: $0) ?? JSONFault.first(in: $0) }
            let shown = String(decoding: changed, as: UTF8.self)
            #expect(
                (message == nil) == (fault == nil),
                "seed \(seed): \(shown): \(message ?? "-"), \(fault?.description ?? "-")")
        }
    }

    @Test("a byte order mark, and white space")
    func leniency() throws {
        #expect(try error(Array("\u{feff}{}".utf8)) == nil)
        #expect(try error(Array(" \n\r\t{ } ".utf8)) == nil)
        #expect(try error(Array("\u{feff}".utf8)) == "the body is empty; expected a JSON object with \"feeds\"")
    }
}
