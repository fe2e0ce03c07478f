import Foundation
import Glibc
import ServerSupport
import Testing
import VectorSupport

/// The folder in which `make test-clients` installs clients from PyPI.
private let clients = Fixtures.package.appendingPathComponent(".build/clients")

private func isInstalled(_ program: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: clients.appendingPathComponent(program).path)
}

@Suite(
    "Clients of others", .enabled(if: isInstalled("bin/schemathesis"), "make test-clients installs them"), .serialized)
struct ClientTests {
    private let models = Fixtures.package.appendingPathComponent("models").path
    private let scripts = Fixtures.package.appendingPathComponent("Tests/Clients")

    /// Runs a script of Tests/Clients, which prints "ok" at its end.
    private func run(_ script: String, _ arguments: String...) throws {
        let result = try Program.launch(
            clients.appendingPathComponent("bin/python").path,
            [scripts.appendingPathComponent(script).path] + arguments)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == "ok\n")
    }

    /// A temporary file for a test.
    private func temporaryFile(_ text: String, suffix: String = "") throws -> String {
        let path = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString)\(suffix)"
        try Fixtures.write(Array(text.utf8), to: path)
        return path
    }

    @Test("Triton's client: all it can ask for, tensors as JSON and as bytes")
    func triton() throws {
        let tokens = try temporaryFile("secret\n")
        defer { unlink(tokens) }
        let server = try RunningServer(models, "--admin-token-file", tokens)
        try run("v2.py", "127.0.0.1:\(server.port)", "secret")
        #expect(server.stop() == 0)
    }

    @Test("a client of TensorFlow Serving: rows, columns, strings, its errors")
    func tensorFlowServing() throws {
        let settings = try temporaryFile(
            "models: {strings: \(Fixtures.path("files/saved_model_2"))}", suffix: ".yaml")
        defer { unlink(settings) }
        let server = try RunningServer(models, "--config", settings)
        try run("tfserving.py", server.address)
        #expect(server.stop() == 0)
    }

    @Test("Prometheus' parsers: every metric, after requests that are answered and requests that fail")
    func prometheus() throws {
        let tokens = try temporaryFile("secret\n")
        defer { unlink(tokens) }
        let server = try RunningServer(models, "--admin-token-file", tokens)
        try run("metrics.py", server.address, "secret")
        #expect(server.stop() == 0)
    }

    /// Versions that share requests, and models with strings and of other formats.
    private static let manyModels = """
        models:
          digits:
            path: \(Fixtures.model("digits"))
            versions: [300, 3000]
            labels: {stable: 300, canary: 3000}
            split: {stable: 50, canary: 50}
          strings: \(Fixtures.path("files/saved_model_2"))
          older: \(Fixtures.path("files/v1"))
        """

    @Test(
        "schemathesis: the OpenAPI document tells the truth",
        arguments: [
            "{default-model: tutorial, models: {tutorial: \(Fixtures.model("tutorial")), digits: \(Fixtures.model("digits"))}}",
            manyModels,
        ])
    func schemathesis(settings: String) throws {
        let path = try temporaryFile(settings, suffix: ".yaml")
        defer { unlink(path) }
        let server = try RunningServer("--config", path)
        // It stores its results in its working directory.
        let result = try Program.launch(
            "/usr/bin/env",
            [
                "-C", clients.path, clients.appendingPathComponent("bin/schemathesis").path, "--config-file",
                scripts.appendingPathComponent("schemathesis.toml").path, "run",
                "\(server.address)/openapi.json",
            ])
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        #expect(server.stop() == 0)
    }

    @Test(
        "Triton's perf_analyzer: inferences, none of which fails",
        .enabled(if: isInstalled("perf/bin/perf_analyzer"), "make test-clients could not get perf_analyzer"),
        arguments: [["tutorial", "--shape", "w1:0:1", "--shape", "w2:0:1"], ["digits", "--shape", "x:0:1,64"]])
    func perfAnalyzer(model: [String]) throws {
        let server = try RunningServer(models)
        let libraries = clients.appendingPathComponent("perf/nvidia/cuda_runtime/lib").path
        let result = try Program.launch(
            "/usr/bin/env",
            [
                "LD_LIBRARY_PATH=\(libraries)",
                clients.appendingPathComponent("perf/bin/perf_analyzer").path, "-u", "127.0.0.1:\(server.port)", "-m",
            ] + model + ["--concurrency-range", "2", "--measurement-interval", "2000", "--stability-percentage", "999"])
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        let summary = try #require(result.output.firstMatch(of: /Concurrency: 2, throughput: ([0-9.]+) infer\/sec/))
        #expect((Double(summary.1) ?? 0) > 0)
        print("\(model[0]): \(result.output.split(separator: "\n").last ?? "")")
        let metrics = try Program.curl(server.address + "/metrics")
        let failed = metrics.split(separator: "\n").filter {
            $0.hasPrefix("metaserve_requests_total") && !$0.contains(#"status="200""#)
        }
        #expect(failed.isEmpty, "\(failed)")
        #expect(server.stop() == 0)
    }
}
