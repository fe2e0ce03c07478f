internal import FoundationEssentials

/// How much memory there is for a model, in bytes: the machine's, or what a container's limits leave of it.
package struct AvailableMemory: Hashable, Sendable {
    /// nil if it is unknown.
    package let byteCount: Int?
    /// The limit, for messages: "on this machine".
    package let bound: String

    /// A control group's limit and usage. Memory that the kernel can reclaim without loss is not counted.
    package struct Group: Hashable, Sendable {
        package let limit: Int
        package let usage: Int
        package let inactiveFile: Int

        package init(limit: Int, usage: Int, inactiveFile: Int) {
            self.limit = limit
            self.usage = usage
            self.inactiveFile = inactiveFile
        }

        package var available: Int { max(0, limit - max(0, usage - inactiveFile)) }
    }

    /// - Parameters:
    ///   - machine: The machine's memory; nil if it is unknown.
    ///   - groups: The groups that the process is in.
    package init(machine: Int?, groups: [Group]) {
        let group = groups.min { $0.available < $1.available }
        if let group, group.available < machine ?? .max {
            byteCount = group.available
            bound = "within the control group's limit of \(Self.text(group.limit))"
        } else {
            byteCount = machine
            bound = "on this machine"
        }
    }

    /// The memory that is available now.
    ///
    /// - Parameter read: Returns a file's text; nil if there is no file.
    /// - Returns: The available memory.
    package static func now(read: (String) -> String? = { contents(of: $0) }) -> AvailableMemory {
        AvailableMemory(
            machine: read("/proc/meminfo").flatMap { field("MemAvailable:", in: $0) }.map { $0 * 1024 },
            groups: groups(read))
    }

    /// The memory that the process may use: the machine's memory, or the smallest limit of its control groups. nil if neither is
    /// known.
    ///
    /// - Parameter read: Returns a file's text; nil if there is no file.
    /// - Returns: The number of bytes.
    package static func total(read: (String) -> String? = { contents(of: $0) }) -> Int? {
        let machine = read("/proc/meminfo").flatMap { field("MemTotal:", in: $0) }.map { $0 * 1024 }
        return ([machine].compactMap(\.self) + groups(read).map(\.limit)).min()
    }

    /// "512.0 MiB".
    package static func text(_ bytes: Int) -> String {
        let mebibytes = (Double(bytes) / 1_048_576 * 10).rounded() / 10
        return "\(mebibytes) MiB"
    }

    /// A small file's text; nil if it cannot be read.
    package static func contents(of path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The number that follows a word.
    private static func field(_ name: String, in text: String) -> Int? {
        // By bytes: splitting into characters takes a millisecond.
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) where line.starts(with: name.utf8) {
            let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if let first = words.first, first.elementsEqual(name.utf8), words.count > 1 {
                return Int(Substring(words[1]))
            }
        }
        return nil
    }

    private static let root = "/sys/fs/cgroup"

    /// The groups of `/proc/self/cgroup`: `0::/path` in version 2, `4:memory:/path` in version 1. The limits of all groups up to the root apply.
    private static func groups(_ read: (String) -> String?) -> [Group] {
        (read("/proc/self/cgroup") ?? "").split(separator: "\n").flatMap { line -> [Group] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            var names = parts[2].split(separator: "/")
            var groups: [Group] = []
            while true {
                let path = names.isEmpty ? "" : "/" + names.joined(separator: "/")
                if parts[1].isEmpty {
                    groups += [group(root + path, "memory.max", "memory.current", "inactive_file", read)].compactMap(
                        \.self)
                } else if parts[1].split(separator: ",").contains("memory") {
                    groups += [
                        group(
                            "\(root)/memory\(path)", "memory.limit_in_bytes", "memory.usage_in_bytes",
                            "total_inactive_file", read)
                    ].compactMap(\.self)
                }
                guard names.popLast() != nil else { return groups }
            }
        }
    }

    /// nil if there is no limit.
    private static func group(
        _ folder: String, _ limit: String, _ usage: String, _ inactive: String, _ read: (String) -> String?
    ) -> Group? {
        func number(_ name: String) -> Int? {
            read("\(folder)/\(name)").flatMap { Int($0.split(separator: "\n").first ?? "") }
        }
        guard let limit = number(limit), let usage = number(usage) else { return nil }
        let inactive = read("\(folder)/memory.stat").flatMap { field(inactive, in: $0) } ?? 0
        return Group(limit: limit, usage: usage, inactiveFile: inactive)
    }
}
