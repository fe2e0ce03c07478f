import Testing

@testable import metaserve

@Suite("Allowed processors")
struct ProcessorAllowanceTests {
    private static let unified = "25 30 0:23 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    private static let legacy = """
        31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
        33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory

        """

    private func processors(_ files: [String: String]) -> Double? { ProcessorAllowance { files[$0] }.quota }

    @Test("version 2: the own group's quota")
    func own() {
        #expect(
            processors([
                "/proc/self/cgroup": "0::/system.slice/metaserve.service\n", "/proc/self/mountinfo": Self.unified,
                "/sys/fs/cgroup/system.slice/metaserve.service/cpu.max": "150000 100000\n",
            ]) == 1.5)
    }

    @Test("version 2: a group above may allow less")
    func above() {
        #expect(
            processors([
                "/proc/self/cgroup": "0::/a/b/c\n", "/proc/self/mountinfo": Self.unified,
                "/sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n", "/sys/fs/cgroup/a/b/cpu.max": "50000 100000\n",
                "/sys/fs/cgroup/a/cpu.max": "300000 100000\n",
            ]) == 0.5)
    }

    @Test("version 2 in a container: the group is the root of what is mounted")
    func container() {
        #expect(
            processors([
                "/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": Self.unified,
                "/sys/fs/cgroup/cpu.max": "200000 100000\n",
            ]) == 2)
    }

    @Test("version 1: quota and period are two files, and -1 is none")
    func legacy() {
        let files = [
            "/proc/self/cgroup": "4:memory:/m\n3:cpu,cpuacct:/docker/1\n0::/\n", "/proc/self/mountinfo": Self.legacy,
            "/sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us": "100000\n",
        ]
        #expect(processors(files) == nil)
        #expect(
            processors(
                files.merging(["/sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us": "250000\n"]) { $1 }) == 2.5)
    }

    @Test("version 1 in a container: the path is the host's, the mount is the group's own")
    func legacyContainer() {
        let mount = "32 31 0:29 /docker/1 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        #expect(
            processors([
                "/proc/self/cgroup": "3:cpu:/docker/1\n", "/proc/self/mountinfo": mount,
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            ]) == 0.5)
    }

    @Test("where nothing limits, or nothing can be read, there is no quota")
    func none() {
        #expect(processors([:]) == nil)
        #expect(processors(["/proc/self/cgroup": "0::/a\n", "/proc/self/mountinfo": Self.unified]) == nil)
        for text in ["max 100000", "0 100000", "-5 100000", "100000 0", "100000", "", "x y", "99999999999999999999 1"] {
            #expect(
                processors([
                    "/proc/self/cgroup": "0::/a\n::\n0\n", "/proc/self/mountinfo": Self.unified + "1 2 - cgroup2\n-\n",
                    "/sys/fs/cgroup/a/cpu.max": text,
                ]) == nil, "\(text)")
        }
    }

    private func threads(of present: Int, _ files: [String: String]) -> Int {
        ProcessorAllowance { files[$0] }.threads(of: present)
    }

    @Test("threads are as many as the affinity's bits")
    func affinity() {
        let path = "/proc/self/status"
        #expect(threads(of: 8, [path: "Name:\tmetaserve\nCpus_allowed:\t5\nCpus_allowed_list:\t0,2\n"]) == 2)
        #expect(threads(of: 64, [path: "Cpus_allowed:\tff,00000000,ffffffff\n"]) == 40)
        #expect(threads(of: 3, [path: "Cpus_allowed:\txyz\n"]) == 3)
        #expect(threads(of: 3, [path: "Cpus_allowed_list:\t0\n"]) == 3)
        #expect(threads(of: 0, [:]) == 1)
    }

    @Test("a quota is rounded up, and only ever takes threads away")
    func rounding() {
        func threads(_ quota: Int) -> Int {
            self.threads(
                of: 4,
                [
                    "/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": Self.unified,
                    "/sys/fs/cgroup/cpu.max": "\(quota) 100000\n",
                ])
        }
        #expect([1000, 50_000, 100_000, 100_001, 250_000, 400_000, 900_000].map(threads) == [1, 1, 1, 2, 3, 4, 4])
    }
}
