internal import Glibc

/// The operating system's data about this process, at one time.
struct ProcessFacts {
    private(set) var residentBytes = 0
    private(set) var virtualBytes = 0
    private(set) var threads = 0
    private(set) var cpuSeconds = 0.0
    private(set) var openFiles = 0
    /// The maximum number of open files; the largest number if there is no limit.
    private(set) var maxOpenFiles = 0

    init() {
        let pages = Self.words(of: "/proc/self/statm")
        if pages.count > 1, let all = Int(pages[0]), let resident = Int(pages[1]) {
            virtualBytes = all * Int(sysconf(Int32(_SC_PAGESIZE)))
            residentBytes = resident * Int(sysconf(Int32(_SC_PAGESIZE)))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            maxOpenFiles = Int(clamping: limit.rlim_cur)
        }
        // The program's name, in parentheses, may contain spaces. The fields after it do not (proc(5)).
        let fields = Self.text(of: "/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
        if fields.count > 17, let user = Int(fields[11]), let system = Int(fields[12]), let count = Int(fields[17]) {
            cpuSeconds = Double(user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
            threads = count
        }
        openFiles = Self.entryCount(of: "/proc/self/fd")
    }

    private static func words(of path: String) -> [Substring] { text(of: path).split(separator: " ") }

    private static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        }
    }

    private static func entryCount(of path: String) -> Int {
        guard let directory = opendir(path) else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Without `.` and `..`, and without the descriptor of the folder itself.
        return max(0, count - 3)
    }
}
