internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that fold axes.
    static let reductions: [OpEntry] = [
        reduction("Sum", .sum),
        reduction("Mean", .mean),
        reduction("Prod", .product),
        reduction("EuclideanNorm", .euclideanNorm),
        reduction("Max", .max),
        reduction("Min", .min),
        reduction("All", .all),
        reduction("Any", .any),
        arg("ArgMax", largest: true),
        arg("ArgMin", largest: false),
    ]

    private static func reduction(_ name: String, _ reduction: Reduction) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> Reduce in
            try node.expectInputs(2)
            return Reduce(reduction: reduction, keepsDimensions: try node.bool("keep_dims", default: false))
        }
    }

    private static func arg(_ name: String, largest: Bool) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> ArgExtreme in
            try node.expectInputs(2)
            return ArgExtreme(largest: largest, output: try node.type("output_type", default: .int64))
        }
    }
}

/// Folds the axes that input 1 lists; none if the list is empty.
///
/// - Attributes: `keep_dims`: whether folded axes stay, with size 1.
/// - Numerics: float sums are added up in blocks. A fold of nothing gives 0, 1 for Prod, the least or greatest number for
///   Max and Min, NaN (integers and complex numbers: 0) for Mean. The mean of integers, and their norm, go towards zero.
struct Reduce: ReducingOp {
    let reduction: Reduction
    let keepsDimensions: Bool

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let dtype = inputs[0].dtype
        let listed = try inputs[1].indices("reduction_indices")
        guard let sizes = inputs[0].shape.dimensions else { return [TensorFact(dtype, .unknown)] }
        guard let listed else {
            guard keepsDimensions else { return [TensorFact(dtype, .unknown)] }
            return [TensorFact(dtype, PartialShape(sizes.map { $0 == 1 ? 1 : PartialShape.unknownDimension }))]
        }
        let axes = try normalized(listed, rank: sizes.count)
        var result: [Int] = []
        for (axis, size) in sizes.enumerated() {
            if !axes.contains(axis) { result.append(size) } else if keepsDimensions { result.append(1) }
        }
        return [TensorFact(dtype, PartialShape(result))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let rank = node.rank(0), let listed = node.integers(1) else { return node.mixed }
        let axes = listed.map { BatchedNode.place($0, rank: rank) }
        if let sizes = node.batchSizes(0) {
            guard reduction == .product, rank == 0 || axes == [0] else { return node.mixed }
            var product: BatchSize? = .fixed(1)
            for size in sizes { product = product?.times(size) }
            return product.map { [.sizes([$0])] } ?? node.mixed
        }
        return axes.contains(nil) || axes.contains(0) ? node.mixed : node.rowwise(0)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (shape, dtype) = (try spec.inputShape(0), spec.inputs[0].dtype)
        let axes = try normalized(spec.inputs[1].integers ?? [], rank: shape.rank)
        guard let kernel = Kernel.reduce(reduction, dtype, shape, axes: axes) else { throw .unsupported(dtype) }
        return kernel
    }

    func fold(_ inputs: [TensorFact]) -> Fold? {
        guard let rank = inputs[0].shape.rank, let listed = inputs[1].integers,
            let axes = try? normalized(listed, rank: rank)
        else { return nil }
        return Fold(reduction: reduction, axes: axes.sorted(), keepsDimensions: keepsDimensions)
    }

    private func normalized(_ listed: [Int], rank: Int) throws(OpError) -> [Int] {
        var axes: [Int] = []
        for index in listed {
            guard index >= -rank, index < rank else {
                throw .invalid("Invalid reduction dimension (\(index) for input with \(rank) dimension(s)")
            }
            let axis = index < 0 ? index + rank : index
            guard !axes.contains(axis) else {
                throw .invalid("Invalid reduction arguments: Axes contains duplicate dimension: \(axis)")
            }
            axes.append(axis)
        }
        return axes
    }
}

/// The index, along one axis, of the largest or smallest element; the first of equal ones.
///
/// - Inputs: the tensor; the axis, a scalar.
/// - Attributes: `output_type`.
/// - Numerics: NaN is never chosen; where there is nothing else, 0.
struct ArgExtreme: KernelOp {
    let largest: Bool
    let output: DataType

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let listed = try inputs[1].indices("dimension")
        guard inputs[1].shape.rank ?? 0 == 0 else {
            throw .invalid("dim must be a scalar, but received tensor of shape: \(inputs[1].shape)")
        }
        guard let sizes = inputs[0].shape.dimensions else { return [TensorFact(output, .unknown)] }
        guard let dimension = listed?.first else { return [TensorFact(output, .ofRank(sizes.count - 1))] }
        let axis = try normalized(dimension, rank: sizes.count)
        guard sizes[axis] != 0 else {
            throw .invalid("Reduction axis \(axis) is empty in shape \(inputs[0].shape)")
        }
        return [TensorFact(output, PartialShape(Array(sizes[..<axis] + sizes[(axis + 1)...])))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        node.axis(1, rank: node.rank(0)).map { $0 > 0 } == true ? node.rowwise(0) : node.mixed
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (shape, dtype) = (try spec.inputShape(0), spec.inputs[0].dtype)
        guard let dimension = spec.inputs[1].integers?.first else { throw .invalid("the dimension is not known") }
        let axis = try normalized(dimension, rank: shape.rank)
        guard let kernel = Kernel.arg(largest: largest, dtype, shape, axis: axis, output: output) else {
            throw .unsupportedDTypes("dtype \(dtype) with output_type \(output) is not supported")
        }
        return kernel
    }

    private func normalized(_ dimension: Int, rank: Int) throws(OpError) -> Int {
        guard dimension >= -rank, dimension < rank else {
            throw .invalid("Expected dimension in the range [\(-rank), \(rank)), but got \(dimension)")
        }
        return dimension < 0 ? dimension + rank : dimension
    }
}
