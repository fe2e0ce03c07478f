package import Kernels

/// One of the kernels that compute the same op.
package struct KernelChoice: Sendable {
    /// As the kernel's own.
    package let name: Kernel.Name
    /// About how long it takes.
    package let picoseconds: Int
    private let making: @Sendable () throws(OpError) -> Kernel

    init(_ name: Kernel.Name, picoseconds: Int, _ make: @escaping @Sendable () throws(OpError) -> Kernel) {
        self.name = name
        self.picoseconds = picoseconds
        making = make
    }

    /// Makes the kernel.
    ///
    /// - Throws: ``OpError`` as ``Op/kernel(for:)`` does.
    package func make() throws(OpError) -> Kernel { try making() }
}

/// An op that several kernels can compute.
package protocol KernelChoosing: KernelOp {
    /// The kernels for dtypes and shapes, at least one.
    ///
    /// Their outputs may differ in the last bits, as the order of a sum does.
    ///
    /// - Throws: ``OpError`` of kind `unsupported` for a dtype without a kernel.
    func kernels(for spec: KernelSpec) throws(OpError) -> [KernelChoice]
}

extension KernelChoosing {
    /// Products of float32 have kernels. To make one would open OpenBLAS, which products with weights in panels do not need.
    package var takesFloat32: Bool { true }

    /// The kernel that is thought to be the quickest.
    ///
    /// - Throws: ``OpError`` as ``kernels(for:)`` does.
    package func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let choices = try kernels(for: spec)
        guard let best = choices.min(by: { $0.picoseconds < $1.picoseconds }) else {
            throw OpError(.malformed, "has no kernel")
        }
        return try best.make()
    }
}
