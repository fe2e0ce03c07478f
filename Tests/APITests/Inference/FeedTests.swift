import Execution
import HTTPMessages
import Tensors
import Testing
import VectorSupport

@testable import API

/// JSON to tensors and back, without a model.
@Suite("Feeds")
struct FeedTests {
    private let one = [UInt8(ascii: "1")] + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding)

    /// Reads a value as a tensor of that dtype and writes it again, its shape before it.
    private func echo(_ text: String, _ dtype: DataType) throws -> String {
        let parser = try #require(JSONParser())
        let padded = Array(text.utf8) + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding)
        return try padded.withUnsafeBytes { bytes in
            let value = try parser.parse(UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count]))
            var memory = FeedMemory()
            // A one before it: so the value's place has to be aligned.
            let other = try #require(JSONParser())
            let one = try one.withUnsafeBytes { try other.parse(UnsafeRawBufferPointer(rebasing: $0[..<1])) }
            try memory.add(one, as: FeedDecoder(name: "one", dtype: .uint8))
            try memory.add(value, as: FeedDecoder(name: "x", dtype: dtype))
            let buffer = ResponseBuffer()
            var shape = ""
            var failure: (any Error)?
            memory.withFeeds { feeds in
                shape = feeds[1].dimensions.map(String.init).joined(separator: ",")
                #expect(UInt(bitPattern: feeds[1].elements) % 64 == 0)
                var response = OutputWriter(JSONWriter(buffer), policy: .string)
                do { try response.write(feeds[1], key: []) } catch { failure = error }
            }
            if let failure { throw failure }
            withExtendedLifetime(other) {}
            return shape + String(decoding: buffer.bytes, as: UTF8.self)
        }
    }

    private func error(_ text: String, _ dtype: DataType) -> String? {
        do { return try "no error, but " + echo(text, dtype) } catch { return (error as? RequestError)?.message }
    }

    @Test(
        "values and shapes",
        arguments: [
            ("1.5", .float32, ":1.5"), ("[1,2.5,1e10]", .float64, "3:[1.0,2.5,1e+10]"),
            ("[[1,2],[3,4],[5,6]]", .int32, "3,2:[[1,2],[3,4],[5,6]]"), ("[]", .int32, "0:[]"),
            ("[[],[]]", .float32, "2,0:[[],[]]"), ("[[[]]]", .string, "1,1,0:[[[]]]"),
            ("[[[1]],[[2]]]", .uint8, "2,1,1:[[[1]],[[2]]]"), ("[true,false]", .bool, "2:[true,false]"),
            ("[-128,127]", .int8, "2:[-128,127]"), ("[-32768,32767]", .int16, "2:[-32768,32767]"),
            ("[0,65535]", .uint16, "2:[0,65535]"), ("[0,4294967295]", .uint32, "2:[0,4294967295]"),
            ("[-2147483648,2147483647]", .int32, "2:[-2147483648,2147483647]"),
            ("[-9223372036854775808,9007199254740993]", .int64, "2:[-9223372036854775808,9007199254740993]"),
            ("[18446744073709551615]", .uint64, "1:[18446744073709551615]"),
            ("[2.0,-3e2,9007199254740992.0]", .int64, "3:[2,-300,9007199254740992]"),
            ("[\"NaN\",\"Infinity\",\"-Infinity\"]", .float64, "3:[\"NaN\",\"Infinity\",\"-Infinity\"]"),
            ("[-0.0,-0,1e-400,1e-45]", .float32, "4:[-0.0,0.0,0.0,1e-45]"),
            ("0.1", .float32, ":0.1"), ("0.1", .float64, ":0.1"), ("3.4028235e38", .float32, ":3.4028235e+38"),
            ("1.7976931348623157e308", .float64, ":1.7976931348623157e+308"), ("5e-324", .float64, ":5e-324"),
            ("18446744073709551616", .float64, ":18446744073709551616.0"),
            ("[100000000000000000000,-123456789012345678901234567890]", .float32, "2:[1e+20,-1.2345679e+29]"),
            (#"["a","","é","\u0000\ud83d\ude00\n"]"#, .string, #"4:["a","","é","\u0000😀\n"]"#),
            (#"[{"b64":"Zm9v"},{"b64":""},{"b64":"/w=="}]"#, .string, #"3:["foo","",{"b64":"/w=="}]"#),
            (#"{"b64":"/9j/"}"#, .string, #":{"b64":"/9j/"}"#), (#"{"b64": "aGVsbG8="}"#, .string, #":"hello""#),
            (#""x""#, .string, #":"x""#),
            ("[0.5,65504,\"NaN\",1e-8,-0.0]", .float16, "5:[0.5,65504.0,\"NaN\",0.0,-0.0]"),
            ("[0.1,1e30]", .bfloat16, "2:[0.100097656,1.00025555e+30]"),
            ("[1,2.5]", .complex64, ":[1.0,2.5]"), ("[[[1,2],[3,-4]]]", .complex128, "1,2:[[[1.0,2.0],[3.0,-4.0]]]"),
            ("[]", .complex64, "0:[]"), ("[[],[]]", .complex64, "2,0:[[],[]]"),
            ("[[\"NaN\",\"-Infinity\"]]", .complex64, "1:[[\"NaN\",\"-Infinity\"]]"),
            (
                #"[[1.5,2,-3.25,4.0,5.5],[0.5,1.5,2.5,3.5,4.5],[0.25,"NaN",1.0,2.0,9223372036854775807]]"#, .float32,
                #"3,5:[[1.5,2.0,-3.25,4.0,5.5],[0.5,1.5,2.5,3.5,4.5],[0.25,"NaN",1.0,2.0,9.223372e+18]]"#
            ),
            ("[[18446744073709551615,1.0],[2.0,3.0]]", .float32, "2,2:[[1.8446744e+19,1.0],[2.0,3.0]]"),
            ("[[[0,255],[16,1]],[[2,3],[4,5]]]", .float32, "2,2,2:[[[0.0,255.0],[16.0,1.0]],[[2.0,3.0],[4.0,5.0]]]"),
            ("[-128,127]", .qint8, "2:[-128,127]"), ("[0,255]", .quint8, "2:[0,255]"),
            ("[-32768]", .qint16, "1:[-32768]"), ("[65535]", .quint16, "1:[65535]"), ("[-5]", .qint32, "1:[-5]"),
        ] as [(String, DataType, String)])
    func values(text: String, dtype: DataType, expected: String) throws {
        #expect(try echo(text, dtype) == expected)
    }

    @Test(
        "what does not fit, word for word",
        arguments: [
            ("300", .uint8, "300 is not a valid uint8"),
            ("128", .qint8, "128 is not a valid qint8"),
            ("65520", .float16, "65520 is not a valid float16"),
            ("3.4e38", .bfloat16, "3.4e+38 is not a valid bfloat16"),
            ("1", .complex64, "expected a pair [re, im], got a number"),
            ("[1,2,3]", .complex64, "expected a pair [re, im] at [0], got a number"),
            ("[[1,2],[3]]", .complex64, "expected a pair [re, im] at [1], got a list of 1"),
            ("[[1,\"a\"]]", .complex64, "expected complex64 at [0][1], got a string"),
            ("[0,[-1]]", .uint8, "expected uint8 at [1], got a list"),
            ("[0,-1]", .uint8, "-1 at [1] is not a valid uint8"),
            ("3.7", .int32, "3.7 is not a valid int32"),
            ("2147483648", .int32, "2147483648 is not a valid int32"),
            ("9223372036854775808", .int64, "9223372036854775808 is not a valid int64"),
            ("-1", .uint64, "-1 is not a valid uint64"),
            ("1e300", .int64, "1e+300 is not a valid int64"),
            (
                "9007199254740994.0", .int64,
                "9.007199254740994e+15 is beyond 2^53, where only integers without point and exponent are exact"
            ),
            ("18446744073709551616", .uint64, "1.8446744073709552e+19 is not a valid uint64"),
            ("1e39", .float32, "1e+39 is not a valid float32"),
            ("[[1,-3.5e38]]", .float32, "-3.5e+38 at [0][1] is not a valid float32"),
            ("true", .float32, "expected float32, got a boolean"),
            ("[1,false]", .int64, "expected int64 at [1], got a boolean"),
            ("1", .bool, "expected true or false, got a number"),
            ("\"true\"", .bool, "expected true or false, got a string"),
            ("\"nan\"", .float32, "expected float32, got a string"),
            ("null", .float64, "expected float64, got null"),
            ("\"NaN\"", .int32, "expected int32, got a string"),
            ("{}", .float32, "expected float32, got an object"),
            ("[1,[2]]", .float32, "expected float32 at [1], got a list"),
            ("[[1],2]", .float32, "expected a list of 1 at [1], got a number"),
            ("[[1,2],[3,4,5]]", .float32, "expected a list of 2 at [1], got a list of 3"),
            ("[[[1],[2]],[[3],[]]]", .float32, "expected a list of 1 at [1][1], got a list of 0"),
            ("[[1.0,2.0],[3.0,[4.0]],[5.0,6.0]]", .float32, "expected float32 at [1][1], got a list"),
            ("[[1.5,2.5,3.5,-1e39],[1.0,2.0,3.0,4.0]]", .float32, "-1e+39 at [0][3] is not a valid float32"),
            ("[[0.5],[0.5],[1e39]]", .float32, "1e+39 at [2][0] is not a valid float32"),
            // As many words on the tape as two numbers.
            (#"[[1.0,2.0],["a","b","c","d"]]"#, .float32, "expected a list of 2 at [1], got a list of 4"),
            ("[[1.0,2.0],[true,3.0,null]]", .float32, "expected a list of 2 at [1], got a list of 3"),
            ("[[1.0,2.0],[[],3.0]]", .float32, "expected float32 at [1][0], got a list"),
            (#"[[1.0,2.0],{"a":1.0}]"#, .float32, "expected a list of 2 at [1], got an object"),
            ("[[],[1]]", .float32, "expected a list of 0 at [1], got a list of 1"),
            (
                "[[[1,2,3,4,5,6,7,8],[1],[1],[1]],[[]],[[]],[[]]]", .float32,
                "expected a list of 8 at [0][1], got a list of 1"
            ),
            ("1", .string, "expected a string or {\"b64\": \"...\"}, got a number"),
            (#"{"b64":1}"#, .string, "expected a string or {\"b64\": \"...\"}, got an object"),
            (#"{"b64":"","b64":""}"#, .string, "expected a string or {\"b64\": \"...\"}, got an object"),
            (#"{"b65":""}"#, .string, "expected a string or {\"b64\": \"...\"}, got an object"),
            (#"["",{"b64":"Z"}]"#, .string, "the value of \"b64\" at [1] is not base64"),
            (#"{"b64":"Zg=="}"#, .uint8, "expected uint8, got an object"),
            ("1", .resource, "dtype resource cannot be fed in JSON"),
        ] as [(String, DataType, String)])
    func misfits(text: String, dtype: DataType, message: String) {
        #expect(error(text, dtype) == "feed \"x\": " + message)
    }

    @Test("random tensors come back as they went", arguments: [41] as [UInt64])
    func randomTensors(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        func nested(_ dimensions: ArraySlice<Int>, _ element: () -> String) -> String {
            guard let size = dimensions.first else { return element() }
            return "[" + (0..<size).map { _ in nested(dimensions.dropFirst(), element) }.joined(separator: ",") + "]"
        }
        for _ in 0..<300 {
            let rank = Int.random(in: 0...4, using: &random)
            let dimensions = (0..<rank).map { _ in Int.random(in: 1...4, using: &random) }
            let prefix = dimensions.map(String.init).joined(separator: ",") + ":"
            let integers = nested(dimensions[...]) { String(Int64(bitPattern: random.next())) }
            #expect(try echo(integers, .int64) == prefix + integers, "seed \(seed)")
            let floats = nested(dimensions[...]) { String(Float.random(in: 0.001..<1000, using: &random)) }
            #expect(try echo(floats, .float32) == prefix + floats, "seed \(seed)")
            let doubles = nested(dimensions[...]) { String(Double.random(in: 0.001..<1000, using: &random)) }
            #expect(try echo(doubles, .float64) == prefix + doubles, "seed \(seed)")
        }
    }

    @Test("a list of more elements than its word on the tape can say")
    func longList() {
        let list: UInt64 = 0x5b, null: UInt64 = 0x6e
        let saturated = list << 56 | 0xff_ffff << 32
        let tape = [saturated | 5, null << 56, null << 56, null << 56, 0x5d << 56]
        var strings: [UInt8] = [0]
        tape.withUnsafeBufferPointer { tape in
            strings.withUnsafeMutableBufferPointer { strings in
                guard let tape = tape.baseAddress, let strings = strings.baseAddress else { return }
                #expect(JSONValue(tape: tape, strings: strings, index: 0).count == 3)
            }
        }
    }
}
