import Foundation
import Kernels

/// The one place where it is decided how many threads there are.
enum ThreadBudget {
    /// As many as there are processors that the process may use, by its affinity and by its control group's quota.
    static var processors: Int {
        ProcessorAllowance(read: contents).threads(of: ProcessInfo.processInfo.activeProcessorCount)
    }

    /// Requests run side by side, one thread each; so an op does not get threads of its own.
    static func apply() { LinearAlgebra.useThreads(1) }

    /// A small file's text; nil if it cannot be read.
    private static func contents(of path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0.prefix(1 << 16), as: UTF8.self) }
    }
}
