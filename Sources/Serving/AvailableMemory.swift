internal import Checkpoints
internal import FoundationEssentials

/// How much memory there is for a model, in bytes: the machine's, or what a container's limits leave of it.
struct AvailableMemory: Hashable, Sendable {
    /// nil where it cannot be told.
    let byteCount: Int?
    /// What bounds it: "on this machine".
    let bound: String

    /// A control group's limit and what of it is used; all that the kernel can take back without loss is not counted.
    struct Group {
        let limit: Int
        let usage: Int
        let inactiveFile: Int

        var available: Int { max(0, limit - max(0, usage - inactiveFile)) }
    }

    /// - Parameters:
    ///   - machine: What the machine has; nil where it cannot be told.
    ///   - groups: The groups that the process is in.
    init(machine: Int?, groups: [Group]) {
        let group = groups.min { $0.available < $1.available }
        if let group, group.available < machine ?? .max {
            byteCount = group.available
            bound = "of the \(Self.text(group.limit)) that the control group may use"
        } else {
            byteCount = machine
            bound = "on this machine"
        }
    }

    /// What there is now.
    static func now() -> AvailableMemory {
        AvailableMemory(
            machine: file("/proc/meminfo").flatMap { field("MemAvailable:", in: $0) }.map { $0 * 1024 },
            groups: file("/proc/self/cgroup").map(groups) ?? [])
    }

    /// How many times the size of its files a model takes while it is loaded.
    private static let factor = 1.2

    /// Checks that a candidate has room.
    ///
    /// - Throws: ``ModelError`` of failure `memory` with both numbers.
    func require(for candidate: ModelCandidate) throws(ModelError) {
        let needed = Double(candidate.byteCount) * Self.factor
        guard let byteCount, needed > Double(byteCount) else { return }
        throw ModelError(
            .memory,
            "\(candidate.path): loading it takes about \(Self.text(Int(needed))), and \(Self.text(byteCount)) are available "
                + "\(bound): free memory, raise the limit, or serve fewer models or versions at once")
    }

    private static func text(_ bytes: Int) -> String {
        let mebibytes = (Double(bytes) / 1_048_576 * 10).rounded() / 10
        return "\(mebibytes) MiB"
    }

    private static func file(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The number that follows a word.
    private static func field(_ name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            if let first = words.first, first == name, words.count > 1 { return Int(words[1]) }
        }
        return nil
    }

    private static let root = "/sys/fs/cgroup"

    /// The groups of `/proc/self/cgroup`: of version 2 `0::/path`, of version 1 `4:memory:/path`. Each group's limit holds, up to the root.
    private static func groups(_ text: String) -> [Group] {
        text.split(separator: "\n").flatMap { line -> [Group] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            var names = parts[2].split(separator: "/")
            var groups: [Group] = []
            while true {
                let path = names.isEmpty ? "" : "/" + names.joined(separator: "/")
                if parts[1].isEmpty {
                    groups += [group(root + path, "memory.max", "memory.current", "inactive_file")].compactMap(\.self)
                } else if parts[1].split(separator: ",").contains("memory") {
                    groups += [
                        group(
                            "\(root)/memory\(path)", "memory.limit_in_bytes", "memory.usage_in_bytes",
                            "total_inactive_file")
                    ].compactMap(\.self)
                }
                guard names.popLast() != nil else { return groups }
            }
        }
    }

    /// nil where there is no limit.
    private static func group(_ folder: String, _ limit: String, _ usage: String, _ inactive: String) -> Group? {
        func number(_ name: String) -> Int? {
            file("\(folder)/\(name)").flatMap { Int($0.split(separator: "\n").first ?? "") }
        }
        guard let limit = number(limit), let usage = number(usage) else { return nil }
        let inactive = file("\(folder)/memory.stat").flatMap { field(inactive, in: $0) } ?? 0
        return Group(limit: limit, usage: usage, inactiveFile: inactive)
    }
}
