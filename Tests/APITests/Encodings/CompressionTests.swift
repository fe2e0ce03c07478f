import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

@testable import API

@Suite("Compressed bodies")
struct CompressionTests {
    let service: Service

    private static let body = #"{"feeds": {"w1:0": 13.0, "w2:0": 17.0}, "fetches": ["op_to_restore:0"]}"#
    private static let expected = #"{"outputs":{"op_to_restore:0":60.0},"model":{"name":"tutorial","step":1000}}"#

    init() throws {
        var options = Service.Options()
        options.maxBodyBytes = 100_000
        let models = try ["tutorial", "digits"].map { try Model(contentsOf: Fixtures.model($0)) }
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        configuration.defaultModel = "tutorial"
        service = Service(ModelRegistry(models, configuration), options: options)
    }

    private func post(_ body: [UInt8], _ coding: String, _ path: String = "/predict") -> DirectResponse {
        service.respond(.post, Array(path.utf8), headers: [.contentEncoding: Array(coding.utf8)], body: body)
    }

    private func text(_ response: DirectResponse) -> String { response.text }

    private static func bytes(hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    // Python's gzip and zlib, and libzstd, made these of `body`.
    private static let gzip =
        "H4sIAAAAAAACA6tWSktNTSlWslKoVio3tDIAMgyN9Qx0FJTKjSA8cz2DWiA3LbUkOSMVpDBaKb8gviQ/vii1uCS/KBWoKrYWAKFPqW1HAAAA"
    private static let twoMembers =
        "H4sIAAAAAAACA6tWSktNTSlWslKoVio3tDIAMgwB//AvkRQAAAAfiwgAAAAAAAIDM9Yz0FFQKjeyMlCyUjA01zOoBXLTUkuSM1KLgSLRSvkF8SX5"
        + "8UWpxSX5RalAVbG1ABekte8zAAAA"
    private static let zlib =
        "eJyrVkpLTU0pVrJSqFYqN7QyADIMjfUMdBSUyo0gPHM9g1ogNy21JDkjFaQwWim/IL4kP74otbgkvygVqCq2FgCuuRSB"
    private static let raw =
        "q1ZKS01NKVayUqhWKje0MgAyDI31DHQUlMqNIDxzPYNaIDcttSQ5IxWkMFopvyC+JD++KLW4JL8oFagqthYA"
    private static let zstd =
        "28b52ffd2047fd010012c40d11a0ed8e6747de25defa97722bee22f9ff82155d70432763c3e4647aee67f9b19b92cdbea08a60c8fc0211ca58bee0"
        + "314f971f57373b0d0100c4309d"
    private static let twoFrames =
        "28b52ffd2014a100007b226665656473223a207b2277313a30223a203128b52ffd2033990100332e302c202277323a30223a2031372e307d2c2022"
        + "66657463686573223a205b226f705f746f5f726573746f72653a30225d7d"
    private static let wideWindow =
        "28b52ffd00701c020012c40e16a0b5391e1c2120ffc1a6dce6ff6573cc964d93fcdf41ad30e693aa7d3aaa4e404d5c7a0f30d4918f342c43b07c04"
        + "8b602e8d6996d9a5f7f891590100c4309d010000"

    private static let bodies: [(coding: String, body: [UInt8])] =
        [("gzip", gzip), ("X-GZIP", gzip), ("gzip", twoMembers), ("deflate", zlib), (" Deflate ", raw)]
        .map { ($0.0, Array(Data(base64Encoded: $0.1) ?? Data())) }
        + [("zstd", bytes(hex: zstd)), ("ZSTD", bytes(hex: twoFrames)), ("identity", Array(body.utf8))]

    @Test("requests of every kind are read, in any order", arguments: bodies)
    func requests(coding: String, body: [UInt8]) {
        for path in ["/predict", "/models/tutorial/predict"] {
            let response = post(body, coding, path)
            #expect(response.status == 200)
            #expect(text(response) == Self.expected)
        }
    }

    @Test(
        "a cut or changed body is refused, and the next one read", arguments: bodies.filter { $0.coding != "identity" })
    func damage(coding: String, body: [UInt8]) {
        for count in 0..<body.count {
            let response = post(Array(body[..<count]), coding)
            #expect(response.status == 400, "\(count) of \(body.count)")
        }
        for index in body.indices {
            var changed = body
            changed[index] ^= 0x10
            // Not every byte is covered by a checksum; no change may do harm.
            #expect([200, 400, 404].contains(post(changed, coding).status), "\(index)")
        }
        #expect(post(body + [0], coding).status == 400)
        #expect(post(body, coding).status == 200)
    }

    @Test("what is wrong is said")
    func messages() {
        #expect(
            text(post([1, 2, 3], "gzip"))
                == #"{"error":"the body is not gzip, or is damaged or cut short"}"#)
        #expect(
            text(post(Self.bytes(hex: Self.wideWindow), "zstd"))
                == #"{"error":"the body needs a window of more than 8 MiB: compress it with a smaller one"}"#)
        for coding in ["br", "gzip, zstd", "compress"] {
            let response = post([1, 2, 3], coding)
            #expect(response.status == 415)
            #expect(
                text(response)
                    == "{\"error\":\"the Content-Encoding \(coding) is not supported: send one of zstd, gzip, deflate, or none\"}"
            )
            #expect(response.headers["Accept-Encoding"] == "zstd, gzip, deflate")
        }
    }

    /// Compressed by our own writers.
    private func compressed(_ body: [UInt8], _ coding: ContentCoding) throws -> [UInt8] {
        let deflater = try #require(Compression.DeflaterBox(coding)).deflater
        var output = [UInt8](repeating: 0, count: body.count + 1000)
        let count = try #require(
            body.withUnsafeBytes { body in output.withUnsafeMutableBytes { deflater.deflate(body, into: $0) } })
        return Array(output[..<count])
    }

    /// What compressed bytes hold; nil if they are damaged or hold more than `limit` bytes.
    private func inflated(_ bytes: [UInt8], _ inflater: any Inflater, limit: Int) -> [UInt8]? {
        let output = ResponseBuffer()
        let isWhole = bytes.withUnsafeBytes { bytes in
            do throws(InflationFailure) {
                try inflater.inflate(bytes, into: output, limit: limit)
                return true
            } catch { return false }
        }
        return isWhole ? Array(output.bytes) : nil
    }

    @Test("the limit holds for what a body holds, and a bomb stops there", arguments: ContentCoding.allCases)
    func bombs(coding: ContentCoding) throws {
        let body = Array(Self.body.utf8)
        let exact = body + [UInt8](repeating: 0x20, count: 100_000 - body.count)
        #expect(post(try compressed(exact, coding), "\(coding.name)").status == 200)
        let over = post(try compressed(exact + [0x20], coding), "\(coding.name)")
        #expect(over.status == 413)
        #expect(
            text(over)
                == #"{"error":"the decompressed body has more than 100000 bytes: send less at once, or raise --max-body"}"#
        )
        let bomb = try compressed([UInt8](repeating: 0x20, count: 64 << 20), coding)
        #expect(post(bomb, "\(coding.name)").status == 413)
        let output = ResponseBuffer()
        let limited = Compression(maxBodyBytes: 1000, threadCount: 1)
        bomb.withUnsafeBytes { bomb in
            var headers = HTTPHeaders()
            Array("\(coding.name)".utf8).withUnsafeBytes { name in
                headers[.contentEncoding] = name
                let path = UnsafeRawBufferPointer(start: nil, count: 0)
                let request = HTTPRequest(method: .post, path: path, headers: headers, body: bomb)
                #expect(throws: RequestError.self) { try limited.inflated(request, into: output) }
            }
        }
        #expect(output.count == 0)
    }

    @Test("what is compressed is what was there", arguments: ContentCoding.allCases)
    func roundTrip(coding: ContentCoding) throws {
        var random = SplitMix(state: 7)
        for count in [0, 1, 1000, 100_000, 3_000_000] {
            let body = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() & 15) }
            let inflater = try #require(Compression.InflaterBox(coding)).inflater
            let packed = try compressed(body, coding)
            for _ in 0..<2 { #expect(inflated(packed, inflater, limit: count) == body) }
            #expect(count == 0 || inflated(packed, inflater, limit: count - 1) == nil)
        }
    }

    private func get(_ path: String, accepting: String?) -> DirectResponse {
        service.respond(
            .get, Array(path.utf8), headers: accepting.map { [.acceptEncoding: Array($0.utf8)] } ?? [:])
    }

    @Test(
        "the best that a client accepts is taken",
        arguments: [
            ("gzip", "gzip"), ("gzip, deflate, br", "gzip"), ("gzip, deflate, br, zstd", "zstd"),
            ("deflate", "deflate"),
            ("zstd;q=0.5, gzip;q=0.8", "gzip"), ("zstd;q=0, *", "gzip"), ("*", "zstd"), ("*;q=0", nil), ("br", nil),
            ("identity", nil), ("", nil), ("gzip;q=0", nil), ("gzip;q=0.001", "gzip"), ("gzip ; Q=1.000", "gzip"),
            ("GZIP", "gzip"), ("gzip;q=", nil), ("gzip;q=x", nil), (",,;,gzip;q=0.5;x=y", nil), (nil, nil),
        ] as [(String?, String?)])
    func accepted(header: String?, coding: String?) throws {
        let plain = get("/models/digits", accepting: nil)
        let response = get("/models/digits", accepting: header)
        #expect(response.status == 200)
        #expect(response.headers["Content-Encoding"] == coding)
        #expect(response.headers["Vary"] == "Accept-Encoding")
        guard let coding else { return #expect(response.body == plain.body) }
        #expect(response.body.count < plain.body.count)
        let known = try #require(ContentCoding.allCases.first { "\($0.name)" == coding })
        let inflater = try #require(Compression.InflaterBox(known)).inflater
        #expect(inflated(response.body, inflater, limit: 1 << 20) == plain.body)
    }

    @Test("short answers, and those that get no shorter, are left as they are")
    func unchanged() {
        let response = service.respond(
            .post, Array("/predict".utf8), headers: [.acceptEncoding: Array("gzip".utf8)], body: Array(Self.body.utf8))
        #expect(response.headers["Content-Encoding"] == nil)
        #expect(text(response) == Self.expected)
        var random = SplitMix(state: 3)
        let compression = Compression(maxBodyBytes: 1, threadCount: 1)
        for (count, isShorter) in [(5000, false), (1_000_000, false), (1_000_000, true)] {
            let noise = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) & (isShorter ? 3 : 255) }
            var response = HTTPResponse(body: ResponseBuffer())
            noise.withUnsafeBytes { response.body.append($0) }
            Array("zstd".utf8).withUnsafeBytes { name in
                var headers = HTTPHeaders()
                headers[.acceptEncoding] = name
                let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
                compression.compress(
                    HTTPRequest(method: .post, path: nothing, headers: headers, body: nothing), &response)
            }
            #expect((response.body.count < count) == isShorter)
            #expect(response.headers.contains { "\($0.name)" == "Content-Encoding" } == isShorter)
        }
    }

    @Test("a large answer of a model is compressed, and a large request read")
    func predict() throws {
        let rows = 200
        let row = "[" + Array(repeating: "0.25", count: 64).joined(separator: ",") + "]"
        let body =
            "{\"feeds\":{\"x\":[\(Array(repeating: row, count: rows).joined(separator: ","))],\"keep_prob\":1},"
            + "\"fetches\":[\"probs:0\"]}"
        let path = Array("/models/digits/predict".utf8)
        let plain = service.respond(.post, path, body: Array(body.utf8))
        #expect(plain.status == 200)
        let response = service.respond(
            .post, path, headers: [.contentEncoding: Array("zstd".utf8), .acceptEncoding: Array("gzip".utf8)],
            body: try compressed(Array(body.utf8), .zstd))
        #expect(response.headers["Content-Encoding"] == "gzip")
        #expect(response.headers["Vary"] == "Accept-Encoding")
        let inflater = try #require(ZlibInflater(.gzip))
        #expect(inflated(response.body, inflater, limit: 1 << 24) == plain.body)
    }
}
