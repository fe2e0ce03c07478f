internal import Kernels
internal import Tensors

extension OpTable {
    /// How often values occur.
    static let counting: [OpEntry] = [
        OpEntry("Bincount", make: Bincount.init(_:isDense:), false),
        OpEntry("DenseBincount", make: Bincount.init(_:isDense:), true),
        OpEntry("HistogramFixedWidth", make: HistogramFixedWidth.init),
        OpEntry("Bucketize", make: Bucketize.init),
    ]
}

/// How often, or with which weight, each number below `size` occurs.
///
/// - Inputs: the numbers, int32 (DenseBincount: or int64, a vector or a matrix whose rows are counted one by one); `size`, a
///   scalar; `weights`, of the numbers' shape, or empty: then each counts 1.
/// - Outputs: `size` counts of the weights' dtype, for each row. Numbers that are too large are not counted, a negative one is
///   an error of the run.
/// - Attributes: `binary_output` (DenseBincount): 1 for what occurs at all.
struct Bincount: KernelOp {
    private let isDense: Bool
    private let isBinary: Bool

    init(_ node: NodeReader, isDense: Bool) throws(OpError) {
        try node.expectInputs(3)
        self.isDense = isDense
        isBinary = isDense ? try node.bool("binary_output", default: false) : false
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        if let rank = inputs[1].shape.rank, rank != 0 { throw .invalid("Shape must be rank 0 but is rank \(rank)") }
        let size = try inputs[1].indices("size")?.first
        if let size, size < 0 { throw .invalid("size (\(size)) must be non-negative") }
        let (numbers, weights) = (inputs[0].shape, inputs[2].shape)
        if isDense, let rank = numbers.rank, rank > 2 {
            throw .invalid("Shape must be at most rank 2 but is rank \(rank)")
        }
        if let numbers = numbers.known, let weights = weights.known, weights.elementCount > 0,
            isDense ? numbers != weights : numbers.elementCount != weights.elementCount
        {
            throw .invalid(
                isDense
                    ? "`weights` must be the same shape as `arr` or a length-0 `Tensor`, in which case it acts as all weights "
                        + "equal to 1. Received \(weights)" : "Input indices and weights must have the same size.")
        }
        let bins = size ?? PartialShape.unknownDimension
        guard isDense else { return [TensorFact(inputs[2].dtype, PartialShape([bins]))] }
        guard let rank = numbers.rank else { return [TensorFact(inputs[2].dtype, .unknown)] }
        return [TensorFact(inputs[2].dtype, PartialShape(rank == 2 ? [numbers.dimension(0), bins] : [bins]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let numbers = try spec.inputShape(0)
        let output = try spec.outputShape()
        let rows = output.rank == 2 ? output.dimensions[0] : 1
        let count = BinCount(
            rows: rows, columns: numbers.elementCount / max(1, rows), size: output.dimensions.last ?? 0,
            reader: try spec.inputs[0].indexReader(), dtype: spec.outputs[0].dtype,
            hasWeights: try spec.inputShape(2).elementCount > 0, isBinary: isBinary)
        guard let kernel = count.kernel else { throw .unsupported(spec.outputs[0].dtype) }
        return kernel
    }
}

/// How many numbers fall into each part of a range; what is outside of it counts in the first or the last one.
///
/// - Inputs: `values`, float32, float64, int32 or int64; `value_range`, two of them; `nbins`, an int32 scalar.
/// - Attributes: `dtype`: int32 or int64.
struct HistogramFixedWidth: KernelOp {
    private let output: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        output = try node.outType("dtype")
    }

    var valueInputs: [Int] { [1, 2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[...1].requireOneDType()
        guard PartialShape([2]).merged(with: inputs[1].shape) != nil else {
            throw .invalid("value_range should be a vector of 2 elements.")
        }
        guard inputs[2].shape.rank ?? 0 == 0 else { throw .invalid("nbins should be a scalar.") }
        let bins = try inputs[2].indices("nbins")?.first
        if let bins, bins <= 0 { throw .invalid("nbins should be a positive number, but got '\(bins)'") }
        if let range = inputs[1].value, let reader = OrderReader(range.dtype) {
            let isUp = range.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress, range.shape.elementCount == 2 else { return false }
                let keys = (reader.key(start, at: 0), reader.key(start, at: 1))
                return keys.0 < keys.1 && !reader.isNaN(key: keys.0) && !reader.isNaN(key: keys.1)
            }
            guard isUp else { throw .invalid("value_range should satisfy value_range[0] < value_range[1]") }
        }
        return [TensorFact(output, PartialShape([bins ?? PartialShape.unknownDimension]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let range = spec.inputs[1].value else { throw OpError(.malformed, "value_range is not known") }
        let kernel = Kernel.histogram(
            count: try spec.inputShape(0).elementCount, bins: try spec.outputShape().elementCount, range: range,
            output: output)
        guard let kernel else { throw .unsupported(spec.inputs[0].dtype) }
        return kernel
    }
}

/// For each number, how many boundaries are not above it.
///
/// - Inputs: float32, float64, int32 or int64. Outputs: int32, of the same shape. Attributes: `boundaries`, sorted.
struct Bucketize: KernelOp {
    private let boundaries: [Float]

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        boundaries = try node.floats("boundaries")
        guard zip(boundaries, boundaries.dropFirst()).allSatisfy({ $0 <= $1 }) else {
            throw node.malformed("Expected sorted boundaries")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(.int32, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        let count = try spec.outputShape().elementCount
        guard let kernel = Kernel.buckets(count: count, boundaries: boundaries, dtype) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}
