import Foundation
import ServerSupport
import Testing
import VectorSupport

@Suite("metaserve serve")
struct ServeTests {
    @Test("the main job through curl, and a clean end by SIGTERM and SIGINT", arguments: [SIGTERM, SIGINT])
    func mainJob(signal: Int32) throws {
        let server = try RunningServer(
            Fixtures.package.appendingPathComponent("models").path, "--default-model", "tutorial")
        let body = #"{"feeds": {"w1:0": 13.0, "w2:0": 17.0}, "fetches": ["op_to_restore:0"]}"#
        #expect(
            try Program.curl("-d", body, server.address + "/predict")
                == #"{"outputs":{"op_to_restore:0":60.0},"model":{"name":"tutorial","step":1000}}"# + "\n")
        #expect(try Program.curl("-w", "%{http_code}", server.address + "/v2/health/ready") == "200")
        #expect(try Program.curl("-I", server.address + "/models").hasPrefix("HTTP/1.1 200"))
        #expect(try Program.curl("-o", "/dev/null", "-w", "%{http_code}", server.address + "/nope") == "404")
        #expect(server.stop(signal) == 0)
    }

    @Test("a body over the limit is answered by 413, announced or chunked, and the server lives on")
    func largeBody() throws {
        let server = try RunningServer(Fixtures.model("tutorial"), "--max-body", "1000")
        let large = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)")
        try Fixtures.write([UInt8](repeating: UInt8(ascii: " "), count: 1001), to: large.path)
        defer { try? FileManager.default.removeItem(at: large) }
        let code = ["-o", "/dev/null", "-w", "%{http_code}"]
        #expect(
            try Program.curl(
                code[0], code[1], code[2], code[3], "--data-binary", "@\(large.path)", server.address + "/predict")
                == "413")
        #expect(
            try Program.curl(
                code[0], code[1], code[2], code[3], "-H", "Transfer-Encoding: chunked", "--data-binary",
                "@\(large.path)",
                server.address + "/predict") == "413")
        let exact = #"{"feeds":{"w1":1,"w2":1}}"#
        let padded = exact + String(repeating: " ", count: 1000 - exact.utf8.count)
        #expect(try Program.curl("-d", padded, server.address + "/predict").hasPrefix(#"{"outputs":"#))
        #expect(server.stop() == 0)
    }

    @Test("the line to copy that the server shows runs, on a free port and with a socket in the file system")
    func line() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Fixtures.write(Array("secret\n".utf8), to: folder + "/tokens")
        let socket = folder + "/it's here"
        for (host, tokenFlag) in [("127.0.0.1", "--admin-token-file"), ("unix:" + socket, "--token-file")] {
            let server = try RunningServer(
                Fixtures.model("tutorial"), "--host", host, tokenFlag, folder + "/tokens")
            let reached = server.port > 0 ? [server.address] : ["--unix-socket", socket, "http://localhost"]
            let told = try Program.launch(
                "/usr/bin/curl",
                ["-s", "-H", "Authorization: Bearer secret", "-H", "Accept: application/json"] + reached)
            let response = try #require(
                try JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any])
            let line = try #require(response["try"] as? String)
            let result = try Program.launch("/bin/sh", ["-c", "TOKEN=secret; " + line])
            #expect(result.output.hasPrefix(#"{"outputs":{"op_to_restore:0":"#), "\(line): \(result.output)")
            #expect(server.stop() == 0)
        }
    }

    @Test("a port in use is told")
    func portInUse() throws {
        let server = try RunningServer(Fixtures.model("tutorial"))
        let port = try #require(server.address.split(separator: ":").last.map(String.init))
        let second = try Program.run("serve", Fixtures.model("tutorial"), "--port", port)
        #expect(second.status == 1)
        #expect(second.errors.hasSuffix("Error: port \(port) on 127.0.0.1 is in use: choose another with --port\n"))
        #expect(server.stop() == 0)
    }
}

@Suite("metaserve predict, inspect, ops")
struct CommandTests {
    @Test("predict prints the answer")
    func predict() throws {
        let result = try Program.run(
            "predict", Fixtures.model("tutorial"), "--feed", "w1:0=13", "--feed", "w2:0=[1, 2]", "--fetch",
            "op_to_restore:0")
        #expect(
            result.output == #"{"outputs":{"op_to_restore:0":[28.0,30.0]},"model":{"name":"tutorial","step":1000}}"#
                + "\n")
    }

    @Test("predict takes .npy files")
    func npy() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString).npy")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let head = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }"
        let padded = head + String(repeating: " ", count: 117 - head.utf8.count) + "\n"
        let values = [Float(1.5), -2].withUnsafeBytes { Array($0) }
        let file = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8) + values
        try Fixtures.write(file, to: path)
        let result = try Program.run("predict", Fixtures.model("tutorial"), "--feed", "w1=@\(path)", "--feed", "w2=0")
        #expect(result.output.contains(#"{"op_to_restore:0":[[3.0],[-4.0]]}"#))
        for end in stride(from: 0, to: file.count, by: 9) {
            try Fixtures.write(Array(file[..<end]), to: path)
            let cut = try Program.run("predict", Fixtures.model("tutorial"), "--feed", "w1=@\(path)", "--feed", "w2=0")
            #expect(cut.status != 0)
        }
    }

    @Test("errors say what to do")
    func errors() throws {
        let feed = try Program.run("predict", Fixtures.model("tutorial"), "--feed", "w1")
        #expect(feed.errors.hasPrefix("Error: --feed w1 has no \"=\": write NAME=VALUE, such as w1:0=13\n"))
        let name = try Program.run("predict", Fixtures.model("tutorial"), "--feed", "w9=1")
        #expect(name.status == 1)
        #expect(name.errors.contains("has no such tensor; the nearest are"))
        let folder = try Program.run("serve", "/no/such/folder")
        #expect(folder.errors == "Error: /no/such/folder: no such folder\n")
    }

    @Test("--default stands in for what is not fed; a name that no model has is an error with the nearest")
    func defaults() throws {
        let tutorial = Fixtures.model("tutorial")
        let result = try Program.run("predict", tutorial, "--default", "w2:0=3", "--feed", "w1=4")
        #expect(result.output.hasPrefix(#"{"outputs":{"op_to_restore:0":14.0}"#), "\(result.errors)")
        let models = Fixtures.package.appendingPathComponent("models").path
        let server = try RunningServer(models, "--default", "keep_prob=1", "--default", "w2=[3,4]")
        let body = #"{"feeds": {"w1": 1}}"#
        #expect(
            try Program.curl("-d", body, server.address + "/models/tutorial/predict")
                .hasPrefix(#"{"outputs":{"op_to_restore:0":[8.0,10.0]}"#))
        let described = try Program.curl(server.address + "/models/digits")
        #expect(
            described.contains(
                #"{"name":"keep_prob:0","dtype":"float32","shape":[],"source":"guessed","default":1.0,"note":"guessed: the share that dropout keeps: 1 for predictions"}"#
            ), "\(described)")
        #expect(server.stop() == 0)
        let wrong = try Program.run("serve", models, "--port", "0", "--default", "kep_prob:0=1")
        #expect(wrong.status != 0)
        #expect(
            wrong.errors.contains(
                "--default kep_prob:0: no model has this placeholder; the nearest are \"keep_prob\""),
            "\(wrong.errors)")
    }

    @Test("inspect shows variables, inputs, outputs, and what is not supported")
    func inspect() throws {
        let output = try Program.run("inspect", Fixtures.model("digits")).output
        #expect(output.contains("hidden1/weights  float32  [64,128]  0      32768"))
        #expect(output.contains("x:0          float32  [?,64]"))
        #expect(output.contains("class:0"))
        #expect(output.contains("ApplyAdam"))
        #expect(output.contains("not supported"))
    }

    @Test("help teaches")
    func help() throws {
        let output = try Program.run("--help").output
        for word in ["serve", "predict", "inspect", "curl -d"] { #expect(output.contains(word)) }
        #expect(try Program.run("serve", "--help").output.contains("--idle-timeout"))
    }
}
