import Foundation
import ServerSupport
import Testing
import VectorSupport

/// Names of any characters, through the program and over HTTP.
@Suite("Names of models and files")
struct NameTests {
    /// A folder with a copy of the tutorial's checkpoint under each name: the name of the folder and of the prefix.
    private func withFolders<Result>(_ names: [String], _ body: (String) throws -> Result) throws -> Result {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        for name in names {
            #expect(mkdir(root, 0o755) == 0 || errno == EEXIST)
            #expect(mkdir("\(root)/\(name)", 0o755) == 0)
            for part in ["data-00000-of-00001", "index", "meta"] {
                let bytes = try Fixtures.bytes(Fixtures.model("tutorial") + "/model-1000.\(part)")
                try RecordedSaves.write(bytes[...], to: "\(root)/\(name)/\(name)-5.\(part)", chunk: 1 << 20) {}
            }
            let written = name.replacing("\"", with: "\\\"")
            let pointer = Array("model_checkpoint_path: \"/home/me/\(written)-5\"\n".utf8)
            try RecordedSaves.write(pointer[...], to: "\(root)/\(name)/checkpoint", chunk: 1 << 20) {}
        }
        return try body(root)
    }

    private static func encoded(_ name: String) -> String {
        name.utf8.map { byte in
            let isPlain =
                byte < 0x80
                && (UnicodeScalar(byte).properties.isAlphabetic || ("0"..."9").contains(UnicodeScalar(byte)))
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    private static let names = [
        "mod\u{e8}le \u{e9}", "mode\u{300}le e\u{301}", "模型 épöque", "👩‍🔬 [x] {y} (z)", "it's 100% \"sure\"",
        "\u{301}mark", "a+b&c=d;e",
    ]

    @Test("each is served under its own name: over HTTP, in lists and in metrics")
    func served() throws {
        try withFolders(Self.names) { root in
            let server = try RunningServer(root)
            let list = try #require(
                try JSONSerialization.jsonObject(with: Data(Program.curl(server.address + "/models").utf8))
                    as? [String: Any])
            let models = try #require(list["models"] as? [[String: Any]])
            let listed = models.compactMap { $0["name"] as? String }.map { Array($0.utf8) }
            #expect(Set(listed) == Set(Self.names.map { Array($0.utf8) }))
            #expect(models.allSatisfy { $0["state"] as? String == "available" && $0["warnings"] as? [String] == [] })
            for name in Self.names {
                let encoded = Self.encoded(name)
                let body = #"{"feeds": {"w1": 13, "w2": 17}}"#
                let response = try Program.curl("-d", body, "\(server.address)/models/\(encoded)/predict")
                #expect(response.hasPrefix(#"{"outputs":{"op_to_restore:0":60.0}"#), "\(name): \(response)")
                let described = try #require(
                    try JSONSerialization.jsonObject(
                        with: Data(Program.curl("\(server.address)/models/\(encoded)").utf8)) as? [String: Any])
                #expect((described["name"] as? String).map { Array($0.utf8) } == Array(name.utf8))
                #expect(described["step"] as? Int == 5)
                for path in ["/v1/models/\(encoded)", "/v2/models/\(encoded)", "/v2/models/\(encoded)/ready"] {
                    let code = try Program.curl("-o", "/dev/null", "-w", "%{http_code}", server.address + path)
                    #expect(code == "200", "\(path)")
                }
            }
            let metrics = try Program.curl(server.address + "/metrics")
            for name in Self.names {
                let label = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                let line = Array("metaserve_reload_failing{model=\"\(label)\"} 0\n".utf8)
                #expect(Data(metrics.utf8).range(of: Data(line)) != nil, "\(name)")
            }
            #expect(server.stop() == 0)
        }
    }

    @Test("a name that is composed otherwise finds the model where no other has it")
    func composed() throws {
        try withFolders(["mode\u{300}le"]) { root in
            let server = try RunningServer(root)
            let response = try Program.curl("\(server.address)/models/\(Self.encoded("mod\u{e8}le"))")
            #expect(response.contains("\"state\":\"available\""), "\(response)")
            #expect(server.stop() == 0)
        }
    }

    @Test("a prefix is a path like any other: for serve, predict and inspect, and so is each of its files")
    func prefix() throws {
        let name = "my model \u{e9}"
        try withFolders([name]) { root in
            for ending in ["/\(name)-5", "/\(name)-5.index", "/\(name)-5.data-00000-of-00001", "/checkpoint"] {
                let path = "\(root)/\(name)\(ending)"
                let predicted = try Program.run("predict", path, "--feed", "w1=13", "--feed", "w2=17")
                #expect(predicted.output.contains(#""op_to_restore:0":60.0"#), "\(predicted.errors)")
                #expect(predicted.output.contains("\"name\":\"\(name)\""), "\(predicted.output)")
                #expect(try Program.run("inspect", path).output.contains("w1"))
            }
            let server = try RunningServer("\(root)/\(name)/\(name)-5")
            #expect(try Program.curl(server.address + "/models").contains("\"name\":\"\(name)\""))
            #expect(server.stop() == 0)
        }
    }

    @Test("a folder whose name is not UTF-8 is logged, and the others are served")
    func notText() throws {
        try withFolders(["plain"]) { root in
            let bytes = Array((root + "/caf").utf8) + [0xe9, 0]
            #expect(
                bytes.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { $0.baseAddress.map { mkdir($0, 0o755) } }
                    == 0)
            let server = try RunningServer(root)
            #expect(server.log.contains("\(root)/caf\\xE9: the name is not UTF-8"), "\(server.log)")
            #expect(try Program.curl(server.address + "/models").contains("\"plain\""))
            #expect(server.stop() == 0)
        }
    }

    @Test("--follow-paths serves what a checkpoint file names elsewhere; without it the error names the switch")
    func followPaths() throws {
        try withFolders(["elsewhere"]) { root in
            #expect(mkdir(root + "/here", 0o755) == 0)
            let pointer = Array("model_checkpoint_path: \"\(root)/elsewhere/elsewhere-5\"\n".utf8)
            try RecordedSaves.write(pointer[...], to: root + "/here/checkpoint", chunk: 1 << 20) {}
            let refused = try Program.run("serve", "--port", "0", root + "/here")
            #expect(refused.status != 0)
            #expect(refused.errors.contains("use --follow-paths to serve it"), "\(refused.errors)")
            let server = try RunningServer(root + "/here", "--follow-paths")
            #expect(
                try Program.curl("-d", #"{"feeds": {"w1": 1, "w2": 2}}"#, server.address + "/predict")
                    .hasPrefix(#"{"outputs":{"op_to_restore:0":"#))
            #expect(try Program.curl(server.address + "/models").contains("\"name\":\"here\""))
            #expect(server.stop() == 0)
            let predicted = try Program.run(
                "predict", root + "/here", "--follow-paths", "--feed", "w1=13", "--feed", "w2=17")
            #expect(predicted.output.contains(#""op_to_restore:0":60.0"#), "\(predicted.errors)")
        }
    }

    @Test("another step than the one that is named is a warning: in the log, in GET /models/NAME and in inspect")
    func otherStep() throws {
        try withFolders(["m"]) { root in
            try Fixtures.write(Array("model_checkpoint_path: \"m-9\"\n".utf8), to: root + "/m/checkpoint")
            let warning = "\(root)/m/checkpoint names m-9, which is not found: using m-5"
            #expect(try Program.run("inspect", root + "/m").output.contains("\n  warning: \(warning)\n"))
            let server = try RunningServer(root)
            let lines = server.log.split(separator: "\n").filter { $0.contains(warning) }
            #expect(lines.count == 1)
            #expect(lines.first?.contains(" warning ") == true, "\(lines)")
            for path in ["/models", "/models/m"] {
                let response = try Program.curl(server.address + path)
                #expect(
                    response.contains(#""state":"available","reason":null,"warnings":["\#(warning)"]"#), "\(response)")
            }
            #expect(server.stop() == 0)
        }
    }

    @Test("an address, and a file of another kind, say what to do")
    func foreign() throws {
        let remote = try Program.run("serve", "s3://bucket/model")
        #expect(remote.errors.contains("aws s3 cp --recursive 's3://bucket/model' DIR"), "\(remote.errors)")
        let path = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString).h5"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Fixtures.write([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a], to: path)
        for command in ["serve", "predict", "inspect"] {
            let result = try Program.run(command, path)
            #expect(result.status != 0)
            #expect(result.errors.contains("\(path): is a Keras model in HDF5: export it with"), "\(result.errors)")
        }
    }
}
