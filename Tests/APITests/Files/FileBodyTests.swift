import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// Bodies that are a file, or a form of files, for models with one string input.
@Suite("Files as bodies")
struct FileBodyTests {
    let one: Client
    let many: Client
    private let files: [File]

    private struct File: Decodable {
        let type: String
        let b64: String
        let mean: [Double]

        var bytes: [UInt8] { Array(Data(base64Encoded: b64) ?? Data()) }
    }

    private struct Runs: Decodable { let files: [File] }

    init() throws {
        one = try Client(Model(contentsOf: Fixtures.path("serving/one_image")))
        many = try Client(Model(contentsOf: Fixtures.path("serving/images")))
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("serving/runs.json")))
        files = try JSONDecoder().decode(Runs.self, from: data).files
        #expect(files.map(\.type) == ["image/jpeg", "image/png"])
    }

    private static let boundary = "------------------------1a2b3c"

    private static func part(_ headers: String, _ content: [UInt8]) -> [UInt8] {
        Array("--\(boundary)\r\n\(headers)\r\n\r\n".utf8) + content + Array("\r\n".utf8)
    }

    private static func file(_ name: String, _ content: [UInt8]) -> [UInt8] {
        part(
            "Content-Disposition: form-data; name=\"\(name)\"; filename=\"a b;\\\"c.jpg\"\r\nContent-Type: image/jpeg",
            content)
    }

    private static let end = Array("--\(boundary)--\r\n".utf8)

    private func form(_ client: Client, _ path: String, _ body: [UInt8]) -> Client.Response {
        client.send(.post, path, body, type: "multipart/form-data; boundary=\(Self.boundary)")
    }

    /// The value of `mean`, under whatever name, in the outputs of either protocol.
    private func mean(_ response: Client.Response) throws -> Any {
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: Any], "\(response.body)")
        let outputs = try #require(object["outputs"], "\(response.body)")
        return try #require((outputs as? [String: Any])?.values.first ?? outputs)
    }

    private static func areClose(_ left: Any, _ right: [Double]) -> Bool {
        guard let left = left as? [Double] else { return false }
        return left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) < 1e-3 }
    }

    @Test("an image is the value of the only input, scalar or a list of one")
    func images() throws {
        for file in files {
            for path in ["/predict", "/models/one_image/predict", "/v1/models/one_image:predict"] {
                let response = one.send(.post, path, file.bytes, type: file.type)
                #expect(Self.areClose(try mean(response), file.mean), "\(response.body)")
            }
            for path in ["/models/images/predict", "/models/images/versions/1/predict", "/v1/models/images:predict"] {
                let response = many.send(.post, path, file.bytes, type: file.type)
                let rows = try #require(try mean(response) as? [[Double]], "\(response.body)")
                #expect(rows.count == 1)
                #expect(Self.areClose(rows[0], file.mean), "\(response.body)")
            }
        }
        #expect(one.send(.post, "/predict", files[0].bytes, type: "application/octet-stream").status == 200)
    }

    @Test("a form has a file for each row")
    func forms() throws {
        let body = Self.file("image", files[0].bytes) + Self.file("other", files[1].bytes) + Self.end
        for path in ["/predict", "/v1/models/images:predict"] {
            let response = form(many, path, Array("what nobody reads\r\n".utf8) + body)
            let rows = try #require(try mean(response) as? [[Double]], "\(response.body)")
            #expect(rows.count == 2)
            #expect(Self.areClose(rows[0], files[0].mean) && Self.areClose(rows[1], files[1].mean), "\(response.body)")
        }
        let single = form(one, "/predict", Self.file("image", files[0].bytes) + Self.end)
        #expect(Self.areClose(try mean(single), files[0].mean), "\(single.body)")
        let field = form(
            one, "/predict", Self.part("content-disposition: form-data; name=x", files[1].bytes) + Self.end)
        #expect(Self.areClose(try mean(field), files[1].mean), "\(field.body)")
    }

    @Test("what a form cannot be is said")
    func wrongForms() {
        let two = Self.file("image", files[0].bytes) + Self.file("image", files[1].bytes) + Self.end
        let scalar = form(one, "/predict", two)
        #expect(scalar.status == 400)
        #expect(scalar.error?.hasSuffix("expected strings of shape [], got 2 files") == true, "\(scalar)")
        let other =
            Self.file("image", files[0].bytes) + Self.part("Content-Disposition: form-data; name=\"factor\"", [0x32])
            + Self.end
        let factor = form(many, "/v1/models/images:predict", other)
        #expect(
            factor.error
                == "the form's part \"factor\" is neither a file nor input \"image\": a form has values of that input only; send "
                + "others in JSON")
    }

    @Test("a model of other inputs wants JSON")
    func otherModels() throws {
        let client = try Client()
        for (path, type) in [("/models/tutorial/predict", "image/jpeg"), ("/v1/models/tutorial:predict", "image/png")] {
            let response = client.send(.post, path, files[0].bytes, type: type)
            #expect(response.status == 415)
            #expect(
                response.error?.hasPrefix(
                    "a file is one input of dtype string, but the inputs that model \"tutorial\" needs are ")
                    == true, "\(response)")
        }
        let numbers = try Client(Model(contentsOf: Fixtures.path("files/saved_model_1")))
        let response = numbers.send(.post, "/v1/models/saved_model_1:predict", [1], type: "image/png")
        #expect(response.status == 415)
        #expect(
            response.error
                == "a file is one input of dtype string, but the inputs that model \"saved_model_1\" needs are \"in (float32)\": "
                + "send JSON")
    }

    @Test(
        "bodies that are no form, word for word",
        arguments: [
            ("multipart/form-data", "", "its Content-Type has no boundary of 1 to 70 bytes"),
            ("multipart/form-data; boundary=\"\"", "", "its Content-Type has no boundary of 1 to 70 bytes"),
            (
                "multipart/form-data; boundary=\(String(repeating: "x", count: 71))", "",
                "its Content-Type has no boundary of 1 to 70 bytes"
            ),
            ("multipart/form-data; boundary=b", "", "the boundary of its Content-Type does not occur in it"),
            ("multipart/form-data; boundary=b", "--b", "a boundary at byte 3 does not end its line"),
            ("multipart/form-data; boundary=b", "--bx\r\n\r\n", "a boundary at byte 3 does not end its line"),
            ("multipart/form-data; boundary=b", "--b--", "it has no parts"),
            ("multipart/form-data; boundary=b", "--b\r\n", "it ends within the headers of a part"),
            ("multipart/form-data; boundary=b", "--b\r\nx\r\n\r\n", "a part has a header without a colon"),
            ("multipart/form-data; boundary=b", "--b\r\n\r\nabc", "a part has no closing boundary"),
            ("multipart/form-data; boundary=b", "--b\r\n\r\nabc\r\n--b", "a boundary at byte 15 does not end its line"),
            (
                "multipart/form-data; boundary=b", "--b\r\nX:\(String(repeating: "y", count: 9000))\r\n\r\n\r\n--b--",
                "a part has more than 8192 bytes of headers"
            ),
            (
                "multipart/form-data; boundary=b", String(repeating: "--b\r\n\r\n\r\n", count: 1001) + "--b--",
                "it has more than 1000 parts"
            ),
            (
                "multipart/form-data; boundary=b", "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--b--",
                "a part has the Content-Transfer-Encoding base64: send its bytes unencoded"
            ),
        ])
    func malformed(type: String, body: String, reason: String) {
        let response = many.send(.post, "/predict", Array(body.utf8), type: type)
        #expect(response.status == 400)
        #expect(response.error == "the body is not a form: \(reason)")
    }

    @Test("every truncation of a form, and changed bytes, are answered by 200 or 400", arguments: [51] as [UInt64])
    func broken(seed: UInt64) {
        var random = SplitMix(state: seed)
        let type = "multipart/form-data; boundary=\"b'x\"; charset=utf-8"
        let body =
            Array(
                ("--b'x\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n".utf8)
            ) + files[1].bytes + Array("\r\n--b'x\r\nContent-Disposition: form-data; name=image\r\n\r\n".utf8)
            + files[0].bytes
            + Array("\r\n--b'x--".utf8)
        #expect(many.send(.post, "/v1/models/images:predict", body, type: type).status == 200)
        for end in 0..<body.count - 2 {
            let response = many.send(.post, "/v1/models/images:predict", Array(body[..<end]), type: type)
            #expect(response.status == 400 && response.error != nil, "\(end)")
        }
        for _ in 0..<3000 {
            let changed = Mutation.apply(to: body, using: &random)
            let response = many.send(.post, "/v1/models/images:predict", changed, type: type)
            #expect(
                response.status == 200 || response.status == 400 && response.error != nil,
                "seed \(seed): \(response.body)")
        }
        for _ in 0..<500 {
            let header = Mutation.apply(to: Array(type.utf8), using: &random)
            let response = many.send(
                .post, "/v1/models/images:predict", body, type: String(decoding: header, as: UTF8.self))
            #expect([200, 400, 415].contains(response.status), "seed \(seed): \(response.body)")
        }
    }

    @Test("bytes that were sent as the text of their base 64 get a hint, in all protocols")
    func hint() {
        let text = files[1].b64
        let hint = "received text that looks like base64: to feed the bytes, send {\"b64\": \"...\"}"
        let input = #"{"inputs":[{"name":"image","shape":[],"datatype":"BYTES","data":["\#(text)"]}]}"#
        for (path, body) in [
            ("/v1/models/one_image:predict", #"{"inputs":"\#(text)"}"#),
            ("/v1/models/one_image:predict", #"{"inputs":"data:image/png;base64,\#(text)"}"#),
            ("/v2/models/one_image/infer", input),
        ] {
            let response = one.post(body, path)
            #expect(response.status == 400)
            #expect(
                response.error?.hasSuffix(
                    "Unknown image file format. One of JPEG, PNG, GIF, BMP required; \"image\" \(hint)") == true,
                "\(response)")
        }
        #expect(one.post(#"{"inputs":{"b64":"\#(text)"}}"#, "/v1/models/one_image:predict").status == 200)
        let webSafe = text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        #expect(one.post(#"{"inputs":{"b64":"\#(webSafe)"}}"#, "/v1/models/one_image:predict").status == 200)
        // What is no base 64 gets none.
        let plain = one.post(#"{"inputs":"a cat"}"#, "/v1/models/one_image:predict")
        #expect(plain.error?.hasSuffix("One of JPEG, PNG, GIF, BMP required.") == true, "\(plain)")
    }
}
