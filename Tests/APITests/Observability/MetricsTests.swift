import API
import Foundation
import HTTPMessages
import Serving
import Testing
import VectorSupport

/// What `GET /metrics` says, read as a scraper reads it.
@Suite("Metrics")
struct MetricsTests {
    /// The samples by their name and labels as written.
    private func samples(of client: Client) throws -> [String: Double] {
        var samples: [String: Double] = [:]
        var families: [Substring: Substring] = [:]
        for line in client.get("/metrics").body.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                #expect(families.updateValue(words[3], forKey: words[2]) == nil, "\(words[2]) is declared twice")
            } else if !line.hasPrefix("# HELP ") {
                let space = try #require(line.lastIndex(of: " "))
                let name = line[..<space]
                let base = name.prefix { $0 != "{" }
                let family =
                    ["_bucket", "_sum", "_count"].first { base.hasSuffix($0) && families[base] == nil }
                    .map { base.dropLast($0.count) } ?? base
                #expect(families[family] != nil, "\(line) belongs to no family")
                #expect(
                    samples.updateValue(try #require(Double(line[line.index(after: space)...])), forKey: String(name))
                        == nil)
            }
        }
        return samples
    }

    @Test("requests are counted by model, protocol and status, failures too")
    func requests() throws {
        let client = try Client()
        for value in 0..<3 { #expect(client.post("{\"feeds\": {\"w1:0\": \(value), \"w2:0\": 1}}").status == 200) }
        #expect(client.post("{\"feeds\": {\"w1:0\": \"text\", \"w2:0\": 1}}").status == 400)
        #expect(client.get("/nothing").status == 404)
        let samples = try samples(of: client)
        func requests(_ status: String) -> Double? {
            samples["metaserve_requests_total{model=\"tutorial\",protocol=\"predict\",status=\"\(status)\"}"]
        }
        #expect(requests("200") == 3)
        #expect(requests("400") == 1)
        #expect(samples["metaserve_http_responses_total{status=\"404\"}"] == 1)
        #expect(samples["metaserve_requests_total{model=\"digits\",protocol=\"predict\",status=\"200\"}"] == 0)
        #expect(samples["metaserve_request_duration_seconds_count{model=\"tutorial\"}"] == 4)
        #expect(samples["metaserve_model_step{model=\"tutorial\"}"] == 1000)
        #expect(samples["metaserve_model_loaded{model=\"digits\"}"] == 1)
        #expect(samples["metaserve_model_weights_bytes{model=\"digits\"}"] == 68912)
        #expect(samples["metaserve_model_weight_memory_bytes{model=\"digits\",part=\"raw\"}"] == 68912)
        #expect(samples["metaserve_model_weight_memory_bytes{model=\"digits\",part=\"derived\"}"] == 0)
        #expect(samples["metaserve_model_weight_memory_bytes{model=\"digits\",part=\"packed\"}"] == 0)
        #expect(
            client.get("/models/digits").body.contains(
                #""weight_memory":{"raw_bytes":68912,"derived_bytes":0,"packed_bytes":0}"#))
        #expect(samples["metaserve_version_requests_total{model=\"tutorial\",version=\"1000\",status=\"200\"}"] == 3)
        #expect(samples["metaserve_version_requests_total{model=\"tutorial\",version=\"1000\",status=\"400\"}"] == 1)
        #expect(
            samples["metaserve_version_request_duration_seconds_count{model=\"tutorial\",version=\"1000\"}"] == 4)
        #expect(samples["metaserve_version_share_ratio{model=\"tutorial\",version=\"1000\"}"] == 1)
        #expect((samples["process_max_fds"] ?? 0) >= (samples["process_open_fds"] ?? .infinity))
        #expect((samples["process_resident_memory_bytes"] ?? 0) > 1_000_000)
    }

    @Test("loads are counted by what came of them, and what serves has its step and its age")
    func reloads() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { folder in
            let registry = try ModelRegistry(
                [ModelRegistry.ServedPath(folder, name: "m")], ModelRegistry.Configuration(attach: Service.attachment))
            defer { registry.stop() }
            let client = Client(Service(registry))
            let before = try samples(of: client)
            #expect(before["metaserve_reloads_total{model=\"m\",outcome=\"loaded\"}"] == 1)
            #expect(before["metaserve_reloads_total{model=\"m\",outcome=\"broken\"}"] == 0)
            #expect(before["metaserve_reload_failing{model=\"m\"}"] == 0)
            try Fixtures.write([0, 0, 0, 0], to: folder + "/model-1000.data-00000-of-00001")
            #expect(throws: RepositoryError.self) { try registry.load("m") }
            let after = try samples(of: client)
            #expect(after["metaserve_reloads_total{model=\"m\",outcome=\"loaded\"}"] == 1)
            #expect((after["metaserve_reloads_total{model=\"m\",outcome=\"broken\"}"] ?? 0) >= 1)
            #expect(after["metaserve_reload_failing{model=\"m\"}"] == 1)
            #expect(after["metaserve_model_loaded{model=\"m\"}"] == 1)
            #expect(after["metaserve_model_step{model=\"m\"}"] == 1000)
            let age = "metaserve_model_age_seconds{model=\"m\"}"
            #expect(try #require(after[age]) > #require(before[age]))
        }
    }

    @Test("a canary can be judged: requests by version and by label, which go when these go")
    func canary() throws {
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        var settings = ModelSettings()
        settings.versions = .numbers([300, 3000])
        settings.labels = ["stable": .number(300), "canary": .number(3000), "later": .number(9)]
        settings.split = ["stable": 75, "canary": 25]
        configuration.models = ["m": settings]
        let paths = [ModelRegistry.ServedPath(Fixtures.model("digits"), name: "m")]
        let registry = try ModelRegistry(paths, configuration)
        defer { registry.stop() }
        let client = Client(Service(registry))
        let good =
            "{\"feeds\": {\"x\": [[\(Array(repeating: "0", count: 64).joined(separator: ","))]], \"keep_prob\": 1}}"
        for _ in 0..<100 { #expect(client.post(good, "/models/m/predict").status == 200) }
        #expect(client.post("{\"feeds\": {\"x\": 1}}", "/v1/models/m/labels/canary:predict").status == 400)
        #expect(client.post(good, "/models/m/versions/300/predict").status == 200)
        #expect(client.post(good, "/v1/models/m/labels/nobody:predict").status == 400)
        let before = try samples(of: client)
        func requests(_ kind: String, _ name: String, _ status: Int, _ samples: [String: Double]) -> Double? {
            samples["metaserve_\(kind)_requests_total{model=\"m\",\(kind)=\"\(name)\",status=\"\(status)\"}"]
        }
        #expect(requests("version", "300", 200, before) == 76)
        #expect(requests("version", "3000", 200, before) == 25)
        #expect(requests("version", "3000", 400, before) == 1)
        #expect(requests("label", "stable", 200, before) == 75)
        #expect(requests("label", "canary", 200, before) == 25)
        #expect(requests("label", "canary", 400, before) == 1)
        #expect(requests("label", "later", 200, before) == 0)
        #expect(before["metaserve_label_request_duration_seconds_count{model=\"m\",label=\"canary\"}"] == 26)
        #expect(before["metaserve_version_share_ratio{model=\"m\",version=\"300\"}"] == 0.75)
        #expect(before["metaserve_label_version{model=\"m\",label=\"canary\"}"] == 3000)
        #expect(before["metaserve_label_version{model=\"m\",label=\"later\"}"] == nil)
        #expect(before["metaserve_load_duration_seconds_count{model=\"m\"}"] == 2)
        #expect(!before.keys.contains { $0.contains("nobody") })

        // The canary takes over: labels, shares and versions change, and no version is loaded again.
        settings.versions = .numbers([3000])
        settings.labels = ["stable": .number(3000)]
        settings.split = [:]
        configuration.models = ["m": settings]
        registry.reconfigure(paths, configuration)
        var after = try samples(of: client)
        for _ in 0..<2000 where requests("version", "300", 200, after) != nil {
            usleep(5000)
            after = try samples(of: client)
        }
        #expect(client.post(good, "/models/m/predict").status == 200)
        #expect(client.post(good, "/v1/models/m/labels/stable:predict").status == 400)
        after = try samples(of: client)
        #expect(requests("version", "300", 200, after) == nil)
        #expect(requests("version", "3000", 200, after) == 26)
        #expect(requests("label", "stable", 400, after) == 1)
        #expect(requests("label", "stable", 200, after) == 75)
        #expect(requests("label", "canary", 200, after) == nil)
        #expect(after["metaserve_version_share_ratio{model=\"m\",version=\"3000\"}"] == 1)
        #expect(after["metaserve_load_duration_seconds_count{model=\"m\"}"] == 2)
    }

    @Test("TensorFlow Serving's path has the same metrics, and those of its names")
    func servingNames() throws {
        let client = try Client(["tutorial"])
        #expect(client.post(#"{"inputs":{"w1":1,"w2":2}}"#, "/v1/models/tutorial:predict").status == 200)
        #expect(client.post(#"{"inputs":{"w1":1}}"#, "/v1/models/tutorial:predict").status == 400)
        let lines = client.get("/monitoring/prometheus/metrics").body.split(separator: "\n").map(String.init)
        for line in [
            #":tensorflow:serving:request_count{model_name="tutorial",status="OK"} 1"#,
            #":tensorflow:serving:request_count{model_name="tutorial",status="INVALID_ARGUMENT"} 1"#,
            #":tensorflow:serving:request_latency_count{model_name="tutorial",API="Predict",entrypoint="REST"} 2"#,
            #":tensorflow:serving:runtime_latency_count{model_name="tutorial",API="Predict",runtime="TF1"} 2"#,
            #"metaserve_requests_total{model="tutorial",protocol="tfserving",status="200"} 1"#,
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!client.get("/metrics").body.contains(":tensorflow:"))
    }

    @Test("a histogram's buckets only grow, and the last is the count")
    func buckets() throws {
        let client = try Client()
        for _ in 0..<20 { _ = client.post("{\"feeds\": {\"w1:0\": 1, \"w2:0\": 1}}") }
        var last = 0.0
        for line in client.get("/metrics").body.split(separator: "\n")
        where line.hasPrefix("metaserve_request_phase_seconds_bucket{model=\"tutorial\",phase=\"run\"") {
            let count = try #require(line.split(separator: " ").last.flatMap { Double($0) })
            #expect(count >= last)
            last = count
        }
        #expect(last == 20)
    }

    @Test("what clients send makes no new time series")
    func bounded() throws {
        let client = try Client()
        let before = try samples(of: client).count
        for number in 0..<50 {
            _ = client.post("{}", "/models/model\(number)/predict")
            _ = client.get("/path\(number)")
        }
        #expect(try samples(of: client).count == before)
    }

    @Test("a line of JSON for each request, with its identity, which the answer has too")
    func accessLog() throws {
        let path = NSTemporaryDirectory() + "access-\(UUID().uuidString).log"
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            var options = Service.Options()
            options.accessLog = try AccessLog(path: path)
            let service = Service(
                ModelRegistry(
                    [try Model(contentsOf: Fixtures.model("tutorial"))],
                    ModelRegistry.Configuration(attach: Service.attachment)), options: options)
            let headers: [HTTPHeader: [UInt8]] = [
                .requestID: Array("abc-1".utf8), .traceParent: Array("00-0af7651916cd43dd-b7ad6b7169203331-01".utf8),
            ]
            let body = Array("{\"feeds\": {\"w1:0\": 13, \"w2:0\": 17}}".utf8)
            let response = service.respond(.post, Array("/predict".utf8), headers: headers, body: body)
            #expect(response.headers["X-Request-ID"] == "abc-1")
            #expect(response.headers["traceparent"] == "00-0af7651916cd43dd-b7ad6b7169203331-01")
            let hostile = service.respond(.get, Array("/no\"\n".utf8), headers: [.requestID: Array("a\r\nb: c".utf8)])
            #expect(hostile.headers["X-Request-ID"] == nil)
            let refused = service.respond(.post, Array("/models/tutorial/versions/7/predict".utf8), body: body)
            #expect(refused.status == 404)
            let wrong = service.respond(
                .post, Array("/predict".utf8), body: Array("{\"feeds\": {\"w1:0\": \"x\", \"w2:0\": 1}}".utf8))
            #expect(wrong.status == 400)
        }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        try #require(lines.count == 4)
        let first = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        #expect(first["request_id"] as? String == "abc-1")
        #expect(first["status"] as? Int == 200)
        #expect(first["model"] as? String == "tutorial")
        #expect(first["version"] as? Int == 1000)
        #expect(first["protocol"] as? String == "predict")
        #expect((first["time"] as? String)?.count == 24)
        #expect(try #require(first["duration_ms"] as? Double) >= #require(first["run_ms"] as? Double))
        #expect(first["error"] == nil)
        let second = try #require(try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: Any])
        #expect(second["path"] as? String == "/no\"\n")
        #expect(second["status"] as? Int == 404)
        #expect(second["model"] == nil)
        #expect(second["error"] as? String == "there is no route /no\"\n: GET / shows what is served")
        let third = try #require(try JSONSerialization.jsonObject(with: Data(lines[2].utf8)) as? [String: Any])
        #expect(third["model"] as? String == "tutorial")
        #expect(third["version"] == nil)
        #expect(third["error"] as? String == "model \"tutorial\" has no version 7 loaded; the loaded versions are 1000")
        let fourth = try #require(try JSONSerialization.jsonObject(with: Data(lines[3].utf8)) as? [String: Any])
        #expect(fourth["version"] as? Int == 1000)
        #expect((fourth["error"] as? String)?.contains("w1:0") == true)
    }

    @Test("a log that is renamed goes on in a new file once it is opened again; no line is lost")
    func rotation() throws {
        let path = NSTemporaryDirectory() + "access-\(UUID().uuidString).log"
        defer { for suffix in ["", ".1"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        do {
            var options = Service.Options()
            let log = try AccessLog(path: path)
            options.accessLog = log
            let service = Service(
                ModelRegistry([Model](), ModelRegistry.Configuration(attach: Service.attachment)), options: options)
            func ask(_ number: Int) { _ = service.respond(.get, Array("/\(number)".utf8)) }
            for number in 0..<50 { ask(number) }
            rename(path, path + ".1")
            for number in 50..<60 { ask(number) }
            try log.reopen()
            try log.reopen()
            for number in 60..<100 { ask(number) }
        }
        let old = try String(contentsOfFile: path + ".1", encoding: .utf8).split(separator: "\n")
        let new = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let paths = (old + new).compactMap { $0.firstMatch(of: /"path":"\/(\d+)"/).flatMap { Int($0.1) } }
        #expect(paths == Array(0..<100))
        #expect(old.count >= 50 && !new.isEmpty)
    }

    @Test("an access log that cannot be opened is an error with file and cause")
    func badLog() {
        let error = #expect(throws: AccessLog.Failure.self) { try AccessLog(path: "/no/such/folder/log") }
        #expect(error?.description == "access log /no/such/folder/log: No such file or directory")
    }
}
