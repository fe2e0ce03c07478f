import Foundation
import Kernels

/// The one place where it is decided how many threads there are.
enum ThreadBudget {
    /// As many as there are processors that the process may use.
    static var processors: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

    /// Requests run side by side, one thread each; so an op does not get threads of its own.
    static func apply() { LinearAlgebra.useThreads(1) }
}
