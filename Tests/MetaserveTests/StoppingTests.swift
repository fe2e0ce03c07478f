import Foundation
import ServerSupport
import Testing
import VectorSupport

@Suite("Starting and stopping")
struct StoppingTests {
    private func status(_ address: String, _ path: String, _ more: String...) throws -> String {
        try Program.launch(
            "/usr/bin/curl", ["-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", address + path] + more
        ).output
    }

    @Test("ready turns 503 at once, all else is answered until the delay is over, and the end is clean")
    func drainDelay() throws {
        let server = try RunningServer(Fixtures.model("tutorial"), "--drain-delay", "3")
        #expect(try status(server.address, "/v2/health/ready") == "200")
        server.send(SIGTERM)
        var ready = "200"
        for _ in 0..<100 where ready == "200" { ready = try status(server.address, "/v2/health/ready") }
        #expect(ready == "503")
        #expect(try status(server.address, "/v2/health/live") == "200")
        #expect(try status(server.address, "/predict", "-d", #"{"feeds":{"w1":1,"w2":1}}"#) == "200")
        #expect(server.wait() == 0)
        #expect(server.log.contains("stopped"))
    }

    @Test("a second signal ends it at once", arguments: [SIGTERM, SIGINT])
    func secondSignal(number: Int32) throws {
        let server = try RunningServer(
            Fixtures.model("tutorial"), "--drain-delay", "3600", "--drain-timeout", "3600")
        server.send(SIGTERM)
        while !server.log.contains("stopping") { usleep(10_000) }
        // What comes within a tenth of a second is the same signal.
        usleep(200_000)
        #expect(server.stop(number) == 128 + number)
    }

    /// A product of two matrices, which is one kernel.
    private static let product = """
        node { name: "size" op: "Placeholder" attr { key: "dtype" value { type: DT_INT32 } }
          attr { key: "shape" value { shape { dim { size: 2 } } } } }
        node { name: "one" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
          attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 1 } } } }
        node { name: "ones" op: "Fill" input: "size" input: "one" attr { key: "T" value { type: DT_FLOAT } }
          attr { key: "index_type" value { type: DT_INT32 } } }
        node { name: "product" op: "MatMul" input: "ones" input: "ones" attr { key: "T" value { type: DT_FLOAT } } }
        node { name: "out" op: "Shape" input: "product" attr { key: "T" value { type: DT_FLOAT } } }
        """

    @Test("a run that cannot be interrupted is left behind at drain-timeout, and its client is told")
    func longKernel() throws {
        let folder = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString)/product"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: (folder as NSString).deletingLastPathComponent) }
        try Fixtures.write(Array(Self.product.utf8), to: folder + "/product.pbtxt")
        let server = try RunningServer(folder, "--drain-timeout", "0.5", "--threads", "1")
        #expect(
            try Program.curl("-d", #"{"feeds":{"size":[2,2]},"fetches":["out"]}"#, server.address + "/predict")
                .hasPrefix(#"{"outputs":{"out":[2,2]}"#))
        let client = Process()
        client.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        client.arguments = [
            "-s", "-m", "60", "-w", " %{http_code}", "-d", #"{"feeds":{"size":[6000,6000]},"fetches":["out"]}"#,
            server.address + "/predict",
        ]
        let response = Pipe()
        client.standardOutput = response
        try client.run()
        let isRunning = "requests_in_flight{model=\"product\"} 1"
        var looks = 0
        while looks < 1000, try !Program.curl(server.address + "/metrics").contains(isRunning) { looks += 1 }
        #expect(server.stop() == 1)
        let text = String(decoding: response.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(text == "{\"error\":\"the server is stopping: send the request again\"}\n 503")
        #expect(
            server.log.contains("stopped before all requests were completed: raise --drain-timeout"), "\(server.log)")
    }

    @Test("signals to a process and to its group are one signal: it ends as after one")
    func twoAtOnce() throws {
        let server = try RunningServer(Fixtures.model("tutorial"), "--drain-delay", "1")
        server.send(SIGTERM)
        server.send(SIGINT)
        server.send(SIGTERM)
        #expect(server.wait() == 0)
        #expect(server.log.contains("stopped"))
    }

    @Test("SIGHUP ends nothing: not while models are loaded, not while requests are served, not while it stops")
    func hangUp() throws {
        let folder = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Opening a pipe for reading waits for a writer.
        mkfifo(folder + "/checkpoint", 0o600)
        let log = folder + "/log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = [
            "serve", folder, Fixtures.model("tutorial"), "--port", "0", "--log-level", "debug", "--drain-delay", "1",
            "--wait-for-models",
        ]
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        func wait(for text: String) throws {
            while true {
                let lines = try String(contentsOfFile: log, encoding: .utf8)
                if lines.contains(text) { return }
                try #require(process.isRunning, "\(lines)")
                usleep(10_000)
            }
        }
        try process.run()
        try wait(for: "starting")
        kill(process.processIdentifier, SIGHUP)
        usleep(100_000)
        #expect(process.isRunning)
        let writer = open(folder + "/checkpoint", O_WRONLY)
        unlink(folder + "/checkpoint")
        close(writer)
        try wait(for: "listening")
        // What came before there was anything to be read again is not forgotten.
        try wait(for: "SIGHUP: reading")
        kill(process.processIdentifier, SIGTERM)
        try wait(for: "stopping")
        kill(process.processIdentifier, SIGHUP)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test("a signal while models are being loaded ends it")
    func loading() throws {
        // So many models that the signal comes long before the last one is loaded.
        let folder = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for number in 0..<400 {
            try FileManager.default.copyItem(atPath: Fixtures.model("tutorial"), toPath: "\(folder)/m\(number)")
        }
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = ["serve", folder, "--port", "0", "--log-level", "debug"]
        process.standardError = errors
        try process.run()
        var log = ""
        while !log.contains("starting") {
            let data = errors.fileHandleForReading.availableData
            try #require(!data.isEmpty, "\(log)")
            log += String(decoding: data, as: UTF8.self)
        }
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        log += String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(log.contains("stopped before serving"), "\(log)")
    }

    @Test("a file of settings serves; a public address without tokens is warned of; tokens admit")
    func settings() throws {
        let folder = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let config = folder + "/metaserve.yaml"
        try Fixtures.write(
            Array(
                """
                host: 0.0.0.0
                log-format: json
                models:
                  adder:
                    path: \(Fixtures.model("tutorial"))
                    defaults: {w2: 5}
                """.utf8), to: config)
        // The tests' server looks for the address in text.
        let open = try RunningServer("--config", config, "--log-format", "text")
        #expect(open.log.contains("listens on 0.0.0.0 without a token file"))
        let answer = try Program.curl("-d", #"{"feeds":{"w1":1}}"#, open.address + "/models/adder/predict")
        #expect(answer.hasPrefix(#"{"outputs":{"op_to_restore:0":12.0}"#), "\(answer)")
        #expect(open.stop() == 0)

        try Fixtures.write(Array("secret\n".utf8), to: folder + "/tokens")
        let guarded = try RunningServer(
            "--config", config, "--log-format", "text", "--token-file", folder + "/tokens")
        #expect(!guarded.log.contains("without a token file"))
        #expect(try status(guarded.address, "/models") == "401")
        #expect(try status(guarded.address, "/models", "-H", "Authorization: Bearer secret") == "200")
        #expect(guarded.stop() == 0)
    }

    @Test("settings that cannot be used are told")
    func mistakes() throws {
        let nothing = try Program.run("serve")
        #expect(
            nothing.errors.contains("give the path of a model folder, or of a folder of model folders, or --config"))
        let tokens = try Program.run("serve", Fixtures.model("tutorial"), "--token-file", "/no/such")
        #expect(tokens.status == 1)
        #expect(tokens.errors.hasSuffix("Error: /no/such: no such file\n"), "\(tokens.errors)")
        let flag = try Program.run("serve", Fixtures.model("tutorial"), "--port", "x", "--max-batch", "0")
        #expect(
            flag.errors == """
                Error: --port: expected an integer from 0 to 65535, found x
                --max-batch: expected an integer from 1 to 4096, found 0

                """)
    }

    @Test("compressed requests and answers over HTTP")
    func compression() throws {
        let server = try RunningServer(Fixtures.model("digits"))
        let row = "[" + Array(repeating: "0.5", count: 64).joined(separator: ",") + "]"
        let body = #"{"feeds":{"x":[\#(Array(repeating: row, count: 100).joined(separator: ","))],"keep_prob":1}}"#
        let path = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString)"
        defer { for suffix in ["", ".gz"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        try Fixtures.write(Array(body.utf8), to: path)
        _ = try Program.launch("/usr/bin/gzip", ["-k", path])
        let plain = try Program.curl("--data-binary", "@\(path)", server.address + "/predict")
        #expect(plain.hasPrefix(#"{"outputs":"#))
        for coding in ["gzip", "deflate"] {
            let headers = try Program.curl(
                "-D", "-", "-o", "/dev/null", "-H", "Accept-Encoding: \(coding)", "-H", "Content-Encoding: gzip",
                "--data-binary", "@\(path).gz", server.address + "/predict")
            #expect(headers.contains("Content-Encoding: \(coding)\r\n"), "\(headers)")
            let response = try Program.curl(
                "--compressed", "-H", "Accept-Encoding: \(coding)", "-H", "Content-Encoding: gzip", "--data-binary",
                "@\(path).gz", server.address + "/predict")
            #expect(response == plain)
        }
        #expect(server.stop() == 0)
    }
}
