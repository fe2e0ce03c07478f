import Foundation
import ServerSupport
import Testing
import VectorSupport

/// What the server decides when a request's headers are there.
@Suite("Bodies that are not wanted")
struct AdmissionTests {
    private static let body = "Content-Length: 40\r\nExpect: 100-continue"

    /// A request without its body, and the status that it gets all the same.
    private static let refused = [
        ("POST /predict", "Host: t\r\n\(body)", 401),
        ("POST /predict", "Host: t\r\nAuthorization: Bearer beta\r\n\(body)", 401),
        ("POST /predict", "Host: t\r\nAuthorization: Bearer alpha\r\nContent-Type: video/mp4\r\n\(body)", 415),
        ("POST /predict", "Host: t\r\nAuthorization: Bearer alpha\r\nContent-Encoding: br\r\n\(body)", 415),
        ("POST /predict", "Host: t\r\nAuthorization: Bearer alpha\r\nContent-Length: 99999999", 413),
        ("PUT /predict", "Host: t\r\nAuthorization: Bearer alpha\r\n\(body)", 405),
        ("POST /nope", "Host: t\r\n\(body)", 404),
        ("POST /models/none/predict", "Host: t\r\nAuthorization: Bearer alpha\r\n\(body)", 404),
        ("POST /models/tutorial/versions/x/predict", "Host: t\r\nAuthorization: Bearer alpha\r\n\(body)", 400),
        ("POST /v1/models/none:predict", "Host: t\r\nAuthorization: Bearer alpha\r\n\(body)", 404),
        (
            "POST /v1/models/tutorial:classify",
            "Host: t\r\nAuthorization: Bearer alpha\r\nContent-Type: application/x-npy\r\n\(body)", 415
        ),
        ("POST /v2/models/none/infer", "Host: t\r\nAuthorization: Bearer alpha\r\n\(body)", 404),
        (
            "POST /v2/models/tutorial/infer",
            "Host: t\r\nAuthorization: Bearer alpha\r\nContent-Type: image/png\r\n\(body)", 415
        ),
        ("POST /v2/repository/models/tutorial/load", "Host: t\r\nAuthorization: Bearer alpha\r\n\(body)", 403),
        ("GET /models", "\(body)", 400), ("GET /models", "Host: t\r\nX : y", 400),
        ("GET /models", "Host: t\r\nContent-Length: +1", 400),
    ]

    @Test("are refused at once, with one answer, and noted in the access log and the metrics")
    func atOnce() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let tokens = folder.appendingPathComponent("tokens").path
        let log = folder.appendingPathComponent("log").path
        try Fixtures.write(Array("alpha\n".utf8), to: tokens)
        let server = try RunningServer(
            Fixtures.model("tutorial"), "--token-file", tokens, "--access-log", log)
        for (line, headers, status) in Self.refused {
            let client = try RawClient(port: server.port)
            client.send("\(line) HTTP/1.1\r\n\(headers)\r\n\r\n")
            let response = try client.response()
            #expect(response.status == status, "\(line) \(headers)")
            #expect(response.body.hasPrefix(#"{"error":""#), "\(line) \(headers)")
            #expect(client.isClosed(), "\(line) \(headers)")
        }
        let client = try RawClient(port: server.port)
        client.send("GET /metrics HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer alpha\r\n\r\n")
        let metrics = try client.response().body
        for status in [400, 401, 403, 404, 413, 415] {
            let count = Self.refused.count { $0.2 == status }
            #expect(metrics.contains("metaserve_http_responses_total{status=\"\(status)\"} \(count)\n"), "\(status)")
        }
        _ = server.stop()
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == Self.refused.count + 1)
        for (line, request) in zip(lines, Self.refused) {
            let fields = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(fields["status"] as? Int == request.2)
            #expect(fields["client"] as? String == "127.0.0.1")
            #expect((fields["error"] as? String)?.isEmpty == false)
        }
    }

    @Test("an answer that waits for its body is one of the model's")
    func wanted() throws {
        let server = try RunningServer(Fixtures.model("tutorial"))
        let body = #"{"feeds": {"w1:0": 13.0, "w2:0": 17.0}}"#
        for path in ["/predict", "/models/tutorial/predict"] {
            let client = try RawClient(port: server.port)
            client.send(
                "POST \(path) HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\nExpect: 100-continue\r\n\r\n"
            )
            #expect(try client.response().status == 100)
            client.send(body)
            #expect(try client.response().status == 200)
            client.post(path, body)
            #expect(try client.response().status == 200)
        }
    }
}
