import Foundation
import HTTPMessages
import Serving
import VectorSupport

@testable import API

/// A service without a socket. It may refuse a request, but must not report an error of the server.
struct AskedService: Sendable {
    private let service: Service

    /// - Parameter models: Folders of the fixtures; the first is the default.
    /// - Throws: The errors of loading a model.
    init(_ models: [String]) throws {
        var options = Service.Options()
        options.timeoutSeconds = 5
        options.threadCount = 1
        let loaded = try models.map { try Model(contentsOf: Fixtures.path($0)) }
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        configuration.threadCount = 1
        configuration.isWatching = false
        configuration.defaultModel = loaded.first?.name
        service = Service(ModelRegistry(loaded, configuration), options: options)
    }

    func post(_ path: String, _ headers: [HTTPHeader: String], _ body: UnsafeRawBufferPointer) {
        let answer = service.respond(
            .post, Array(path.utf8), headers: headers.mapValues { Array($0.utf8) }, body: Array(body))
        precondition(answer.status != 500, "\(path): 500 \(String(decoding: answer.body.prefix(500), as: UTF8.self))")
    }
}

private let jsonWords = Seeds.words(
    "{\"feeds\":{", "\"fetches\":[", "\"signature\":", "\"top\":", "\"model\":", "{\"b64\":\"", "NaN", "Infinity",
    "-Infinity", "null", "true", "false", "1e308", "18446744073709551615", "-9223372036854775808", "\\ud83d\\ude00",
    "\\u0000", "[[", "]]", "\"inputs\":", "\"instances\":", "\"signature_name\":", "\"examples\":", "\"context\":",
    "\"datatype\":", "\"shape\":", "\"data\":", "\"parameters\":", "\"binary_data_size\":", "\"binary_data_output\":",
    "\"binary_data\":", "\"classification\":", "\"outputs\":", "\"name\":", "FP32", "BYTES", "INT64", "BOOL",
    "x_float32:0", "y_float32:0", "x_string", "y_string", "x_complex64", "y_complex64")

/// A text as JSON, for our own reader, for simdjson and for the scanner that locates faults.
struct JSONReader: FuzzReader {
    static let name = "json"
    static let words = jsonWords
    private let parser: Confined

    /// The parser.
    // Safety: inputs are read by one thread, one after the other.
    private final class Confined: @unchecked Sendable {
        /// Without our own reader.
        let parser: JSONParser
        /// For our own reader.
        let reader: JSONParser

        init?() {
            guard let parser = JSONParser(fewestReadBytes: .max), let reader = JSONParser() else { return nil }
            self.parser = parser
            self.reader = reader
        }
    }

    private struct NoMemory: Error {}

    static func seeds() throws -> [[UInt8]] {
        try Seeds.files { $0.hasSuffix(".json") }.map { Array($0.prefix(2000)) }
            + Seeds.words(
                #"{"feeds":{"w1:0":[1.5,-2e3],"w2:0":[[17]]},"fetches":["op_to_restore:0"],"model":"tutorial"}"#,
                #" { "feeds" : { "w\u0031" : "NaN", "w2" : [ [ ] , [ ] ] } } "#, "[NaN,Infinity,-Infinity]",
                "[18446744073709551616,-1e400,0.1e-5]",
                "[[[0.5488135039273248, -0.715189366], [602, 0.5448831829968969e-3]], [[1234567890123.456789, 0]]]",
                #"["\ud83d\ude00\"\\\/\b"]"#)
    }

    init() throws {
        guard let parser = Confined() else { throw NoMemory() }
        self.parser = parser
    }

    /// Both readers write the same tape.
    private static func requireSame(_ own: JSONValue, _ other: JSONValue) {
        var (value, expected) = (own, other)
        let end = own.index + own.extent
        precondition(own.extent == other.extent, "an extent of \(own.extent), not \(other.extent)")
        while value.index < end {
            precondition(value.kind == expected.kind && value.index == expected.index, "another kind at \(value.index)")
            switch value.kind {
            case .int64, .uint64, .double:
                precondition(value.uint64 == expected.uint64, "another number: \(value.shown)")
            case .string: precondition(value.string.elementsEqual(expected.string), "another string: \(value.text)")
            case .list, .object:
                precondition(value.count == expected.count && value.extent == expected.extent, "another length")
                requireSameElements(value, expected)
            case .truth, .falsehood, .null: break
            }
            (value, expected) = (value.next, expected.next)
        }
    }

    private static func requireSameElements(_ own: JSONValue, _ other: JSONValue) {
        var (value, expected) = (own.first, other.first)
        while value.index < own.endIndex {
            requireSame(value, expected)
            (value, expected) = (value.next, expected.next)
        }
    }

    func read(_ bytes: UnsafeRawBufferPointer) {
        let padded = Array(bytes) + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding)
        padded.withUnsafeBytes { padded in
            let text = UnsafeRawBufferPointer(rebasing: padded.dropLast(HTTPRequest.bodyPadding))
            let own = parser.reader.read(text)
            guard let root = try? parser.parser.parse(text) else {
                precondition(own == nil, "our own reader takes what simdjson refuses")
                return
            }
            if let own { Self.requireSame(own, root) }
            var scanner = JSONScanner(text.starts(with: [0xef, 0xbb, 0xbf]) ? .init(rebasing: text[3...]) : text)
            do throws(JSONFault) { try scanner.scan() } catch {
                preconditionFailure("the parser takes what the scanner refuses: \(error)")
            }
            _ = try? PredictRequest(root).feedNames()
            _ = try? PredictRequest(root).fetchNames()
            var request = V2Request()
            _ = try? request.read(root)
        }
    }
}

/// Requests in JSON, by all protocols. The first byte selects the route.
struct RequestReader: FuzzReader {
    static let name = "requests"
    static let words = jsonWords
    private let service: AskedService

    private static let routes = [
        "/predict", "/models/flowers/predict", "/v1/models/dtypes:predict", "/v1/models/flowers:predict",
        "/v1/models/flowers:classify", "/v1/models/flowers:regress", "/v2/models/dtypes/infer",
        "/v2/models/flowers/infer", "/v1/models/sparse_and_doubled:predict",
    ]

    static func seeds() throws -> [[UInt8]] {
        var seeds = DtypeInput.all.flatMap { input in
            let predict = #"{"feeds":{"x_\#(input.dtype):0":\#(input.data)},"fetches":["y_\#(input.dtype):0"]}"#
            return [[0] + Array(predict.utf8), [6] + input.json]
        }
        let serving = try object("serving/runs.json")
        for run in serving["examples"] as? [[String: Any]] ?? [] {
            guard let body = run["body"] else { continue }
            let route: UInt8 = run["verb"] as? String == "regress" ? 5 : 4
            seeds.append([route] + Array(try JSONSerialization.data(withJSONObject: body)))
        }
        seeds += [
            [2] + Array(#"{"inputs":{"x_float32":[[1,2]],"x_int8":[[1,2]]}}"#.utf8),
            [2] + Array(#"{"instances":[{"x_float32":[1,2]},{"x_float32":[0,7]}]}"#.utf8),
            [3] + Array(#"{"signature_name":"value","instances":[{"b64":"CgA="},""]}"#.utf8),
            [1] + Array(#"{"signature":"scores","feeds":{"inputs":[{"b64":"CgA="}]},"top":2}"#.utf8),
            [7] + Array(#"{"inputs":[{"name":"inputs","shape":[1],"datatype":"BYTES","data":[""]}]}"#.utf8),
            [8]
                + Array(
                    (#"{"inputs":{"x":{"indices":[[0,0]],"values":[1.5],"dense_shape":[1,3]}},"#
                        + #""signature_name":"a"}"#).utf8),
        ]
        return seeds
    }

    static func object(_ name: String) throws -> [String: Any] {
        let data = Data(try Fixtures.bytes(Fixtures.path(name)))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    init() throws { service = try AskedService(["dtypes", "serving/flowers", "signatures/sparse_and_doubled"]) }

    func read(_ bytes: UnsafeRawBufferPointer) {
        var parts = InputParts(bytes)
        let route = Self.routes[parts.choice(Self.routes.count)]
        service.post(route, [:], parts.rest)
    }
}

/// An input of the model that has an input of every dtype.
struct DtypeInput {
    let dtype: String
    let datatype: String
    /// As JSON, and as bytes.
    let data: String
    let bytes: [UInt8]

    static let all = [
        DtypeInput(dtype: "float16", datatype: "FP16", data: "[[1,2.5]]", bytes: [0, 0x3c, 0, 0x41]),
        DtypeInput(dtype: "bfloat16", datatype: "BF16", data: "[[1,2.5]]", bytes: [0x80, 0x3f, 0x20, 0x40]),
        DtypeInput(
            dtype: "float32", datatype: "FP32", data: "[[1,\"NaN\"]]", bytes: [0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f]),
        DtypeInput(dtype: "float64", datatype: "FP64", data: "[[1e3,-0.0]]", bytes: [UInt8](repeating: 0, count: 16)),
        DtypeInput(dtype: "int8", datatype: "INT8", data: "[[1,-2]]", bytes: [1, 0xfe]),
        DtypeInput(dtype: "int16", datatype: "INT16", data: "[[1,-2]]", bytes: [1, 0, 0xfe, 0xff]),
        DtypeInput(dtype: "int32", datatype: "INT32", data: "[[1,-2]]", bytes: [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff]),
        DtypeInput(dtype: "int64", datatype: "INT64", data: "[[1,2]]", bytes: [UInt8](repeating: 1, count: 16)),
        DtypeInput(dtype: "uint8", datatype: "UINT8", data: "[[1,2]]", bytes: [1, 2]),
        DtypeInput(dtype: "uint16", datatype: "UINT16", data: "[[1,2]]", bytes: [1, 0, 2, 0]),
        DtypeInput(dtype: "uint32", datatype: "UINT32", data: "[[1,2]]", bytes: [1, 0, 0, 0, 2, 0, 0, 0]),
        DtypeInput(dtype: "uint64", datatype: "UINT64", data: "[[1,2]]", bytes: [UInt8](repeating: 1, count: 16)),
        DtypeInput(dtype: "bool", datatype: "BOOL", data: "[[true,false]]", bytes: [1, 0]),
        DtypeInput(
            dtype: "string", datatype: "BYTES", data: "[[\"a\",{\"b64\":\"AAE=\"}]]",
            bytes: [1, 0, 0, 0, 97, 0, 0, 0, 0]),
        DtypeInput(dtype: "complex64", datatype: "FP32", data: "[[[1,2],[3,4.5]]]", bytes: []),
        DtypeInput(dtype: "qint8", datatype: "INT8", data: "[1,-2]", bytes: [1, 2]),
    ]

    private var head: String {
        #"{"inputs":[{"name":"x_\#(dtype)","shape":[1,2],"datatype":"\#(datatype)","#
    }

    private var tail: String { #"}],"outputs":[{"name":"y_\#(dtype)"}]"# }

    /// A request of the V2 protocol in JSON.
    var json: [UInt8] { Array((head + #""data":\#(data)"# + tail + "}").utf8) }

    /// A request with bytes after the JSON.
    var binary: (json: [UInt8], tensors: [UInt8]) {
        let parameters = #""parameters":{"binary_data_size":\#(bytes.count)}"#
        return (Array((head + parameters + tail + #","parameters":{"binary_data_output":true}}"#).utf8), bytes)
    }
}

/// Requests of the V2 protocol with binary tensors. The first byte selects the model. JSON and tensors follow.
struct V2Reader: FuzzReader {
    static let name = "v2"
    static let words = jsonWords
    private let service: AskedService

    private static let routes = [
        "/v2/models/dtypes/infer", "/v2/models/flowers/infer", "/v2/models/saved_model_1/infer",
    ]

    static func seeds() throws -> [[UInt8]] {
        let inputs = DtypeInput.all.map { input in
            [0] + InputParts.part(input.binary.json) + input.binary.tensors
        }
        let strings =
            #"{"inputs":[{"name":"inputs","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":10}}]}"#
        return inputs + [
            [1] + InputParts.part(Array(strings.utf8)) + [2, 0, 0, 0, 10, 0, 0, 0, 0, 0],
            [2, 0, 0] + [UInt8](repeating: 0, count: 16),
        ]
    }

    init() throws { service = try AskedService(["dtypes", "serving/flowers", "files/saved_model_1"]) }

    func read(_ bytes: UnsafeRawBufferPointer) {
        var parts = InputParts(bytes)
        let route = Self.routes[parts.choice(Self.routes.count)]
        let json = parts.part()
        let joined = Array(json) + Array(parts.rest)
        joined.withUnsafeBytes { service.post(route, [.inferenceHeaderContentLength: String(json.count)], $0) }
    }
}

/// NumPy arrays as bodies. The first byte selects the model.
struct NPYReader: FuzzReader {
    static let name = "npy"
    static let words =
        Seeds.words("'descr': ", "'fortran_order': ", "'shape': ", "False", "True", "(1,)", "()", "|S5", "<U2", "|O")
        + ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "b1", "c8"].flatMap { Seeds.words("<" + $0, ">" + $0) }
    private let service: AskedService
    private static let routes = ["/predict", "/models/one_image/predict", "/v1/models/saved_model_1:predict"]

    private static func file(_ descr: String, _ shape: String, _ elements: [UInt8], version: UInt8 = 1) -> [UInt8] {
        let header = Array("{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }\n".utf8)
        let padding: [UInt8] = version == 1 ? [] : [0, 0]
        return [0x93] + Array("NUMPY".utf8) + [version, 0, UInt8(truncatingIfNeeded: header.count), 0] + padding
            + header + elements
    }

    static func seeds() throws -> [[UInt8]] {
        let zeros = [UInt8](repeating: 0, count: 16)
        return [
            [0] + file("<f4", "(2, 2)", zeros), [0] + file("<f8", "(1, 2)", zeros, version: 2),
            [0] + file("<i8", "(1, 2)", zeros, version: 3), [0] + file("|b1", "(16,)", zeros),
            [1] + file("|S8", "()", Array(zeros.prefix(8))),
            [1] + file("<U2", "(2,)", [97, 0, 0, 0] + zeros.prefix(12)),
            [2] + file("<f4", "(2, 2)", zeros),
        ]
    }

    init() throws { service = try AskedService(["files/saved_model_1", "serving/one_image"]) }

    func read(_ bytes: UnsafeRawBufferPointer) {
        var parts = InputParts(bytes)
        let route = Self.routes[parts.choice(Self.routes.count)]
        // Also without readable bytes after the array.
        _ = try? NPYArray(parts.rest)
        service.post(route, [.contentType: "application/x-npy"], parts.rest)
    }
}

/// Files and forms of files as bodies, also compressed. The first byte selects the model, the second the type.
struct FormReader: FuzzReader {
    static let name = "forms"
    static let words = Seeds.words(
        "--b", "--b--", "\r\n--b\r\n", "\r\n\r\n", "Content-Disposition: form-data; name=\"", "; filename=\"",
        "Content-Type: image/png", "Content-Transfer-Encoding: base64", "filename*=UTF-8''")
    private let service: AskedService
    private static let routes = [
        "/models/one_image/predict", "/models/images/predict", "/v1/models/one_image:predict", "/models/images/predict",
    ]
    private static let headers: [[HTTPHeader: String]] = [
        [.contentType: "multipart/form-data; boundary=b"], [.contentType: "image/png"],
        [.contentType: "application/octet-stream"], [.contentEncoding: "gzip"], [.contentEncoding: "zstd"],
        [.contentEncoding: "deflate"],
    ]

    private struct File: Decodable { let b64: String }
    private struct Runs: Decodable { let files: [File] }

    static func seeds() throws -> [[UInt8]] {
        let data = Data(try Fixtures.bytes(Fixtures.path("serving/runs.json")))
        var seeds: [[UInt8]] = [
            // {} by gzip and by zstd.
            [0, 3, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0],
            [0, 4, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 2, 0x11, 0, 0, 0x7b, 0x7d],
            [0, 5, 0x78, 0x9c, 0xab, 0xae, 5, 0, 1, 0x75, 0, 0xf9],
        ]
        for file in try JSONDecoder().decode(Runs.self, from: data).files {
            let bytes = Array(Data(base64Encoded: file.b64) ?? Data())
            let head = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n"
            for route in 0..<2 as Range<UInt8> {
                seeds.append([route, 0] + Array(head.utf8) + bytes + Array("\r\n--b--\r\n".utf8))
                seeds.append([route, 1] + bytes)
            }
        }
        return seeds
    }

    init() throws { service = try AskedService(["serving/one_image", "serving/images"]) }

    func read(_ bytes: UnsafeRawBufferPointer) {
        var parts = InputParts(bytes)
        let route = Self.routes[parts.choice(Self.routes.count)]
        let headers = Self.headers[parts.choice(Self.headers.count)]
        service.post(route, headers, parts.rest)
    }
}
