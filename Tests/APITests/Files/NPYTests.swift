import API
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// NumPy arrays as bodies and as answers.
@Suite("NumPy arrays")
struct NPYTests {
    /// A `.npy` file as NumPy writes it.
    private static func file(
        _ descr: String, _ shape: String, _ elements: [UInt8], version: UInt8 = 1, order: String = "False"
    ) -> [UInt8] {
        file(
            header: "{'descr': '\(descr)', 'fortran_order': \(order), 'shape': \(shape), }", elements, version: version)
    }

    private static func file(header: String, _ elements: [UInt8], version: UInt8 = 1) -> [UInt8] {
        let prefix = version == 1 ? 10 : 12
        let length = (prefix + header.utf8.count + 64) / 64 * 64 - prefix
        let padded = header + String(repeating: " ", count: length - header.utf8.count - 1) + "\n"
        let size = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(padded.utf8) + elements
    }

    private static func bytes<Element: BitwiseCopyable>(_ values: [Element]) -> [UInt8] {
        values.withUnsafeBytes { Array($0) }
    }

    private static let floats = file("<f4", "(2, 2)", bytes([1, 2, -3, 0.5] as [Float]))
    private let client: Client
    private let type = "application/x-npy"

    init() throws { client = try Client(Model(contentsOf: Fixtures.path("files/saved_model_1"))) }

    private func send(_ body: [UInt8], _ path: String = "/predict", accept: String? = nil) -> DirectResponse {
        var headers: [HTTPHeader: [UInt8]] = [.contentType: Array(type.utf8)]
        headers[.accept] = accept.map { Array($0.utf8) }
        return client.service.respond(.post, Array(path.utf8), headers: headers, body: body)
    }

    private func text(_ response: DirectResponse) -> String { response.text }

    @Test("an array is the only input, by each route")
    func routes() {
        let own =
            #"{"outputs":{"out":[[11.0,6.0],[2.5,-8.0]]},"model":{"name":"saved_model_1","step":null}}"#
        #expect(text(send(Self.floats)) == own)
        #expect(text(send(Self.floats, "/models/saved_model_1/predict")) == own)
        #expect(
            text(send(Self.floats, "/v1/models/saved_model_1:predict")) == #"{"outputs":[[11.0,6.0],[2.5,-8.0]]}"#)
        #expect(client.send(.post, "/predict", Self.floats, type: "application/x-npy; x=1").status == 200)
    }

    @Test("versions 1 to 3, and every way to write the header that Python has")
    func headers() {
        let elements = Self.bytes([1, 2] as [Float])
        for version in 1...3 {
            #expect(send(Self.file("<f4", "(1, 2)", elements, version: UInt8(version))).status == 200)
        }
        for header in [
            "{'descr':'<f4','fortran_order':False,'shape':(1,2)}",
            #"{"shape": (1, 2,), "descr": "<f4", "fortran_order": False}"#,
            "{ 'shape' : ( 1 , 2 ) , 'fortran_order' : False , 'descr' : '<f4' , }",
        ] {
            let response = send(Self.file(header: header, elements))
            #expect(response.status == 200, "\(header): \(text(response))")
        }
    }

    @Test("NumPy's usual dtypes become the input's, if the numbers fit")
    func conversions() {
        let doubles = send(Self.file("<f8", "(1, 2)", Self.bytes([0.1, .infinity] as [Double])))
        #expect(text(doubles).hasPrefix(#"{"outputs":{"out":"#))
        let large = send(Self.file("<f8", "(1, 2)", Self.bytes([0, 1e39] as [Double])))
        #expect(large.status == 400)
        #expect(
            text(large)
                == #"{"error":"input \"in\": 1e+39, element 1 of the array, is not a valid float32"}"#)
        let integers = send(Self.file("<i8", "(1, 2)", Self.bytes([0, 1] as [Int64])))
        #expect(
            text(integers)
                == #"{"error":"input \"in\" takes float32, the array is int64: send x.astype(\"float32\")"}"#)
        let shape = send(Self.file("<f4", "(2,)", Self.bytes([0, 1] as [Float])))
        #expect(text(shape) == #"{"error":"feed \"x:0\": expected float32 [?,2], got float32 [2]"}"#)
        #expect(send(Self.file("<f4", "(0, 2)", [])).status == 200)
    }

    @Test("elements at any address are read", arguments: 0..<8)
    func addresses(offset: Int) {
        // The header's length is what NumPy makes a multiple of 64; here it is not.
        let header =
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }" + String(repeating: " ", count: offset)
        let body =
            [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
            + Self.bytes([1, 2] as [Float])
        #expect(text(send(body)).contains("[[11.0,6.0]]"))
    }

    @Test("strings are fed without the zeros that fill them up, bytes as they are and code points as UTF-8")
    func strings() throws {
        let bytes = Self.file("|S3", "(2, 2)", Array("ab\0a\0b\0\0\0xyz".utf8))
        #expect(try NPYText.json(file: bytes) == #"[["ab","a\u0000b"],["","xyz"]]"#)
        let raw = Self.file("|S2", "(1,)", [0xff, 0xd8])
        #expect(try NPYText.json(file: raw) == #"[{"b64":"/9g="}]"#)
        let points: [UInt32] = [0x1f600, 0x61, 0xe9, 0, 0, 0, 0x100, 0]
        let text = Self.file("<U2", "(4,)", Self.bytes(points))
        #expect(try NPYText.json(file: text) == #"["😀a","é","","Ā"]"#)
        let surrogate = Self.file("<U1", "(2,)", Self.bytes([0x61, 0xd800] as [UInt32]))
        let fault = #expect(throws: NPYText.Fault.self) { try NPYText.json(file: surrogate) }
        #expect(fault?.reason.contains("string 1 of the array has 55296, which is not a code point of Unicode") == true)
    }

    @Test(
        "what is no array, word for word",
        arguments: [
            ([], "it does not begin as a .npy file"), (Array("{}          ".utf8), "it does not begin as a .npy file"),
            (file("<f4", "(2, 2)", [], version: 4), "it has format version 4; supported are 1 to 3"),
            (
                file("<f4", "(2, 2)", [0, 0]),
                "it has 2 bytes of elements, expected 16 for float32 [2,2]"
            ),
            (file(">f4", "(1,)", [0, 0, 0, 0]), "it is big-endian: save x.astype(\"<f4\")"),
            (file("=f4", "(1,)", [0, 0, 0, 0]), "its elements are \"=f4\"; expected little-endian ones, \"<f4\""),
            (file("<U5", "(1,)", []), "it has 0 bytes of elements, expected 20 for string [1]"),
            (file(">U5", "(1,)", []), "it is big-endian: save x.astype(\"<U5\")"),
            (file("|S0", "(9,)", []), "its elements are \"|S0\"; expected numbers, booleans or strings"),
            (file("<M8", "(1,)", []), "its elements are \"<M8\"; expected numbers, booleans or strings"),
            (
                file("|S268435456", "(9223372036854775807,)", []),
                "its shape is too large: [9223372036854775807]"
            ),
            (
                file("|O", "(1,)", []),
                "its elements are Python objects, which NumPy pickles: for strings save x.astype(\"S\") or x.astype(\"U\")"
            ),
            (
                file(header: "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", []),
                "its elements are records; expected numbers"
            ),
            (
                file("<f4", "(2, 2)", [], order: "True"),
                "it is in Fortran order: save numpy.ascontiguousarray(x)"
            ),
            (file("|b1", "(2,)", [1, 2]), "it has a boolean of value 2"),
            (
                file("<f4", "(9223372036854775807, 3)", []),
                "its shape is too large: [9223372036854775807, 3]"
            ),
            (
                file("<f4", "(0, 9223372036854775807, 3)", []),
                "its shape is too large: [0, 9223372036854775807, 3]"
            ),
            (
                file("<f4", "(4611686018427387904,)", []), "its shape is too large: [4611686018427387904]"
            ),
        ])
    func faults(body: [UInt8], reason: String) {
        let response = client.send(.post, "/predict", body, type: type)
        #expect(response.status == 400)
        #expect(response.error == "the body is not a .npy array: " + reason)
    }

    @Test(
        "headers that are no dictionary of these keys",
        arguments: [
            "", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,) 'x': 1}",
            "{'descr': '<f4', 'fortran_order': __import__('os'), 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} more",
            "{'descr': '<\\x66', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (\(String(repeating: "1,", count: 300)))}",
        ])
    func malformed(header: String) {
        let response = client.send(.post, "/predict", Self.file(header: header, [0, 0, 0, 0]), type: type)
        #expect(response.status == 400)
        #expect(
            response.error?.hasPrefix(
                "the body is not a .npy array: its header is not a dictionary of descr, fortran_order and shape: \(header.prefix(20))"
            )
                == true, "\(response.body)")
    }

    @Test("a model of several inputs wants JSON")
    func severalInputs() throws {
        let tutorial = try Client().send(.post, "/models/tutorial/predict", Self.floats, type: type)
        #expect(tutorial.status == 415)
        #expect(
            tutorial.error
                == "a .npy array is one input, but the inputs that model \"tutorial\" needs are \"w1:0\", \"w2:0\": send JSON"
        )
        let served = try Client().send(.post, "/v1/models/tutorial:predict", Self.floats, type: type)
        #expect(served.status == 415)
    }

    @Test("an answer of one tensor is an array for who accepts it")
    func responses() throws {
        let response = send(Self.floats, accept: "application/json;q=0.5, application/x-npy")
        #expect(response.contentType == "application/x-npy")
        #expect(response.body == Self.file("<f4", "(2, 2)", Self.bytes([11, 6, 2.5, -8] as [Float])))
        #expect(try NPYText.json(file: response.body) == "[[11.0,6.0],[2.5,-8.0]]")
        let accept = [HTTPHeader.accept: Array("application/x-npy".utf8)]
        let json = client.service.respond(
            .post, Array("/v1/models/saved_model_1:predict".utf8), headers: accept,
            body: Array(#"{"inputs":[[1,2]]}"#.utf8))
        #expect(try NPYText.json(file: json.body) == "[[11.0,6.0]]")
        #expect(send(Self.floats, accept: "*/*").contentType == "application/json")
        let error = send([], accept: "application/x-npy")
        #expect(error.contentType == "application/json")
        let digits = try Client().service.respond(
            .post, Array("/predict".utf8), headers: accept,
            body: Array(#"{"model":"digits","feeds":{"labels":[1,2]},"fetches":["labels"]}"#.utf8))
        #expect(try NPYText.json(file: digits.body) == "[1,2]")
    }

    @Test("arrays as text, in every dtype")
    func texts() throws {
        func json<Element: BitwiseCopyable>(_ descr: String, _ shape: String, _ values: [Element]) throws -> String {
            try NPYText.json(file: Self.file(descr, shape, Self.bytes(values)))
        }
        #expect(try json("<f2", "(1,)", [Float16(1.5)]) == "[1.5]")
        #expect(try json("<f4", "()", [Float(0.1)]) == "0.1")
        #expect(try json("<f8", "(2, 1)", [0.1, -Double.infinity]) == #"[[0.1],["-Infinity"]]"#)
        #expect(try json("|i1", "(2,)", [Int8(-128), 1]) == "[-128,1]")
        #expect(try json("<i2", "(1,)", [Int16.min]) == "[-32768]")
        #expect(try json("<i4", "(1,)", [Int32.min]) == "[-2147483648]")
        #expect(try json("<i8", "(1,)", [Int64.min]) == "[-9223372036854775808]")
        #expect(try json("|u1", "(1,)", [UInt8.max]) == "[255]")
        #expect(try json("<u2", "(1,)", [UInt16.max]) == "[65535]")
        #expect(try json("<u4", "(1,)", [UInt32.max]) == "[4294967295]")
        #expect(try json("<u8", "(1,)", [UInt64.max]) == "[18446744073709551615]")
        #expect(try json("|b1", "(2,)", [true, false]) == "[true,false]")
        #expect(try json("<c8", "(1,)", [SIMD2<Float>(1, -2)]) == "[[1.0,-2.0]]")
        #expect(try json("<c16", "(1,)", [SIMD2<Double>(1, -2)]) == "[[1.0,-2.0]]")
    }

    @Test("every truncation and broken bytes are 400 or an answer", arguments: [61, 62] as [UInt64])
    func fuzz(seed: UInt64) {
        for end in 0..<Self.floats.count { #expect(send(Array(Self.floats[..<end])).status == 400) }
        var random = SplitMix(state: seed)
        for _ in 0..<4000 {
            let changed = Mutation.apply(to: Self.floats, using: &random)
            #expect([200, 400].contains(send(changed).status), "seed \(seed)")
        }
    }
}
