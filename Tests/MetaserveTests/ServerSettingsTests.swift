import API
import ArgumentParser
import Foundation
import Logging
import ServerSupport
import Serving
import Settings
import Testing
import VectorSupport

@testable import metaserve

/// Calls `body` with the path of a file of that text.
private func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString).yaml"
    try Fixtures.write(Array(text.utf8), to: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

@Suite("Settings of the server")
struct ServerSettingsTests {
    private static let complete = """
        host: 0.0.0.0
        port: 9000
        threads: 3
        tls-cert: /c.pem
        tls-key: /k.pem
        nan: "null"
        default-model: digits
        defaults: {keep_prob: 1, w: [1, 2.5], s: "x", t: true}
        cors-origin: ["https://example.com", "*"]
        access-log: "-"
        models:
          digits: /models/digits
          tutorial:
            path: /models/tutorial
            versions: [1000, 2000]
            labels: {stable: 1000, canary: 2000}
            split: {stable: 90, canary: 10}
            max-queue: 7
            max-batch: 1
            batch-delay: 2.5
            timeout: 0
            log-level: debug
            defaults: {keep_prob:0: 0.5}

        """

    @Test("a file sets what it says, and flags win")
    func reading() throws {
        try withFile(Self.complete) { path in
            let settings = try ServerSettings(
                file: path, flags: [("port", ["9001"]), ("host", []), ("nan", ["error"])])
            #expect(settings.host == "0.0.0.0")
            #expect(settings.port == 9001)
            #expect(settings.nan == .error)
            #expect(settings.threads == 3)
            #expect(settings.maxConnections == 10_000)
            #expect(settings.corsOrigins == ["https://example.com", "*"])
            #expect(settings.defaults.isShared)
            #expect(settings.defaults.values.keys.sorted() == ["keep_prob", "s", "t", "w"])
            #expect(settings.models["digits"]?.path == "/models/digits")
            let tutorial = try #require(settings.models["tutorial"])
            #expect(tutorial.versions == .numbers([1000, 2000]))
            #expect(tutorial.labels == ["stable": .number(1000), "canary": .number(2000)])
            #expect(tutorial.split == ["stable": 90, "canary": 10])
            #expect(tutorial.maxQueue == 7)
            #expect(tutorial.maxBatch == 1)
            #expect(tutorial.batchDelayMilliseconds == 2.5)
            #expect(tutorial.timeoutSeconds == 0)
            #expect(tutorial.logLevel == "debug")
            #expect(tutorial.defaults.values.keys.sorted() == ["keep_prob:0"])
        }
    }

    @Test("the settings in effect are a file that says the same")
    func roundTrip() throws {
        let text = try withFile(Self.complete) { try ServerSettings(file: $0).yaml() }
        #expect(try withFile(text) { try ServerSettings(file: $0).yaml() } == text)
        #expect(text.contains("\n  tutorial:\n    path: /models/tutorial\n    versions: [1000, 2000]\n"))
        #expect(try withFile("nan: null") { try ServerSettings(file: $0).nan } == .null)
        #expect(try withFile("") { try ServerSettings(file: $0).yaml() } == ServerSettings().yaml())
    }

    @Test(
        "what does not fit together is told",
        arguments: [
            ("tls-cert: /c.pem", "1: tls-cert needs tls-key"),
            ("tls-key: /k.pem", "1: tls-key needs tls-cert"),
            ("drain-delay: 31", "1: drain-delay 31 is longer than drain-timeout 30, which includes it"),
            ("host: unix:socket", "1: expected unix:/PATH with a full path, found unix:socket"),
            (
                "cors-origin: example.com",
                "1: expected an origin, such as https://example.com, or *, found \"example.com\""
            ),
            (
                "models:\n  m: {versions: all, labels: {a: 1}, split: {a: 99}}",
                "2: expected a sum of 100 per cent, found 99"
            ),
            (
                "models:\n  m: {versions: all, labels: {stable: 1}, split: {stabel: 100}}",
                "2: there is no label \"stabel\"; the nearest are \"stable\""
            ),
            (
                "models:\n  m: {versions: newest}",
                "2: expected latest, latest:N, all or a list of numbers, found newest"
            ),
            (
                "versions: []",
                "1: expected latest, latest:N, all or a list of numbers, found a list"
            ),
            ("models:\n  m: {max-bach: 1}", "2: unknown key \"max-bach\"; the nearest are \"max-batch\""),
            ("models:\n  a/b: /m", "2: expected a model name that is not empty and has no \"/\", found \"a/b\""),
            ("max-batch: 0", "1: expected an integer from 1 to 4096, found 0"),
            ("timeout: -1", "1: expected seconds from 0 to 86400, found -1"),
            ("timout: 1", "1: unknown key \"timout\"; the nearest are \"timeout\""),
        ])
    func mistakes(yaml: String, message: String) throws {
        try withFile(yaml) { path in
            let error = #expect(throws: SettingsError.self) { try ServerSettings(file: path) }
            #expect(error?.description == "\(path):\(message)")
        }
    }

    @Test("mistakes in the file and in flags are told together")
    func all() throws {
        try withFile("port: x\nhosts: y") { path in
            let error = #expect(throws: SettingsError.self) {
                try ServerSettings(file: path, flags: [("timeout", ["soon"]), ("tls-cert", ["/c"])])
            }
            #expect(
                error?.description == """
                    \(path):1: expected an integer from 0 to 65535, found x
                    \(path):2: unknown key "hosts"; the nearest are "host"
                    --timeout: expected seconds from 0 to 86400, found soon
                    --tls-cert: tls-cert needs tls-key
                    """)
        }
    }

    @Test("every setting but models is a flag, and a flag of another name is none")
    func flags() throws {
        let flags = try ServeFlags.parse([])
        let keys = Set(ServerSettings.settings.map(\.key))
        #expect(Set(flags.given.map(\.key)) == keys.subtracting(["models", "defaults"]))
        let help = ServeFlags.helpMessage(columns: 200)
        for key in keys.subtracting(["models", "defaults"]) { #expect(help.contains("--\(key)"), "\(key)") }
        let settings = try ServeFlags.parse(
            ["--default", "a=1", "--admin-token", "/t", "--cors-origin", "*", "--wait-for-models"]
        ).settings(file: nil)
        #expect(settings.defaults.values.keys.sorted() == ["a"])
        #expect(settings.adminTokenFile == "/t")
        #expect(settings.waitsForModels)
        #expect(settings.corsOrigins == ["*"])
    }

    @Test("a model's levels of log lines are those of the log")
    func logLevels() {
        #expect(
            ModelSettings.Limits.logLevel.expected
                == "trace, debug, info, notice, warning, error or critical")
        #expect(
            Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                == "trace, debug, info, notice, warning, error, critical")
    }

    @Test(
        "addresses that others cannot reach", arguments: ["127.0.0.1", "127.1.2.3", "localhost", "::1", "unix:/run/s"])
    func local(host: String) {
        var settings = ServerSettings()
        settings.host = host
        #expect(settings.isLocal)
    }

    @Test("addresses that others can reach", arguments: ["0.0.0.0", "::", "10.0.0.1", "example.com"])
    func notLocal(host: String) {
        var settings = ServerSettings()
        settings.host = host
        #expect(!settings.isLocal)
    }

    @Test("docs/configuration.md lists every setting as the program has it")
    func documented() throws {
        let document = try String(
            contentsOf: Fixtures.package.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        let rows = document.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
        let server = ServerSettings.settings.map { Self.row($0, flag: Self.flag(of: $0.key)) }
        let models = ModelSettings.settings.map { Self.row($0) }
        #expect(rows == server + models, "the rows should be:\n\((server + models).joined(separator: "\n"))")
    }

    private static func flag(of key: String) -> String {
        switch key {
        case "models": "PATH..."
        case "defaults": "`--default`"
        case "admin-token-file": "`--admin-token-file`, `--admin-token`"
        default: "`--\(key)`"
        }
    }

    private static func row<Group>(_ setting: Setting<Group>, flag: String? = nil) -> String {
        let cells =
            ["`\(setting.key)`"] + (flag.map { [$0] } ?? []) + [
                setting.expected, setting.standard, setting.effect.rawValue, setting.help,
            ]
        return "| " + cells.joined(separator: " | ") + " |"
    }
}

@Suite("metaserve check-config")
struct CheckConfigTests {
    @Test("prints the settings in effect, or all mistakes")
    func command() throws {
        try withFile("port: 1\n") { path in
            let result = try Program.run("check-config", path)
            #expect(result.status == 0)
            #expect(result.output.contains("\nport: 1\n"))
        }
        try withFile("port: x\nprot: 1\n") { path in
            let result = try Program.run("check-config", path)
            #expect(result.status == 1)
            #expect(
                result.errors == """
                    \(path):1: expected an integer from 0 to 65535, found x
                    \(path):2: unknown key "prot"; the nearest are "port"

                    """)
            let served = try Program.run("serve", "--config", path)
            #expect(served.status == 1)
            #expect(served.errors.hasPrefix("Error: \(path):1: expected an integer"))
        }
        #expect(try Program.run("check-config", "/no/such").errors == "/no/such: no such file\n")
    }

    @Test("the documented example is right")
    func example() throws {
        let document = try String(
            contentsOf: Fixtures.package.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        let blocks = document.components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        #expect(!blocks.isEmpty)
        let example = try #require(blocks.first)
        try withFile(example) { path in
            let settings = try ServerSettings(file: path)
            #expect(!settings.models.isEmpty)
        }
    }
}

@Suite("Log lines")
struct LogLineTests {
    private final class Lines: @unchecked Sendable {
        // Safety: used by one thread.
        var text = ""
    }

    @Test("models have levels of their own, which may change, and JSON is JSON")
    func lines() throws {
        let lines = Lines()
        let levels = LogLevels(.warning, models: ["m": .debug, "n": .error])
        var logger = Logger(label: "x") { _ in LogLines(levels, format: .json) { lines.text += $0 } }
        logger.info("no")
        logger.debug("yes \"1\"", metadata: ["model": "m", "a": "b\n"])
        logger.warning("no", metadata: ["model": "n"])
        logger[metadataKey: "model"] = "n"
        logger.error("yes 2")
        levels.set(.error, models: ["n": .info])
        logger.info("yes 3")
        logger.debug("no", metadata: ["model": "m"])
        logger.warning("no", metadata: ["model": "m"])
        let objects = try lines.text.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: String])
        }
        #expect(objects.map { $0["message"] } == ["yes \"1\"", "yes 2", "yes 3"])
        #expect(objects.map { $0["level"] } == ["debug", "error", "info"])
        #expect(objects.map { $0["a"] } == ["b\n", nil, nil])
        #expect(objects.map { $0["model"] } == ["m", "n", "n"])
    }

    private static let metadata: Logger.Metadata = [
        "ms": .stringConvertible(5), "share": .stringConvertible(0.25), "nan": .stringConvertible(Double.nan),
        "done": .stringConvertible(true), "path": "/a b/\"c\"", "word": "http://0.0.0.0:8501",
        "list": [.stringConvertible(1), "two"], "empty": "",
    ]

    @Test(
        "a line of text begins with time, level and message; then come keys and values, in quotes where they need them")
    func text() {
        let lines = Lines()
        let logger = Logger(label: "x") { _ in LogLines(LogLevels(.info), format: .text) { lines.text += $0 } }
        logger.notice("model\nloaded", metadata: Self.metadata)
        let words = lines.text.split(separator: " ", maxSplits: 1).map(String.init)
        #expect(words[0].count == 24)
        #expect(
            words[1] == #"notice model\nloaded done=true empty="" list="[1,\"two\"]" ms=5 nan=nan "#
                + #"path="/a b/\"c\"" share=0.25 word=http://0.0.0.0:8501"# + "\n")
    }

    @Test("a name from a file ends no line of text, and moves no cursor")
    func hostileNames() {
        let lines = Lines()
        let logger = Logger(label: "x") { _ in LogLines(LogLevels(.info), format: .text) { lines.text += $0 } }
        let name = "a\n2026 error forged\u{1b}[2J\u{9b}2J\u{2028}\u{7f}\r\0"
        logger.notice("model \(name)", metadata: ["path": .string(name)])
        #expect(lines.text.split(separator: "\n").count == 1)
        #expect(
            lines.text.unicodeScalars.dropLast().allSatisfy {
                $0.properties.generalCategory != .control && $0 != "\u{2028}"
            })
        #expect(lines.text.contains(#"\n2026 error forged\u001b[2J\u009b2J\u2028\u007f\r\u0000"#), "\(lines.text)")
    }

    @Test("in JSON numbers are numbers and truths are truths")
    func numbers() throws {
        let lines = Lines()
        let logger = Logger(label: "x") { _ in LogLines(LogLevels(.info), format: .json) { lines.text += $0 } }
        logger.notice("loaded", metadata: Self.metadata)
        #expect(
            lines.text.hasSuffix(
                #""level":"notice","message":"loaded","done":true,"empty":"","list":[1,"two"],"ms":5,"nan":"nan","#
                    + #""path":"/a b/\"c\"","share":0.25,"word":"http://0.0.0.0:8501"}"# + "\n"), "\(lines.text)")
    }
}
