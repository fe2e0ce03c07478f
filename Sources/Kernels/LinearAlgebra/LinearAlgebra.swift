internal import COpenBLAS

/// What is set for OpenBLAS as a whole.
package enum LinearAlgebra {
    /// For which processor OpenBLAS chose its kernels.
    package static var core: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

    /// Whether OpenBLAS knows this processor. For one that is newer than itself it may choose kernels without wide vectors.
    package static let knowsProcessor =
        PanelFormat.Level.best == .base || !["Prescott", "Core2", "Nehalem", "Generic"].contains(core)

    /// Sets how many threads one product may use, for the whole process.
    package static func useThreads(_ count: Int) { openblas_set_num_threads(Int32(clamping: count)) }
}
