internal import Kernels
internal import Tensors

extension OpTable {
    /// Running sums and their like.
    static let scans: [OpEntry] = [
        scan("Cumsum", .sum),
        scan("Cumprod", .product),
        scan("CumulativeLogsumexp", .logSumExp),
    ]

    private static func scan(_ name: String, _ kind: Scan.Kind) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> Scan in
            try node.expectInputs(2)
            return Scan(
                kind: kind, isExclusive: try node.bool("exclusive", default: false),
                isReversed: try node.bool("reverse", default: false))
        }
    }
}

/// For each element the sum, product or logarithm of the sum of exponentials of those up to it along an axis.
///
/// - Inputs: `x`, numbers (CumulativeLogsumexp: floats); `axis`, a scalar.
/// - Attributes: `exclusive`: without the element itself; `reverse`: from the end on.
struct Scan: KernelOp {
    enum Kind: Hashable {
        case sum
        case product
        case logSumExp
    }

    let kind: Kind
    let isExclusive: Bool
    let isReversed: Bool

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[1].shape.rank ?? 0 == 0 else {
            throw .invalid("ScanOp: axis must be a scalar, not \(inputs[1].shape)")
        }
        if let axis = try inputs[1].indices("axis")?.first, let rank = inputs[0].shape.rank {
            _ = try place(axis, rank: rank)
        }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    private func place(_ axis: Int, rank: Int) throws(OpError) -> Int {
        try axis.axis(
            rank: rank,
            outOfRange: "ScanOp: Expected scan axis in the range [\(-rank), \(rank)), but got \(axis)")
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        node.axis(1, rank: node.rank(0)).map { $0 > 0 } == true ? node.rowwise(0) : node.mixed
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        let shape = try spec.outputShape()
        guard shape.elementCount > 0 else { return .nothing }
        guard let axis = spec.inputs[1].integers?.first else { throw OpError(.malformed, "the axis is not known") }
        let walk = AxisWalk(
            shape, axis: try place(axis, rank: shape.rank), isExclusive: isExclusive, isReversed: isReversed)
        let kernel: Kernel? =
            switch kind {
            case .sum: .scan(.add, start: 0, walk, dtype)
            case .product: .scan(.multiply, start: 1, walk, dtype)
            case .logSumExp: .scanLogSumExp(walk, dtype)
            }
        guard let kernel else { throw .unsupported(dtype) }
        return kernel
    }
}
