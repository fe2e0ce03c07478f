internal import Kernels
internal import Tensors

extension OpTable {
    /// Elements by their order.
    static let topK: [OpEntry] = [
        OpEntry("TopK", make: TopK.old),
        OpEntry("TopKV2", make: TopK.init),
        OpEntry("NthElement", make: NthElement.init),
        OpEntry("LowerBound", make: SortedSearch.init(_:isUpper:), false),
        OpEntry("UpperBound", make: SortedSearch.init(_:isUpper:), true),
    ]
}

/// The largest elements of each row (along the last axis), and where they stand; of equal ones the first come first.
///
/// - Inputs: `input`, rank 1 or more, of a dtype with an order; `k`, a scalar (TopKV2).
/// - Outputs: `values` and `indices`.
/// - Attributes: `k` (TopK); `sorted`: the result is sorted either way; `index_type`: int16, int32 or int64.
struct TopK: ProductRanking {
    /// nil where it is an input.
    private let k: Int?
    private let indexType: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        _ = try node.bool("sorted", default: true)
        k = nil
        indexType = try node.type("index_type", default: .int32)
    }

    private init(k: Int) {
        self.k = k
        indexType = .int32
    }

    static func old(_ node: NodeReader) throws(OpError) -> TopK {
        try node.expectInputs(1)
        _ = try node.bool("sorted", default: true)
        return TopK(k: try node.int("k"))
    }

    var valueInputs: [Int] { k == nil ? [1] : [] }

    func ranking(_ product: any Op, _ factors: [TensorFact], _ inputs: [TensorFact]) -> (any Op)? {
        guard let count = k ?? inputs[1].integers?.first, let product = product as? MatMul else { return nil }
        return TopProduct(count, of: product, factors, indexType: indexType)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var count = k
        if k == nil {
            guard inputs[1].shape.rank ?? 0 == 0 else {
                throw .invalid("k must be scalar, got shape \(inputs[1].shape)")
            }
            count = try inputs[1].indices("k")?.first
        }
        if let count, count < 0 { throw .invalid("Need k >= 0, got \(count)") }
        guard inputs[0].shape.rank ?? 1 > 0 else {
            throw .invalid("input must be >= 1-D, got shape \(inputs[0].shape)")
        }
        var shape = PartialShape.unknown
        if var sizes = inputs[0].shape.dimensions {
            let columns = sizes.removeLast()
            if let count, columns >= 0, columns < count {
                throw .invalid("input must have at least k columns. Had \(columns), needed \(count)")
            }
            shape = PartialShape(sizes + [count ?? PartialShape.unknownDimension])
        }
        return [TensorFact(inputs[0].dtype, shape), TensorFact(indexType, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, minimumRank: 2) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let input = try spec.inputShape(0)
        let output = try spec.outputShape()
        guard output.elementCount > 0, let count = output.dimensions.last, let columns = input.dimensions.last else {
            return .nothing
        }
        let dtype = spec.inputs[0].dtype
        let kernel = Kernel.largest(
            count, rows: output.elementCount / count, columns: columns, dtype, indices: indexType)
        guard let kernel else { throw .unsupported(dtype) }
        return kernel
    }
}

/// The element of each row (along the last axis) that would stand at place `n` if the row were sorted.
///
/// - Inputs: `input`, rank 1 or more; `n`, an int32 scalar. Attributes: `reverse`: whether the largest comes first.
struct NthElement: KernelOp {
    private let isReversed: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        isReversed = try node.bool("reverse", default: false)
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        if let rank = inputs[1].shape.rank, rank != 0 { throw .invalid("N must be scalar but has rank \(rank)") }
        let number = try inputs[1].indices("n")?.first
        if let number, number < 0 { throw .invalid("n must be non-negative but is \(number)") }
        guard var sizes = inputs[0].shape.dimensions else { return [TensorFact(inputs[0].dtype, .unknown)] }
        guard let columns = sizes.popLast() else { throw .invalid("Input must be at least rank 1 but is rank 0") }
        if let number, columns >= 0, columns <= number {
            throw .invalid("Input must have last dimension > n = \(number)")
        }
        return [TensorFact(inputs[0].dtype, PartialShape(sizes))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, minimumRank: 2) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        guard let number = spec.inputs[1].integers?.first, let columns = try spec.inputShape(0).dimensions.last else {
            throw OpError(.malformed, "n is not known")
        }
        let kernel = Kernel.element(
            number, isReversed: isReversed, rows: try spec.outputShape().elementCount, columns: columns, dtype)
        guard let kernel else { throw .unsupported(dtype) }
        return kernel
    }
}

/// Where values would go into sorted rows.
///
/// - Inputs: `sorted_inputs` and `values`, matrices of as many rows and one dtype with an order.
/// - Outputs: a place for each value: before the elements that are equal to it (LowerBound), or behind them (UpperBound).
/// - Attributes: `out_type`: int32 or int64.
struct SortedSearch: KernelOp {
    private let isUpper: Bool
    private let output: DataType

    init(_ node: NodeReader, isUpper: Bool) throws(OpError) {
        try node.expectInputs(2)
        self.isUpper = isUpper
        output = try node.outType()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        for (input, name) in zip(inputs, ["sorted_inputs", "values"]) {
            guard let rank = input.shape.rank, rank != 2 else { continue }
            throw .invalid("Shape must be rank 2 but is rank \(rank) for `\(name)` argument")
        }
        let rows = (inputs[0].shape.dimension(0), inputs[1].shape.dimension(0))
        guard rows.0 < 0 || rows.1 < 0 || rows.0 == rows.1 else {
            throw .invalid("Leading dim_size of both tensors must match.")
        }
        return [TensorFact(output, PartialShape([max(rows.0, rows.1), inputs[1].shape.dimension(1)]))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, 1, minimumRank: 2) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        let (sorted, values) = (try spec.inputShape(0).dimensions, try spec.inputShape(1).dimensions)
        let kernel = Kernel.search(
            rows: values[0], sorted: sorted[1], values: values[1], isUpper: isUpper, dtype, output: output)
        guard let kernel else { throw .unsupported(dtype) }
        return kernel
    }
}
