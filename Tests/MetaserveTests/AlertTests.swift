import Foundation
import ServerSupport
import Testing
import VectorSupport

private let alerts = Fixtures.package.appendingPathComponent("deploy/alerts.yaml")

/// `promtool` of the Debian package `prometheus`.
private let promtool = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/promtool" }.first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite("Alerts")
struct AlertTests {
    @Test(
        "every alert fires for what it is for, and for nothing else",
        .enabled(if: promtool != nil, "promtool is not there: make test-clients installs it"))
    func rules() throws {
        let program = try #require(promtool)
        let checked = try Program.launch(program, ["check", "rules", alerts.path])
        #expect(checked.status == 0, "\(checked.output)\(checked.errors)")
        let tests = Fixtures.package.appendingPathComponent("deploy/alerts_test.yaml")
        let result = try Program.launch(program, ["test", "rules", tests.path])
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        let text = try String(contentsOf: tests, encoding: .utf8)
        for alert in try String(contentsOf: alerts, encoding: .utf8).matches(of: /alert: (\w+)/) {
            #expect(
                text.contains("        alertname: \(alert.1)\n        exp_alerts:\n"), "no test has \(alert.1) fire")
            #expect(text.contains("alertname: \(alert.1), exp_alerts: []"), "no test has \(alert.1) be silent")
        }
    }

    @Test("docs/metrics.md shows the alerts as they are deployed")
    func documented() throws {
        let document = try String(
            contentsOf: Fixtures.package.appendingPathComponent("docs/metrics.md"), encoding: .utf8)
        #expect(document.contains("```yaml\n\(try String(contentsOf: alerts, encoding: .utf8))```\n"))
    }

    @Test("alerts ask for metrics that there are, with labels that they have")
    func metrics() throws {
        let server = try RunningServer(Fixtures.model("tutorial"))
        _ = try Program.curl("-d", #"{"feeds":{"w1":1,"w2":1}}"#, server.address + "/predict")
        let response = try Program.curl(server.address + "/metrics")
        let text = try String(contentsOf: alerts, encoding: .utf8)
        let wanted = Set(text.matches(of: /\b(?:metaserve|process)_[a-z_]+/).map { String($0.0) })
        #expect(wanted.count > 5)
        for name in wanted { #expect(response.contains(try Regex("(?m)^\(name)[ {]")), "\(name)") }
        for label in ["phase=\"queue\"", "phase=\"run\"", "version=\"1000\"", "status=\"200\""] {
            #expect(response.contains(label))
        }
        #expect(server.stop() == 0)
    }
}
