import Foundation
import Memory
import Testing
import VectorSupport

@testable import Serving

@Suite("Limits of memory")
struct MemoryLimitTests {
    /// Reads files as if a folder were the root.
    private func withFiles<Result>(
        _ files: [String: String], _ body: ((String) -> String?) throws -> Result
    ) throws -> Result {
        let root = NSTemporaryDirectory() + "metaserve-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        for (path, text) in files {
            let url = URL(fileURLWithPath: root + path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        return try body { AvailableMemory.contents(of: root + $0) }
    }

    private static let machine = "MemTotal:       8388608 kB\nMemFree: 1 kB\nMemAvailable:    4194304 kB\n"

    @Test("version 2: the smallest limit from the own group up holds")
    func unified() throws {
        let files = [
            "/proc/meminfo": Self.machine, "/proc/self/cgroup": "0::/a/b\n",
            "/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/b/memory.current": "100\n",
            "/sys/fs/cgroup/a/memory.max": "1073741824\n", "/sys/fs/cgroup/a/memory.current": "536870912\n",
            "/sys/fs/cgroup/a/memory.stat": "anon 5\ninactive_file 268435456\n",
        ]
        try withFiles(files) { read in
            #expect(AvailableMemory.total(read: read) == 1 << 30)
            #expect(AvailableMemory.now(read: read).byteCount == 3 << 28)
        }
    }

    @Test("version 1: the group of the memory controller")
    func legacy() throws {
        let files = [
            "/proc/meminfo": Self.machine, "/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/c\n1:name=systemd:/c\n",
            "/sys/fs/cgroup/memory/c/memory.limit_in_bytes": "2147483648\n",
            "/sys/fs/cgroup/memory/c/memory.usage_in_bytes": "1073741824\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes": "1073741824\n",
        ]
        try withFiles(files) { read in
            #expect(AvailableMemory.total(read: read) == 2 << 30)
            #expect(AvailableMemory.now(read: read).byteCount == 1 << 30)
        }
    }

    @Test("in a container the group's path may be the host's: the mounted root holds")
    func container() throws {
        let files = [
            "/proc/meminfo": Self.machine, "/proc/self/cgroup": "0::/docker/0123\n",
            "/sys/fs/cgroup/memory.max": "536870912\n", "/sys/fs/cgroup/memory.current": "0\n",
        ]
        try withFiles(files) { #expect(AvailableMemory.total(read: $0) == 512 << 20) }
    }

    @Test("without limits the machine's memory, and nothing where nothing is told")
    func machine() throws {
        try withFiles(["/proc/meminfo": Self.machine]) { #expect(AvailableMemory.total(read: $0) == 8 << 30) }
        try withFiles([:]) { #expect(AvailableMemory.total(read: $0) == nil) }
    }
}

@Suite("The account of memory")
struct MemoryAccountTests {
    @Test("what is kept for later gives way before anything is refused")
    func idle() {
        let account = MemoryAccount(limitBytes: 100)
        let holder = MemoryHolder { account.give(account.usedBytes(for: .caches), for: .caches) }
        account.add(holder)
        #expect(account.take(80, for: .caches))
        #expect(account.take(90, for: .runs))
        #expect(account.usedBytes(for: .caches) == 0)
        #expect(!account.take(11, for: .requests))
        #expect(account.refusalCount == 1)
        #expect(account.usedBytes == 90)
    }

    @Test("a run may take its part, and no more than there is")
    func part() {
        let account = MemoryAccount(limitBytes: 100, runLimitBytes: 1000)
        #expect(account.runLimitBytes == 100)
        account.runLimitBytes = 10
        #expect(account.runLimitBytes == 10)
        account.note(130, for: .models)
        #expect(account.attainableBytes == 0)
        #expect(account.remainingBytes == 0)
    }

    @Test("memory goes back when the process has been quiet after a peak, once")
    func giving() {
        var idle = IdleMemory()
        func look(_ second: Int, _ mebibytes: Int, busy: Int) -> IdleMemory.Look {
            IdleMemory.Look(
                residentBytes: mebibytes << 20, processorNanoseconds: UInt64(busy) * 1_000_000,
                nanoseconds: UInt64(second) * 1_000_000_000)
        }
        func isDue(_ look: IdleMemory.Look) -> Bool { idle.isDue(look) }
        #expect(!isDue(look(1, 50, busy: 0)))
        // Busy.
        #expect(!isDue(look(2, 900, busy: 900)))
        #expect(!isDue(look(3, 900, busy: 1800)))
        // Quiet.
        #expect(!isDue(look(4, 900, busy: 1810)))
        #expect(isDue(look(5, 900, busy: 1820)))
        idle.settle(at: 400 << 20)
        // Nothing more to be had.
        for second in 6..<10 { #expect(!isDue(look(second, 401, busy: 1820))) }
    }

    @Test("a load that does not fit into what is left is refused, and what is loaded counts")
    func loading() throws {
        let candidate = try #require(try ModelListing.look(at: Fixtures.model("digits")).latest)
        let account = MemoryAccount(limitBytes: 10 * candidate.byteCount)
        do {
            let model = try Model(candidate, name: "m", memory: account)
            #expect(account.usedBytes(for: .models) == candidate.byteCount)
            // The one after it comes before the one before it goes.
            let next = try Model(candidate, name: "m", previous: model, memory: account)
            #expect(account.usedBytes(for: .models) == 2 * candidate.byteCount)
            withExtendedLifetime((model, next)) {}
        }
        #expect(account.usedBytes(for: .models) == 0)
        account.limitBytes = candidate.byteCount
        let error = #expect(throws: ModelError.self) { try Model(candidate, name: "m", memory: account) }
        #expect(error?.failure == .memory)
        #expect(error?.message.contains("of the memory-limit of") == true, "\(error?.message ?? "")")
        #expect(account.usedBytes == 0)
    }
}
