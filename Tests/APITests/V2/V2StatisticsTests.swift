import API
import Foundation
import Serving
import Testing
import VectorSupport

@Suite("Open Inference Protocol: statistics")
struct V2StatisticsTests {
    private func statistics(_ client: V2Client, _ path: String) throws -> [[String: Any]] {
        try #require(client.get("/v2/models\(path)/stats").object["model_stats"] as? [[String: Any]])
    }

    private func counts(_ statistics: [String: Any], _ keys: String...) throws -> [Int?] {
        let times = try #require(statistics["inference_stats"] as? [String: [String: Int]])
        return keys.map { times[$0]?["count"] }
    }

    @Test("a request counts once and its rows count each, a failed one by itself")
    func counting() throws {
        let client = V2Client(try Client(Model(contentsOf: Fixtures.path("files/saved_model_2"))))
        for rows in [1, 3, 3] {
            let data = Array(repeating: "1,2", count: rows).joined(separator: ",")
            let response = client.infer(
                "saved_model_2",
                #"{"inputs":[{"name":"x","shape":[\#(rows),2],"datatype":"FP32","data":[\#(data)]}]}"#)
            #expect(response.status == 200)
        }
        #expect(client.infer("saved_model_2", "{}").status == 400)
        let all = try statistics(client, "/saved_model_2")
        let statistics = try #require(all.first)
        #expect(all.count == 1)
        #expect(statistics["version"] as? String == "1")
        #expect(statistics["inference_count"] as? Int == 7)
        #expect(statistics["execution_count"] as? Int == 3)
        #expect(try #require(statistics["last_inference"] as? Int) > 1_700_000_000_000)
        #expect(
            try counts(statistics, "success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
                == [3, 1, 3, 3, 3, 3])
        let runs = try #require(statistics["batch_stats"] as? [[String: Any]])
        #expect(runs.map { $0["batch_size"] as? Int } == [1, 3])
        #expect(runs.map { ($0["compute_infer"] as? [String: Int])?["count"] } == [1, 2])
        let times = try #require(statistics["inference_stats"] as? [String: [String: Int]])
        let phases = ["queue", "compute_input", "compute_infer", "compute_output"]
        #expect(times["success"]?["ns"] == phases.reduce(0) { $0 + (times[$1]?["ns"] ?? 0) })
        let inRuns = runs.reduce(0) { $0 + (($1["compute_infer"] as? [String: Int])?["ns"] ?? 0) }
        #expect(inRuns == times["compute_infer"]?["ns"])
    }

    @Test("a request without an element counts as one row, however many its shape says")
    func empty() throws {
        let client = V2Client(try Client())
        let shape = #""shape":[4611686018427387904,0],"datatype":"FP32","data":[]"#
        for _ in 0..<4 {
            let response = client.infer(
                "tutorial", #"{"inputs":[{"name":"w1",\#(shape)},{"name":"w2",\#(shape)}]}"#)
            #expect(response.status == 200, "\(response.text)")
        }
        let statistics = try #require(try statistics(client, "/tutorial").first)
        #expect(statistics["inference_count"] as? Int == 4)
        #expect(try counts(statistics, "success") == [4])
    }

    @Test("each version counts for itself; without a version all that are loaded are told of")
    func versions() throws {
        try Fixtures.withCopy(of: Fixtures.model("tutorial")) { folder in
            let root = folder + "/versions"
            for number in [1, 2] {
                try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: Fixtures.model("tutorial"), toPath: "\(root)/\(number)")
            }
            var configuration = ModelRegistry.Configuration(attach: Service.attachment)
            configuration.versions = .all
            let registry = try ModelRegistry([.init(root)], configuration)
            defer { registry.stop() }
            let client = V2Client(Client(Service(registry)))
            let body =
                #"{"inputs":[{"name":"w1","shape":[1],"datatype":"FP32","data":[1]},"#
                + #"{"name":"w2","shape":[1],"datatype":"FP32","data":[1]}]}"#
            for _ in 0..<2 { #expect(client.infer("versions/versions/1", body).status == 200) }
            #expect(client.infer("versions/versions/2", body).status == 200)
            let all = try statistics(client, "/versions")
            #expect(all.map { $0["version"] as? String } == ["1", "2"])
            #expect(all.map { $0["inference_count"] as? Int } == [2, 1])
            #expect(try statistics(client, "").map { $0["version"] as? String } == ["1", "2"])
            let second = try statistics(client, "/versions/versions/2")
            #expect(second.map { $0["version"] as? String } == ["2"])
            #expect(try second.flatMap { try counts($0, "success", "fail") } == [1, 0])
        }
    }
}
