import Foundation
import ServerSupport
import Testing
import VectorSupport

/// Where `make test-clients` installs clients from PyPI.
private let clients = Fixtures.package.appendingPathComponent(".build/clients/bin")

private let areInstalled = FileManager.default.isExecutableFile(
    atPath: clients.appendingPathComponent("schemathesis").path)

@Suite("Clients of others", .enabled(if: areInstalled, "make test-clients installs them"), .serialized)
struct ClientTests {
    private let models = Fixtures.package.appendingPathComponent("models").path
    private let scripts = Fixtures.package.appendingPathComponent("Tests/Clients")

    @Test("Triton's client: all it can ask for, tensors as JSON and as bytes")
    func triton() throws {
        let tokens = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)")
        try Fixtures.write(Array("secret\n".utf8), to: tokens.path)
        defer { try? FileManager.default.removeItem(at: tokens) }
        let server = try RunningServer(models, "--admin-token-file", tokens.path)
        let result = try Program.launch(
            clients.appendingPathComponent("python").path,
            [scripts.appendingPathComponent("v2.py").path, "127.0.0.1:\(server.port)", "secret"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == "ok\n")
        #expect(server.stop() == 0)
    }

    @Test("schemathesis: the OpenAPI document tells the truth")
    func schemathesis() throws {
        let server = try RunningServer(models, "--default-model", "tutorial")
        let result = try Program.launch(
            clients.appendingPathComponent("schemathesis").path,
            [
                "--config-file", scripts.appendingPathComponent("schemathesis.toml").path, "run",
                "\(server.address)/openapi.json",
            ])
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        #expect(server.stop() == 0)
    }
}
