import Foundation
import Glibc
import ServerSupport
import Testing
import VectorSupport

/// Many reloads, and large ones, while requests run.
@Suite("Faults of reloading", .serialized)
struct ReloadFaults {
    @Test("reloads under load lose no request, no memory and no descriptor")
    func manyReloads() throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 4)
        let reloads = Extent.of(1000, short: 12)
        var early = ProcessState(server.processIdentifier)
        var step = 1
        var isSound = true
        for reload in 1...reloads {
            step = step % folder.saves.steps.count + 1
            try folder.saves.save(step: step, in: folder.path)
            let seconds = SteppedModel.wait(forStep: step, port: server.port, seconds: 10)
            #expect(seconds != nil, "reload \(reload)")
            isSound = isSound && seconds != nil
            if reload == min(10, reloads) { early = ProcessState(server.processIdentifier) }
        }
        let tally = load.stop()
        // Clients that ended have closed their connections.
        let late = ProcessState(server.processIdentifier)
        #expect(tally.failed == 0, "\(tally.failures) \(tally.examples)")
        #expect(tally.mixed.isEmpty)
        let growth = Double(late.residentBytes - early.residentBytes) / Double(early.residentBytes) * 100
        if Extent.isFull { #expect(growth < 5) }
        #expect(late.openFiles <= early.openFiles)
        FaultReport.note(
            13, "\(reloads) reloads under load",
            "\(tally.answered) responses, \(tally.failed) failed, \(tally.mixed.count) mixed; resident memory "
                + "\(early.residentBytes >> 20) MB after 10 reloads, \(late.residentBytes >> 20) MB at the end "
                + String(format: "(%+.1f %%)", growth) + "; descriptors \(early.openFiles), then \(late.openFiles)",
            passed: isSound && tally.failed == 0 && tally.mixed.isEmpty && growth < 5
                && late.openFiles <= early.openFiles)
    }

    @Test(
        "a large model is reloaded beside requests that hardly notice",
        .enabled(if: Extent.isFull && TensorFlow.python != nil, "needs TensorFlow, which make test-faults brings"))
    func largeReloads() throws {
        let store = NSTemporaryDirectory() + "metaserve-large-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: store) }
        for name in ["saved", "served"] {
            try FileManager.default.createDirectory(atPath: "\(store)/\(name)", withIntermediateDirectories: true)
        }
        let script = Fixtures.package.appendingPathComponent("Tests/FaultTests/large_model.py").path
        let made = try Program.launch(try #require(TensorFlow.python), [script, store + "/saved", "100", "2"])
        try #require(made.status == 0, "\(made.errors)")
        try Self.link(1, from: store + "/saved", to: store + "/served")
        let server = try RunningServer(store + "/served")
        let body = #"{"feeds": {"x": [[1, 1, 1, 1, 1, 1, 1, 1]]}, "fetches": ["y"]}"#
        let load = try LoadGenerator(
            port: server.port, clients: 4, body: body, pauseMicroseconds: 2000, isChecked: false)
        sleep(2)
        _ = load.take()
        // Quiet and busy times alternate, so that other load of the machine affects both.
        var quiet: [UInt64] = []
        var busy: [UInt64] = []
        var reloads = 0
        var failed = 0
        for round in 0..<6 {
            sleep(10)
            let still = load.take()
            quiet += still.latencies
            for turn in 0..<5 {
                reloads += 1
                try Self.link(1 + (round + turn + 1) % 2, from: store + "/saved", to: store + "/served")
                sleep(2)
            }
            let moved = load.take()
            busy += moved.latencies
            failed += still.failed + moved.failed
        }
        failed += load.stop().failed
        let loads = server.log.components(separatedBy: " loaded").count - 2
        let before = LoadGenerator.Tally.milliseconds(quiet, at: 0.99)
        let during = LoadGenerator.Tally.milliseconds(busy, at: 0.99)
        #expect(failed == 0)
        FaultReport.note(
            14,
            "a model of 100 MB saved again every 2 s (\(reloads) times) beside \(quiet.count + busy.count) requests",
            String(
                format:
                    "\(loads) loads, \(failed) failed; 99th percentile %.2f ms without reloads, %.2f ms with (%.2f times)",
                before, during, during / before), passed: failed == 0 && during <= 1.2 * before)
    }

    /// Puts a save into a folder, by hard links under new names that are renamed, and `checkpoint` last.
    static func link(_ step: Int, from: String, to: String) throws {
        for suffix in ["data-00000-of-00001", "index", "meta"] {
            try? FileManager.default.removeItem(atPath: "\(to)/model-\(step).\(suffix)")
            try FileManager.default.linkItem(
                atPath: "\(from)/model-\(step).\(suffix)", toPath: "\(to)/model-\(step).\(suffix)")
        }
        try Fixtures.write(Array("model_checkpoint_path: \"model-\(step)\"\n".utf8), to: to + "/checkpoint.tmp")
        rename(to + "/checkpoint.tmp", to + "/checkpoint")
    }
}
