import Foundation
import Glibc
import ServerSupport
import Testing
import VectorSupport

/// Little memory, few processors, a clock that jumps.
@Suite("Faults of the surroundings", .serialized)
struct SurroundingsFaults {
    private static let canLimitMemory = ControlGroup("memory", with: "memory.limit_in_bytes") != nil
    private static let isSanitized = ["LSAN_OPTIONS", "TSAN_OPTIONS"].contains {
        ProcessInfo.processInfo.environment[$0] != nil
    }
    private static let canLimitProcessors = ControlGroup("cpu", with: "cpu.cfs_quota_us") != nil && getuid() == 0

    @Test(
        "a model that fits only once into the control group's memory is not replaced, and the server is not killed",
        .enabled(
            if: canLimitMemory && TensorFlow.python != nil,
            "needs TensorFlow, and control groups (version 1) that may be made"))
    func memory() throws {
        let store = NSTemporaryDirectory() + "metaserve-large-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: store) }
        for name in ["saved", "served"] {
            try FileManager.default.createDirectory(atPath: "\(store)/\(name)", withIntermediateDirectories: true)
        }
        let megabytes = 200
        let made = try Program.launch(
            try #require(TensorFlow.python),
            [
                Fixtures.package.appendingPathComponent("Tests/FaultTests/large_model.py").path, store + "/saved",
                "\(megabytes)", "2",
            ])
        try #require(made.status == 0, "\(made.errors.suffix(2000))")
        try ReloadFaults.link(1, from: store + "/saved", to: store + "/served")
        let group = try #require(ControlGroup("memory", with: "memory.limit_in_bytes"))
        try group.set("memory.limit_in_bytes", "\((megabytes << 20) * 3 / 2)")
        let launcher = try Launcher("echo $$ > \(group.path)/cgroup.procs")
        let server = try RunningServer(program: launcher.path, store + "/served")
        let body = #"{"feeds": {"x": [[1, 1, 1, 1, 1, 1, 1, 1]]}, "fetches": ["y"]}"#
        let load = try LoadGenerator(
            port: server.port, clients: 2, body: body, pauseMicroseconds: 2000, isChecked: false)
        try ReloadFaults.link(2, from: store + "/saved", to: store + "/served")
        sleep(5)
        let refused = server.log.contains("within the control group's limit of 300.0 MiB")
        #expect(refused, "\(server.log)")
        #expect(try Program.curl("-d", body, server.address + "/predict").contains(#""step":1}"#))
        // More room: it is tried again, without new files.
        try group.set("memory.limit_in_bytes", "\((megabytes << 20) * 3)")
        var isServed = false
        for _ in 0..<1200 where !isServed {
            usleep(50_000)
            isServed = try Program.curl("-d", body, server.address + "/predict").contains(#""step":2}"#)
        }
        #expect(isServed, "\(server.log)")
        let tally = load.stop()
        #expect(tally.failed == 0, "\(tally.examples)")
        #expect(server.stop() == 0)
        FaultReport.note(
            31, "a model of \(megabytes) MB in a control group of 1.5 times that size, saved again",
            "the new version is refused with both sizes; \(tally.answered) responses, \(tally.failed) failed, not killed; "
                + "it is \(isServed ? "" : "not ")served when the limit is raised",
            passed: refused && isServed && tally.failed == 0)
    }

    @Test(
        "half a processor, process 1 of its namespace, no root, a read-only root file system",
        .enabled(if: canLimitProcessors, "needs root, and control groups (version 1) that may be made"))
    func container() throws {
        let folder = NSTemporaryDirectory() + "metaserve-container-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(atPath: Fixtures.model("tutorial"), toPath: folder)
        let group = try #require(ControlGroup("cpu", with: "cpu.cfs_quota_us"))
        try group.set("cpu.cfs_quota_us", "50000")
        let inside =
            "mount --make-rprivate / && mount -t proc proc /proc && mount -o remount,bind,ro / && "
            + "exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$0\" \"$@\""
        let launcher = try Launcher(
            "echo $$ > \(group.path)/cgroup.procs", exec: "unshare --mount --pid --fork --kill-child sh -c '\(inside)'")
        let server = try RunningServer(program: launcher.path, folder)
        let children = try String(
            contentsOfFile: "/proc/\(server.processIdentifier)/task/\(server.processIdentifier)/children",
            encoding: .utf8)
        let child = try #require(children.split(separator: " ").first.flatMap { Int32($0) })
        let status = try String(contentsOfFile: "/proc/\(child)/status", encoding: .utf8)
        #expect(status.contains("Uid:\t65534\t65534"))
        #expect(status.contains(/NSpid:\t\d+(\t\d+)*\t1\n/))
        #expect(server.log.contains("threads=1\n"), "\(server.log)")
        let load = try LoadGenerator(
            port: server.port, clients: 4, body: #"{"feeds": {"w1:0": 13.0, "w2:0": 17.0}}"#, isChecked: false)
        sleep(Extent.isFull ? 10 : 1)
        let tally = load.stop()
        #expect(tally.failed == 0 && tally.answered > 0, "\(tally.examples)")
        kill(child, SIGTERM)
        let exit = server.wait()
        #expect(exit == 0)
        FaultReport.note(
            32, "half a processor, process 1 of its namespace, user 65534, a read-only root file system",
            String(
                format:
                    "one thread computes; %d responses, %d failed, 99th percentile %.1f ms; exit status %d on SIGTERM",
                tally.answered, tally.failed, tally.milliseconds(at: 0.99), exit),
            passed: tally.failed == 0 && tally.answered > 0 && exit == 0)
    }

    @Test(
        "a clock that jumps a day forth and back neither ends requests nor hides saves nor repeats loads",
        .enabled(if: !isSanitized, "a sanitizer wants no library to be loaded before its own"))
    func clock() throws {
        let library = NSTemporaryDirectory() + "metaserve-clock-\(UUID().uuidString)"
        let jump = library + ".jump"
        defer {
            unlink(library)
            unlink(jump)
        }
        let source = Fixtures.package.appendingPathComponent("Tests/FaultTests/jumping_clock.c").path
        let compiled = try Program.launch("/usr/bin/env", ["clang", "-shared", "-fPIC", "-o", library, source])
        try #require(compiled.status == 0, "\(compiled.errors)")
        func set(_ seconds: Int64) throws {
            // In place: the server has it mapped.
            let file = try #require(fopen(jump, "r+"))
            defer { fclose(file) }
            _ = withUnsafeBytes(of: seconds) { fwrite($0.baseAddress, 1, $0.count, file) }
        }
        try Fixtures.write([UInt8](repeating: 0, count: 8), to: jump)
        let folder = try ServedFolder()
        let launcher = try Launcher("export CLOCK_JUMP='\(jump)' LD_PRELOAD='\(library)'")
        let server = try RunningServer(program: launcher.path, folder.path, "--idle-timeout", "10", "--timeout", "10")
        let idle = try RawClient(port: server.port)
        let load = try LoadGenerator(port: server.port, clients: 2)
        let jumps: [Int64] = [86_400, -86_400, 0, 86_400 * 365, -86_400 * 365]
        var longest = 0.0
        for round in 0..<Extent.of(20, short: 5) {
            try set(jumps[round % jumps.count])
            let step = 2 + round % 5
            try folder.saves.save(step: step, in: folder.path)
            let seconds = SteppedModel.wait(forStep: step, port: server.port, seconds: 10)
            #expect(seconds != nil, "\(server.log.suffix(2000))")
            longest = max(longest, seconds ?? .infinity)
            // It is not idle for ten seconds, whatever the time of day says.
            idle.post("/predict", SteppedModel.request)
            #expect(try idle.response().status == 200)
        }
        let loads = server.log.components(separatedBy: " loaded").count - 1
        let saves = Extent.of(20, short: 5)
        let years = Set(server.log.matches(of: /(?m)^(\d{4})-/).map(\.1)).count
        #expect(years >= 3, "the clock did not jump: \(server.log.prefix(500))")
        let tally = load.stop()
        #expect(tally.failed == 0 && tally.mixed.isEmpty, "\(tally.failures) \(tally.examples)")
        #expect(loads == saves + 1, "\(server.log)")
        #expect(server.stop() == 0)
        FaultReport.note(
            33, "the wall clock jumps forward and back by a day or a year \(saves) times",
            "\(tally.answered) responses, \(tally.failed) failed; each save is served within \(milliseconds(longest)), "
                + "\(loads - 1) loads of \(saves) saves; no connection is closed",
            passed: tally.failed == 0 && tally.mixed.isEmpty && longest <= 1 && loads == saves + 1)
    }
}
