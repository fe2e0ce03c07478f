internal import COpenBLAS

/// OpenBLAS, which is opened when the first kernel is made that may need it.
package enum LinearAlgebra {
    /// Opens OpenBLAS, if nobody has yet. Kernels that are made before the library is open report a fault.
    static func open() { _ = copenblas_open() }

    /// For which processor OpenBLAS chose its kernels. Opens the library.
    package static let core = copenblas_open() ? copenblas_core().map { String(cString: $0) } ?? "unknown" : "unknown"

    /// Whether OpenBLAS knows this processor. For one that is newer than itself it may choose kernels without wide vectors.
    package static let knowsProcessor =
        PanelFormat.Level.best == .base || !["Prescott", "Core2", "Nehalem", "Generic"].contains(core)

    /// Why OpenBLAS cannot be used; nil where it can, or nobody has opened it.
    package static var failure: String? { copenblas_failure().map { String(cString: $0) } }

    /// Whether OpenBLAS can be called. If it cannot, the frame's run gets a fault.
    @inline(__always)
    static func isOpen(for frame: KernelFrame) -> Bool {
        guard !copenblas_is_open() else { return true }
        frame.report(.missingLibrary(failure ?? "OpenBLAS has not been loaded"))
        return false
    }
}
