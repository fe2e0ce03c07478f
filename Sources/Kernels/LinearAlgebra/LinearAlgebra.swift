internal import COpenBLAS

/// What is set for OpenBLAS as a whole.
package enum LinearAlgebra {
    /// For which processor OpenBLAS chose its kernels.
    package static var core: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

    /// Sets how many threads one product may use, for the whole process.
    package static func useThreads(_ count: Int) { openblas_set_num_threads(Int32(clamping: count)) }
}
