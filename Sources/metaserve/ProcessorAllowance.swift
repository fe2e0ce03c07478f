/// The number of processors that this process may use, by its affinity and by the quotas of its control groups (version 1 and 2), from its
/// own group up to the root.
struct ProcessorAllowance {
    /// The number of processors in the process's affinity; nil if unknown.
    let affinity: Int?
    /// The average number of processors that may be busy, such as 1.5; nil for no limit.
    let quota: Double?

    /// The number of threads that can be busy at once.
    ///
    /// - Parameter present: The processors of the machine.
    /// - Returns: At least 1.
    func threads(of present: Int) -> Int {
        let count = Double(affinity ?? present)
        return max(1, Int(min(count, quota ?? count).rounded(.up)))
    }

    /// A hierarchy of control groups that can limit processor time.
    private struct Hierarchy {
        let isUnified: Bool
        /// The mount point.
        let mountPoint: String
        /// The group that is mounted there.
        let root: String
    }

    /// - Parameter read: Returns a file's text; nil if there is no file.
    init(read: (String) -> String?) {
        var least: Double?
        let groups = Self.groups(read("/proc/self/cgroup") ?? "")
        for hierarchy in Self.hierarchies(read("/proc/self/mountinfo") ?? "") {
            guard let group = hierarchy.isUnified ? groups.unified : groups.processor else { continue }
            for folder in Self.folders(of: group, in: hierarchy) {
                guard let quota = Self.quota(hierarchy.isUnified, folder, read) else { continue }
                least = min(least ?? quota, quota)
            }
        }
        quota = least
        affinity = Self.affinity(read("/proc/self/status") ?? "")
    }

    /// The bits of the line `Cpus_allowed`: words of 32 bits in hexadecimal, with commas between them.
    private static func affinity(_ text: String) -> Int? {
        let name = "Cpus_allowed:"
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
        var count = 0
        for word in line.dropFirst(name.count).split(whereSeparator: { $0.isWhitespace || $0 == "," }) {
            guard let bits = UInt32(word, radix: 16) else { return nil }
            count += bits.nonzeroBitCount
        }
        return count > 0 ? count : nil
    }

    /// The process's groups, by `/proc/self/cgroup`: lines of number, controllers and group.
    private static func groups(_ text: String) -> (unified: String?, processor: String?) {
        var unified: String?
        var processor: String?
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            if parts[0] == "0", parts[1].isEmpty { unified = String(parts[2]) }
            if parts[1].split(separator: ",").contains("cpu") { processor = String(parts[2]) }
        }
        return (unified, processor)
    }

    /// The hierarchies, by `/proc/self/mountinfo`: root and mount point are the fourth and fifth word, after a dash come the file
    /// system's type, its source, and its options.
    private static func hierarchies(_ text: String) -> [Hierarchy] {
        // By bytes, because splitting long texts into characters takes long.
        text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let words = line.split(separator: UInt8(ascii: " "))
            guard let dash = words.firstIndex(where: { $0.elementsEqual("-".utf8) }), dash > 4,
                words.count > dash + 3, words[dash + 1].starts(with: "cgroup".utf8)
            else { return nil }
            let type = Substring(words[dash + 1])
            let isProcessor = Substring(words[dash + 3]).split(separator: ",").contains("cpu")
            guard type == "cgroup2" || type == "cgroup" && isProcessor else { return nil }
            return Hierarchy(
                isUnified: type == "cgroup2", mountPoint: String(Substring(words[4])),
                root: String(Substring(words[3])))
        }
    }

    /// The folders of a group and its parents, as far as they are mounted. In a container, the group's path may be the host's path, of which
    /// only the mounted root exists.
    private static func folders(of group: String, in hierarchy: Hierarchy) -> [String] {
        var path = group[...]
        if hierarchy.root != "/", path.hasPrefix(hierarchy.root) { path = path.dropFirst(hierarchy.root.count) }
        var folders: [String] = []
        while let slash = path.lastIndex(of: "/"), folders.count < maxLevels {
            if slash < path.index(before: path.endIndex) { folders.append(hierarchy.mountPoint + path) }
            path = path[..<slash]
        }
        return folders + [hierarchy.mountPoint]
    }

    private static let maxLevels = 64

    private static func quota(_ isUnified: Bool, _ folder: String, _ read: (String) -> String?) -> Double? {
        guard isUnified else {
            return quotient(read(folder + "/cpu.cfs_quota_us"), read(folder + "/cpu.cfs_period_us"))
        }
        // "max 100000" or "150000 100000".
        let words = (read(folder + "/cpu.max") ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
        return quotient(words.first, words.count > 1 ? words[1] : nil)
    }

    /// nil for "max", and for the -1 of version 1.
    private static func quotient(_ quota: String?, _ period: String?) -> Double? {
        func number(_ text: String?) -> Double? {
            text.flatMap { Int($0.prefix { !$0.isWhitespace }) }.map(Double.init)
        }
        guard let quota = number(quota), quota > 0, let period = number(period), period > 0 else { return nil }
        return quota / period
    }
}
