internal import Kernels
internal import Tensors

extension OpTable {
    /// Rows folded by the number of their segment.
    static let segments: [OpEntry] = [
        sorted("SegmentSum", .sum),
        sorted("SegmentMean", .mean),
        sorted("SegmentProd", .product),
        sorted("SegmentMax", .max),
        sorted("SegmentMin", .min),
        unsorted("UnsortedSegmentSum", .sum),
        unsorted("UnsortedSegmentProd", .product),
        unsorted("UnsortedSegmentMax", .max),
        unsorted("UnsortedSegmentMin", .min),
        sparse("SparseSegmentSum", .sum),
        sparse("SparseSegmentMean", .mean),
        sparse("SparseSegmentSqrtN", .sumBySqrt),
        sparse("SparseSegmentSumWithNumSegments", .sum, hasCount: true),
        sparse("SparseSegmentMeanWithNumSegments", .mean, hasCount: true),
        sparse("SparseSegmentSqrtNWithNumSegments", .sumBySqrt, hasCount: true),
    ]

    private static func sorted(_ name: String, _ kind: SegmentFold.Kind) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> Segments in
            try node.expectInputs(2)
            return Segments(kind: kind, form: .dense)
        }
    }

    private static func sparse(_ name: String, _ kind: SegmentFold.Kind, hasCount: Bool = false) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> Segments in
            try node.expectInputs(hasCount ? 4 : 3)
            return Segments(kind: kind, form: .sparse(hasCount: hasCount))
        }
    }

    private static func unsorted(_ name: String, _ kind: SegmentFold.Kind) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> UnsortedSegments in
            try node.expectInputs(3)
            return UnsortedSegments(kind: kind)
        }
    }
}

/// Neighbouring rows of one segment become one row: row `n` of the output is the fold of those whose number is `n`.
///
/// - Inputs: `data`, rank 1 or more; sparse: `indices`, int32 or int64, which rows are taken; `segment_ids`, int32 or int64, a
///   number for each row, not going down; perhaps `num_segments`.
/// - Outputs: as many rows as the largest number tells, or as `num_segments`. A segment without rows is 0 (Prod: 1).
struct Segments: KernelOp {
    enum Form: Hashable {
        case dense
        /// Rows are taken by index.
        case sparse(hasCount: Bool)
    }

    let kind: SegmentFold.Kind
    let form: Form

    private var idsInput: Int { form == .dense ? 1 : 2 }
    private var hasCount: Bool { form == .sparse(hasCount: true) }

    var valueInputs: [Int] { hasCount ? [2, 3] : [idsInput] }

    /// A run may be one row; the list of runs grows.
    func valueBytes(for inputs: [TensorFact]) -> Int { elementBytes(of: inputs, each: 112) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (data, ids) = (inputs[0], inputs[idsInput])
        guard data.shape.rank ?? 1 > 0 else {
            throw .invalid(form == .dense ? "input must be at least rank 1" : "Shape must be at least rank 1")
        }
        guard form == .dense || inputs[1].shape.rank ?? 1 == 1 else { throw .invalid("indices should be a vector.") }
        guard ids.shape.rank ?? 1 == 1 else { throw .invalid("segment_ids should be a vector.") }
        let rows = form == .dense ? data.shape.dimension(0) : inputs[1].shape.dimension(0)
        let length = ids.shape.dimension(0)
        guard rows < 0 || length < 0 || rows == length else {
            throw .invalid(
                form == .dense
                    ? "segment_ids should be the same size as dimension 0 of input."
                    : "segment_ids and indices should have same size.")
        }
        let count = try segmentCount(inputs)
        guard let dimensions = data.shape.dimensions else { return [TensorFact(data.dtype, .unknown)] }
        return [TensorFact(data.dtype, PartialShape([count] + dimensions.dropFirst()))]
    }

    /// The number of rows of the output, unknown if it cannot be told.
    private func segmentCount(_ inputs: [TensorFact]) throws(OpError) -> Int {
        var count: Int?
        if hasCount {
            guard inputs[3].shape.rank ?? 0 == 0 else {
                throw .invalid("num_segments should be a scalar, not shape \(inputs[3].shape)")
            }
            count = try inputs[3].indices("num_segments")?.first
            if let count, count < 0 { throw .invalid("segment ids must be >= 0") }
        }
        guard let ids = try inputs[idsInput].indices("segment_ids") else {
            return count ?? PartialShape.unknownDimension
        }
        if let first = ids.first, first < 0 {
            throw .invalid(
                form == .dense
                    ? "Segment id \(first) out of range [0, \(max(0, try (ids.last ?? 0).plus(1)))), possibly because "
                        + "'segment_ids' input is not sorted."
                    : "segment ids must be >= 0")
        }
        for (id, next) in zip(ids, ids.dropFirst()) where next < id { throw .invalid("segment ids are not increasing") }
        guard let last = ids.last else { return hasCount ? count ?? PartialShape.unknownDimension : 0 }
        guard hasCount else { return try last.plus(1) }
        guard let count else { return PartialShape.unknownDimension }
        guard last < count else { throw .invalid("segment ids must be < num_segments") }
        return count
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        let data = try spec.inputShape(0)
        let output = try spec.outputShape()
        guard let fold = SegmentFold(kind, dtype),
            let empty = ElementValue(kind == .product ? 1 : 0, as: dtype)
        else { throw .unsupported(dtype) }
        guard let ids = spec.inputs[idsInput].integers else {
            throw OpError(.malformed, "segment_ids are not known")
        }
        var indices: (input: Int, reader: IndexReader, limit: Int)?
        if form != .dense { indices = (1, try spec.inputs[1].indexReader(), data.dimensions[0]) }
        return .fold(
            fold, runs: SegmentRun.runs(ids), rowSize: data.dimensions.dropFirst().wrappingProduct, empty: empty,
            outputCount: output.elementCount, indices: indices)
    }
}

/// Rows of one segment, wherever they are, become one row.
///
/// - Inputs: `data`; `segment_ids`, int32 or int64, whose dimensions are the first ones of data, a negative number for what is
///   left out; `num_segments`.
/// - Outputs: `num_segments` rows. A segment without rows is 0, 1 for Prod, the least or greatest finite number for Max and
///   Min. A number that is too large is an error of the run.
struct UnsortedSegments: KernelOp {
    let kind: SegmentFold.Kind

    var valueInputs: [Int] { [2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[2].shape.rank ?? 0 == 0 else {
            throw .invalid("num_segments should be a scalar, not shape \(inputs[2].shape)")
        }
        let count = try inputs[2].indices("num_segments")?.first
        if let count, count < 0 { throw .invalid("Input num_segments == \(count) must not be negative.") }
        guard let data = inputs[0].shape.dimensions, let ids = inputs[1].shape.dimensions else {
            return [TensorFact(inputs[0].dtype, .unknown)]
        }
        guard ids.count <= data.count,
            PartialShape(Array(data.prefix(ids.count))).merged(with: inputs[1].shape) != nil
        else {
            throw .invalid(
                "data.shape = \(inputs[0].shape) does not start with segment_ids.shape = \(inputs[1].shape)")
        }
        let sizes = [count ?? PartialShape.unknownDimension] + data[ids.count...]
        _ = try PartialShape.ofRank(checking: sizes.count)
        return [TensorFact(inputs[0].dtype, PartialShape(sizes))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        guard let fold = SegmentFold(kind, dtype) else { throw .unsupported(dtype) }
        let output = try spec.outputShape()
        guard let count = output.dimensions.first else { throw OpError(.malformed, "the output is a scalar") }
        return .fold(
            fold, ids: try spec.inputs[1].indexReader(), idsShape: try spec.inputShape(1),
            rowSize: output.dimensions.dropFirst().wrappingProduct, segmentCount: count)
    }
}
