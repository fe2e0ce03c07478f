internal import Kernels
internal import Tensors

extension OpTable {
    /// Conversions of elements.
    static let casting: [OpEntry] = [
        OpEntry("Cast", make: Cast.init)
    ]
}

/// Converts to another dtype.
///
/// - Attributes: `DstT`; `Truncate`: whether a float that becomes a narrower one loses its last bits instead of being rounded
///   to the nearest, halves to even.
/// - Numerics: floats lose their fraction. One that an int32 or int64 cannot hold gives the least number, as x86 has it;
///   narrower integers take the low bits of the int32. NaN is true. A complex number gives its real part. Quantised numbers
///   are the integers that they are stored as.
struct Cast: ConvertingOp {
    let target: DataType
    let truncates: Bool

    init(to target: DataType) {
        self.target = target
        truncates = false
    }

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        target = try node.type("DstT")
        truncates = try node.bool("Truncate", default: false)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(target, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        if node.batchSizes(0) != nil { return target == .int32 || target == .int64 ? node.roles : node.mixed }
        return node.rowwise(0)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (source, count) = (spec.inputs[0].dtype, try spec.outputShape().elementCount)
        guard let kernel = Kernel.cast(from: source, to: target, truncates: truncates, count: count) else {
            throw .unsupportedDTypes("a conversion from \(source) to \(target) is not supported")
        }
        return kernel
    }
}
