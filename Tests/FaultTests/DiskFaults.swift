import Foundation
import Glibc
import ServerSupport
import Testing
import VectorSupport

/// A disk with served files that fails on demand: `broken_disk.py` behind a folder.
private final class BrokenDisk {
    /// A Python with mfusepy; nil if none is named, or no file system can be mounted.
    static let python = ProcessInfo.processInfo.environment["METASERVE_FUSE"].flatMap { path in
        access("/dev/fuse", R_OK | W_OK) == 0 ? path : nil
    }

    /// The mount point.
    let path: String
    private let faultPath: String
    private let process = Process()

    /// - Parameter folder: The contents of the disk.
    /// - Throws: An error if it cannot be mounted.
    init(_ folder: String) throws {
        path = NSTemporaryDirectory() + "metaserve-disk-\(UUID().uuidString)"
        faultPath = path + ".fault"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Fixtures.write([], to: faultPath)
        let script = Fixtures.package.appendingPathComponent("Tests/FaultTests/broken_disk.py").path
        process.executableURL = URL(fileURLWithPath: Self.python ?? "")
        process.arguments = [script, folder, path, faultPath]
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<1000 where (try? FileManager.default.contentsOfDirectory(atPath: path).isEmpty) ?? true {
            usleep(10_000)
        }
        try #require(try !FileManager.default.contentsOfDirectory(atPath: path).isEmpty, "nothing is mounted")
    }

    deinit {
        fail("")
        _ = try? Program.launch("/usr/bin/env", ["fusermount3", "-u", "-z", path])
        process.waitUntilExit()
        rmdir(path)
        unlink(faultPath)
    }

    /// Sets the fault from now on, in the terms of the script; "" for none.
    func fail(_ fault: String) { try? Fixtures.write(Array(fault.utf8), to: faultPath) }
}

/// A disk that has errors, or does not respond.
@Suite(
    "Faults of the disk", .serialized,
    .enabled(if: BrokenDisk.python != nil, "METASERVE_FUSE names no Python that has mfusepy, or there is no /dev/fuse"))
struct DiskFaults {
    struct Fault: Sendable, CustomTestStringConvertible {
        let row: Int
        let name: String
        let description: String
        var seconds = UInt32(Extent.of(5, short: 2))
        var rounds = Extent.of(4, short: 1)

        var testDescription: String { name }
    }

    private static let faults = [
        Fault(row: 26, name: "EIO", description: "every operation of the disk fails with EIO"),
        Fault(
            row: 27, name: "EIO read",
            description: "all reads of the disk fail with EIO, names and sizes remain readable"),
        Fault(row: 28, name: "EACCES", description: "the disk denies all reads"),
        Fault(
            row: 29, name: "hang", description: "the disk does not respond at all",
            seconds: UInt32(Extent.of(60, short: 2)), rounds: Extent.of(2, short: 1)),
    ]

    @Test("requests do not notice, and what was saved meanwhile is served when the disk is well", arguments: faults)
    func broken(_ fault: Fault) throws {
        let folder = try ServedFolder()
        let disk = try BrokenDisk(folder.path)
        let server = try RunningServer(disk.path)
        let load = try LoadGenerator(port: server.port, clients: 2, pauseMicroseconds: 1000)
        // Sound and broken alternate, so that what else the machine does falls on both.
        var sound: [UInt64] = []
        var broken: [UInt64] = []
        var failed = 0
        var longest = 0.0
        for round in 0..<fault.rounds {
            let (old, new) = (1 + round, 2 + round)
            _ = load.take()
            sleep(fault.seconds)
            let before = load.take()
            disk.fail(fault.name)
            try folder.saves.save(step: new, in: folder.path)
            sleep(fault.seconds)
            let meanwhile = load.take()
            disk.fail("")
            let seconds = SteppedModel.wait(forStep: new, port: server.port, seconds: 30)
            #expect(seconds != nil, "\(server.log.suffix(2000))")
            longest = max(longest, seconds ?? .infinity)
            #expect(meanwhile.failed + before.failed == 0, "\(meanwhile.examples) \(before.examples)")
            #expect(meanwhile.steps.keys.allSatisfy { $0 == old }, "\(meanwhile.steps)")
            failed += before.failed + meanwhile.failed + meanwhile.mixed.count
            sound += before.latencies
            broken += meanwhile.latencies
        }
        let rest = load.stop()
        #expect(rest.failed == 0 && rest.mixed.isEmpty)
        let complaints = server.log.split(separator: "\n").count { $0.contains(" warning ") || $0.contains(" error ") }
        #expect(complaints <= 2 * fault.rounds, "\(server.log.suffix(2000))")
        let before = LoadGenerator.Tally.milliseconds(sound, at: 0.99)
        let meanwhile = LoadGenerator.Tally.milliseconds(broken, at: 0.99)
        FaultReport.note(
            fault.row, "\(fault.description), \(fault.rounds) times for \(fault.seconds) s (FUSE)",
            String(
                format:
                    "%d responses meanwhile, %d failed; 99th percentile %.2f ms with a healthy disk, %.2f ms meanwhile "
                    + "(%.2f times); ", broken.count, failed, before, meanwhile, meanwhile / before)
                + "\(complaints) log lines; the saves made meanwhile are served within \(milliseconds(longest)) "
                + "of the disk's recovery",
            passed: failed == 0 && longest.isFinite && complaints <= 2 * fault.rounds && meanwhile <= 1.1 * before)
    }

    @Test("a disk that does not answer does not keep the server from ending")
    func stopping() throws {
        let folder = try ServedFolder()
        let disk = try BrokenDisk(folder.path)
        let server = try RunningServer(disk.path)
        disk.fail("hang")
        // By now a thread waits for the disk.
        sleep(2)
        let start = LoadGenerator.now
        server.send(SIGTERM)
        while !server.log.contains("stopped"), LoadGenerator.now - start < 10_000_000_000 { usleep(5000) }
        let seconds = Double(LoadGenerator.now - start) / 1e9
        #expect(server.log.contains("stopped"))
        // The kernel keeps a process until the disk has responded.
        disk.fail("")
        let status = server.wait()
        #expect(status == 0)
        FaultReport.note(
            30, "SIGTERM while the disk does not respond (FUSE)",
            "the server's own shutdown takes \(milliseconds(seconds)), exit status \(status); "
                + "the kernel keeps the thread that waits for the disk until the disk responds",
            passed: seconds <= 2 && status == 0)
    }
}
