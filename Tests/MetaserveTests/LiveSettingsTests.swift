import Foundation
import ServerSupport
import Testing
import VectorSupport

@Suite("Settings that change while the server runs")
struct LiveSettingsTests {
    /// A folder with a file of settings, a copy of a model, and a running server.
    private final class Trial {
        let folder = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString)"
        var config: String { folder + "/settings.yaml" }
        let server: RunningServer

        init(_ text: String, _ arguments: String...) throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let config = folder + "/settings.yaml"
            try Fixtures.write(Array(text.replacing("FOLDER", with: folder).utf8), to: config)
            try Fixtures.write(Array("first\n".utf8), to: folder + "/tokens")
            try Fixtures.write(Array("second\n".utf8), to: folder + "/others")
            server = try RunningServer(arguments: ["--config", config] + arguments)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        /// Replaces the file of settings.
        func write(_ text: String) throws {
            try Fixtures.write(Array(text.replacing("FOLDER", with: folder).utf8), to: config + ".new")
            rename(config + ".new", config)
        }

        func status(_ path: String, _ more: String...) throws -> String {
            try Program.launch(
                "/usr/bin/curl",
                ["-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", server.address + path] + more
            ).output
        }

        /// Waits until something is so.
        func wait(until isSo: () throws -> Bool) throws -> Bool {
            for _ in 0..<600 {
                if try isSo() { return true }
                usleep(50_000)
            }
            return false
        }

        func wait(forLog text: String) throws -> Bool { try wait { server.log.contains(text) } }
    }

    private static let digits = Fixtures.model("digits")
    private static let tutorial = Fixtures.model("tutorial")

    @Test(
        "models come and go, shares, labels and limits change, and what needs a restart is named",
        arguments: [false, true])
    func models(byHangUp: Bool) throws {
        let trial = try Trial(
            """
            models:
              digits: {path: \(Self.digits), versions: [300, 3000], labels: {stable: 300, canary: 3000}, split: {stable: 100}}
            """, "--max-batch", "7")
        let server = trial.server
        #expect(try trial.status("/models/tutorial") == "404")
        #expect(try Program.curl(server.address + "/metrics").contains("metaserve_queue_limit{model=\"digits\"} 256\n"))
        try trial.write(
            """
            port: 1
            threads: 3
            max-queue: 9
            max-batch: 5
            models:
              tutorial: \(Self.tutorial)
              digits: {path: \(Self.digits), versions: [300, 3000], labels: {stable: 3000}, split: {stable: 100}, max-queue: 4}
            """)
        if byHangUp { server.send(SIGHUP) }
        #expect(
            try trial.wait {
                try trial.status("/models/tutorial/predict", "-d", #"{"feeds":{"w1":1,"w2":1}}"#) == "200"
            })
        let metrics = try Program.curl(server.address + "/metrics")
        #expect(metrics.contains("metaserve_queue_limit{model=\"digits\"} 4\n"))
        #expect(metrics.contains("metaserve_queue_limit{model=\"tutorial\"} 9\n"))
        #expect(metrics.contains("metaserve_version_share_ratio{model=\"digits\",version=\"3000\"} 1.0\n"))
        #expect(metrics.contains("metaserve_label_version{model=\"digits\",label=\"stable\"} 3000\n"))
        #expect(!metrics.contains("label=\"canary\""))
        let log = server.log
        #expect(log.contains("warning setting changed, effective after a restart of the server key=threads new=3 old="))
        #expect(log.contains("notice setting changed key=max-queue new=9 old=256\n"))
        #expect(log.contains("notice setting changed key=max-queue model=digits new=4 old=\"as for all models\"\n"))
        #expect(log.contains("notice model added to the settings model=tutorial\n"))
        // A flag wins, now as at the start.
        #expect(!log.contains("key=max-batch") && !log.contains("key=port"))
        try trial.write("models: {tutorial: \(Self.tutorial)}")
        if byHangUp { server.send(SIGHUP) }
        #expect(try trial.wait { try trial.status("/models/digits") == "404" })
        #expect(try trial.status("/models/tutorial") == "200")
        #expect(server.stop() == 0)
    }

    @Test("a wrong file changes nothing, and is logged with its lines")
    func mistakes() throws {
        let trial = try Trial("models: {tutorial: \(Self.tutorial)}")
        for (text, complaint) in [
            ("max-queue: 0\nmodles: {}\n", "settings.yaml:1: expected an integer from 1 to 1000000, found 0\n"),
            ("models: [", "settings.yaml:2: not valid YAML: did not find expected node content\n"),
            (
                "models: {tutorial: \(Self.tutorial), other: /no/such}\n",
                "settings.yaml:1: /no/such: no such file or folder\n"
            ),
            ("models:\n  tutorial: \(Self.tutorial)\n  x: {labels: {a: 1}}\n", "model \"x\" has no path"),
            (
                "models:\n  tutorial:\n    path: \(Self.tutorial)\n    defaults: {w9: 1}\n",
                "settings.yaml:4: model \"tutorial\" has no placeholder \"w9\""
            ),
            ("token-file: /no/such\nmodels: {tutorial: \(Self.tutorial)}", "/no/such: no such file\n"),
        ] {
            try trial.write(text)
            #expect(
                try trial.wait { trial.server.log.contains(complaint) }, "\(complaint)")
        }
        #expect(trial.server.log.contains("settings.yaml:2: unknown key \"modles\"; the nearest are \"models\"\n"))
        // A file that is gone changes nothing, either.
        unlink(trial.config)
        #expect(try trial.wait(forLog: "settings.yaml: no such file\n"))
        #expect(try trial.status("/models/tutorial/predict", "-d", #"{"feeds":{"w1":1,"w2":1}}"#) == "200")
        #expect(!trial.server.log.contains("setting changed"))
        #expect(trial.server.stop() == 0)
    }

    @Test("tokens, log levels, defaults and the time for draining change with the file")
    func others() throws {
        let trial = try Trial("token-file: FOLDER/tokens\nmodels: {tutorial: \(Self.tutorial)}")
        let (first, second) = (["-H", "Authorization: Bearer first"], ["-H", "Authorization: Bearer second"])
        #expect(try trial.status("/models", first[0], first[1]) == "200")
        #expect(try trial.status("/models", second[0], second[1]) == "401")
        try trial.write(
            """
            token-file: FOLDER/others
            log-level: warning
            drain-delay: 3600
            drain-timeout: 3600
            models: {tutorial: {path: \(Self.tutorial), defaults: {w2: 5}}}
            """)
        #expect(try trial.wait { try trial.status("/models", second[0], second[1]) == "200" })
        #expect(try trial.status("/models", first[0], first[1]) == "401")
        #expect(
            try trial.wait {
                try trial.status("/predict", "-d", #"{"feeds":{"w1":1}}"#, second[0], second[1]) == "200"
            })
        // The level is high by now: that the server stops is not logged, nor does it stop while it drains.
        trial.server.send(SIGTERM)
        #expect(try trial.wait { try trial.status("/v2/health/ready") == "503" })
        #expect(!trial.server.log.contains("stopping"))
        usleep(200_000)
        #expect(trial.server.stop() == 128 + SIGTERM)
    }

    @Test("SIGHUP opens the access log again: it can be rotated")
    func rotation() throws {
        let trial = try Trial("models: {tutorial: \(Self.tutorial)}\naccess-log: FOLDER/access.log")
        let path = trial.folder + "/access.log"
        #expect(try trial.status("/before") == "404")
        #expect(try trial.wait { try String(contentsOfFile: path, encoding: .utf8).contains("/before") })
        rename(path, path + ".1")
        trial.server.send(SIGHUP)
        #expect(try trial.wait { FileManager.default.fileExists(atPath: path) })
        #expect(try trial.status("/after") == "404")
        #expect(try trial.wait { try String(contentsOfFile: path, encoding: .utf8).contains("/after") })
        let line = try String(contentsOfFile: path, encoding: .utf8)
        #expect(line.contains(#""client":"127.0.0.1""#), "\(line)")
        let old = try String(contentsOfFile: path + ".1", encoding: .utf8)
        #expect(!old.contains("/after"))
        #expect(trial.server.stop() == 0)
    }

    @Test("an address that stands for all is logged as that, with how it is reached; who unloads a model is logged")
    func seenInLog() throws {
        let trial = try Trial(
            "host: 0.0.0.0\nadmin-token-file: FOLDER/tokens\nmodels: {tutorial: \(Self.tutorial)}")
        let log = trial.server.log
        #expect(log.contains(" info listening address=http://0.0.0.0:\(trial.server.port) elsewhere=http://"))
        #expect(log.contains(" here=http://localhost:\(trial.server.port) threads="))
        for verb in ["unload", "load"] {
            #expect(
                try trial.status(
                    "/v2/repository/models/tutorial/\(verb)", "-X", "POST", "-H", "Authorization: Bearer first")
                    == "200")
        }
        for verb in ["unloaded", "loaded"] {
            #expect(
                trial.server.log.contains(
                    "notice \(verb) by request by=\"an administrator at 127.0.0.1\" model=tutorial\n"))
        }
        #expect(trial.server.stop() == 0)
    }
}
