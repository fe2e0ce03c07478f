import Foundation

/// Determines the number of threads.
enum ThreadBudget {
    /// The number of processors that the process may use, by its affinity and by its control groups' quotas.
    static let processors = ProcessorAllowance(read: contents).threads(
        of: ProcessInfo.processInfo.activeProcessorCount)

    /// A small file's text; nil if it cannot be read.
    private static func contents(of path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0.prefix(1 << 16), as: UTF8.self) }
    }
}
