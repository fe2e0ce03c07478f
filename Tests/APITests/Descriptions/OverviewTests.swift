import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

@Suite("GET / for terminals and programs")
struct OverviewTests {
    private let client: Client

    init() throws { client = try Client() }

    private func get(_ path: String = "/", _ headers: [HTTPHeader: String]) -> DirectResponse {
        client.service.respond(.get, Array(path.utf8), headers: headers.mapValues { Array($0.utf8) })
    }

    private static let line = #"curl -d '{"feeds":{"w1:0":1.0,"w2:0":1.0}}' localhost:8501/models/tutorial/predict"#

    @Test("curl and whoever accepts text get text, with the line as it stands")
    func text() {
        let wishes: [[HTTPHeader: String]] = [
            [.userAgent: "curl/7.88.1", .accept: "*/*"], [.userAgent: "curl/8.5.0"], [.accept: "text/plain"],
            [.userAgent: "Wget/1.21", .accept: "text/html;q=0.5, Text/Plain;q=0.9"],
        ]
        for wish in wishes {
            let response = get("/", wish)
            #expect(response.contentType == "text/plain; charset=utf-8", "\(wish)")
            let lines = String(decoding: response.body, as: UTF8.self).split(
                separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.first == "metaserve dev")
            #expect(lines.contains("  tutorial, step 1000"))
            #expect(lines.contains("  " + Self.line))
            #expect(lines.last == "")
            #expect(response.headers["Vary"] == "Accept, User-Agent")
        }
    }

    @Test("everybody else gets JSON, and so does curl that asks for it, or asks another route")
    func json() {
        let wishes: [[HTTPHeader: String]] = [
            [:], [.accept: "*/*"], [.userAgent: "python-requests/2.31", .accept: "*/*"],
            [.userAgent: "Mozilla/5.0", .accept: "text/html,application/xhtml+xml,*/*;q=0.8"],
            [.userAgent: "curl/7.88.1", .accept: "application/json"],
            [.userAgent: "curl/7.88.1", .accept: "application/json, text/plain"],
            [.userAgent: "curl/7.88.1", .accept: "application/*"], [.userAgent: "libcurl/7.88.1"],
        ]
        for wish in wishes {
            let response = get("/", wish)
            #expect(response.contentType == "application/json", "\(wish)")
            #expect(response.text.hasPrefix(#"{"name":"metaserve","version":"dev","#))
        }
        #expect(get("/models", [.userAgent: "curl/7.88.1"]).contentType == "application/json")
    }

    @Test("a body of JSON ends with one newline; an empty one, an array and binary tensors are left alone")
    func newline() throws {
        func last(_ response: DirectResponse) -> String { String(decoding: response.body.suffix(2), as: UTF8.self) }
        #expect(last(get("/models/tutorial", [:])) == "}\n")
        #expect(last(get("/nothing", [:])) == "}\n")
        let body = Array(#"{"feeds":{"w1":[1],"w2":[2]}}"#.utf8)
        #expect(last(client.service.respond(.post, Array("/predict".utf8), body: body)) == "}\n")
        #expect(last(client.service.respond(.post, Array("/predict".utf8), body: Array("{".utf8))) == "}\n")
        #expect(get("/v2/health/live", [:]).body.isEmpty)
        let array = client.service.respond(
            .post, Array("/predict".utf8), headers: [.accept: Array("application/x-npy".utf8)], body: body)
        #expect(array.body.suffix(4) == withUnsafeBytes(of: Float(6).bitPattern.littleEndian) { Array($0) }[...])
        let infer = Array(
            #"""
            {"parameters":{"binary_data_output":true},"inputs":[{"name":"w1","datatype":"FP32","shape":[1],"data":[1]},{"name":"w2","datatype":"FP32","shape":[1],"data":[2]}]}
            """#.utf8)
        let binary = client.service.respond(.post, Array("/v2/models/tutorial/infer".utf8), body: infer)
        let length = try #require(binary.headers["Inference-Header-Content-Length"].flatMap { Int($0) })
        #expect(binary.body[length - 1] == UInt8(ascii: "}"))
        #expect(binary.body.count == length + 4)
    }

    @Test("a name that is no text for terminals is shown without its control characters")
    func names() throws {
        let model = try Model(contentsOf: Fixtures.model("tutorial"), name: "a\u{1b}[2Jb\nc")
        let response = try Client(model).service.respond(
            .get, Array("/".utf8), headers: [.accept: Array("text/plain".utf8)])
        #expect(String(decoding: response.body, as: UTF8.self).contains("\n  a?[2Jb?c, step 1000\n"))
    }
}
