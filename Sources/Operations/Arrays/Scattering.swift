internal import Kernels
internal import Tensors

extension OpTable {
    /// Slices read and written by tuples of indices.
    static let scattering: [OpEntry] = [
        OpEntry("GatherNd", make: GatherNd.init),
        OpEntry("ScatterNd", make: ScatterNd.init),
        scatter("ScatterNdNonAliasingAdd", .add),
        scatter("TensorScatterUpdate", nil),
        scatter("TensorScatterAdd", .add),
        scatter("TensorScatterSub", .subtract),
        scatter("TensorScatterMax", .maximum),
        scatter("TensorScatterMin", .minimum),
    ]

    private static func scatter(_ name: String, _ formula: BinaryFormula?) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(OpError) -> TensorScatter in
            try node.expectInputs(3)
            return TensorScatter(formula: formula, ignoresBad: try node.ignoresBadIndices())
        }
    }
}

/// What becomes of indices that are out of range.
private enum BadIndicesPolicy: String {
    case standard = ""
    case standardByName = "DEFAULT"
    case error = "ERROR"
    case ignore = "IGNORE"
}

extension NodeReader {
    /// The attribute `bad_indices_policy`.
    fileprivate func ignoresBadIndices() throws(OpError) -> Bool {
        try choice("bad_indices_policy", default: BadIndicesPolicy.standard) == .ignore
    }
}

extension TensorFact {
    /// How this input's elements are read as indices: int32, int64, perhaps int16.
    ///
    /// - Throws: `unsupported` for other dtypes.
    func indexReader(allowsInt16: Bool = false) throws(OpError) -> IndexReader {
        guard dtype == .int32 || dtype == .int64 || dtype == .int16 && allowsInt16, let reader = IndexReader(dtype)
        else {
            throw .unsupported(dtype)
        }
        return reader
    }
}

/// The elements or slices of `params` that tuples of indices name.
///
/// - Inputs: `params`; `indices`, int16, int32 or int64, whose last axis is a tuple: an index for each leading axis of params.
/// - Outputs: the indices' other dimensions, then those of params that tuples do not name. A tuple that is out of range is an
///   error of the run, or gives zeros.
/// - Attributes: `bad_indices_policy`: IGNORE, or ERROR (also "" and DEFAULT).
struct GatherNd: KernelOp {
    private let ignoresBad: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        ignoresBad = try node.ignoresBadIndices()
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let dtype = inputs[0].dtype
        guard inputs[0].shape.rank ?? 1 > 0 else { throw .invalid("params must be at least a vector") }
        guard inputs[1].shape.rank ?? 1 > 0 else { throw .invalid("indices must be at least a vector") }
        guard let params = inputs[0].shape.dimensions, let indices = inputs[1].shape.dimensions,
            let length = indices.last, length >= 0
        else { return [TensorFact(dtype, .unknown)] }
        guard length <= params.count else {
            throw .invalid(
                "index innermost dimension length must be <= params rank; saw: \(length) vs. \(params.count)")
        }
        let result = PartialShape(Array(indices.dropLast() + params[length...]))
        _ = try PartialShape.ofRank(checking: result.rank ?? 0)
        let places = indices.dropLast()
        if params.contains(0), !params.contains(-1), !places.contains(where: { $0 <= 0 }) {
            throw .invalid("Requested more than 0 entries, but params is empty.  Params shape: \(inputs[0].shape)")
        }
        return [TensorFact(dtype, result)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(1, minimumRank: 2) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let reader = try spec.inputs[1].indexReader(allowsInt16: true)
        guard try spec.outputShape().elementCount > 0 else { return .nothing }
        let tuples = IndexTuples(
            input: 1, shape: try spec.inputShape(1), reader: reader, target: try spec.inputShape(0), isRead: true,
            ignoresBad: ignoresBad)
        return .gather(tuples, width: width)
    }
}

/// Zeros, with updates added where tuples of indices tell.
///
/// - Inputs: `indices`, int32 or int64, rank 2 or more, whose last axis is a tuple; `updates`; `shape`, of the indices' dtype.
/// - Outputs: one tensor of that shape. Updates of the same place add up: numbers; strings are joined, truth values or'ed.
/// - Attributes: `bad_indices_policy`.
struct ScatterNd: KernelOp {
    private let ignoresBad: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        ignoresBad = try node.ignoresBadIndices()
    }

    var valueInputs: [Int] { [2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[2].shape.rank ?? 1 == 1 else { throw .invalid("Shape must be a vector") }
        let sizes = try inputs[2].indices("shape")
        for size in sizes ?? [] where size < 0 { throw .invalid("Dimension \(size) must be >= 0") }
        let shape =
            if let sizes { PartialShape(sizes) } else {
                try PartialShape.ofRank(checking: inputs[2].shape.dimension(0))
            }
        _ = try PartialShape.ofRank(checking: sizes?.count ?? 0)
        try checkUpdates(inputs[0].shape, inputs[1].shape, of: shape)
        return [TensorFact(inputs[1].dtype, shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        guard let update = RowUpdate(.add, dtype) else { throw .unsupported(dtype) }
        return try .scatter(spec, update, indices: 0, updates: 1, base: nil, ignoresBad: ignoresBad)
    }
}

/// A tensor, with updates where tuples of indices tell, one after another.
///
/// - Inputs: `tensor`; `indices`, int32 or int64; `updates`, of the tensor's dtype.
/// - Attributes: `bad_indices_policy`.
struct TensorScatter: KernelOp {
    /// How an update goes together with what is there; nil: it takes its place.
    let formula: BinaryFormula?
    let ignoresBad: Bool

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try [inputs[0], inputs[2]].requireOneDType()
        guard inputs[0].shape.rank ?? 1 > 0 else {
            throw .invalid("Output must be at least 1-D, got shape: \(inputs[0].shape)")
        }
        try checkUpdates(inputs[1].shape, inputs[2].shape, of: inputs[0].shape)
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.outputs[0].dtype
        let update =
            if let formula { RowUpdate(formula, dtype) } else {
                RowUpdate.replace(width: try spec.inputs[0].elementWidth)
            }
        guard let update else { throw .unsupported(dtype) }
        return try .scatter(spec, update, indices: 1, updates: 2, base: 0, ignoresBad: ignoresBad)
    }
}

extension Kernel {
    fileprivate static func scatter(
        _ spec: KernelSpec, _ update: RowUpdate, indices: Int, updates: Int, base: Int?, ignoresBad: Bool
    ) throws(OpError) -> Kernel {
        let reader = try spec.inputs[indices].indexReader()
        let output = try spec.outputShape()
        let tuples = IndexTuples(
            input: indices, shape: try spec.inputShape(indices), reader: reader, target: output, isRead: false,
            ignoresBad: ignoresBad)
        return .scatter(
            tuples, update, base: base, updates: updates, outputBytes: output.elementCount * update.width)
    }
}

/// Checks that updates are as many, and as large, as the places that indices name.
private func checkUpdates(
    _ indicesShape: PartialShape, _ updatesShape: PartialShape, of shape: PartialShape
) throws(OpError) {
    for (part, name) in [(indicesShape, "Indices"), (updatesShape, "Updates")] where part.rank == 0 {
        throw .invalid("\(name) shape must have rank at least one. Found:\(part)")
    }
    guard let indices = indicesShape.dimensions, let length = indices.last, length >= 0,
        let target = shape.dimensions
    else { return }
    // TensorFlow's rule reads a vector as one tuple, its kernel as tuples of one: no shapes satisfy both.
    guard indices.count > 1 else {
        throw .invalid(
            "Dimensions [0,1) of indices[shape=\(indicesShape)] must match dimensions [0,1) of updates[shape="
                + "\(updatesShape)]")
    }
    guard length <= target.count else {
        throw .invalid(
            "Inner dimensions of output shape must match inner dimensions of updates shape. Output: \(shape) updates: "
                + "\(updatesShape)")
    }
    let expected = PartialShape(Array(indices.dropLast() + target[length...]))
    guard expected.merged(with: updatesShape) != nil else {
        throw .invalid(
            "updates must have the shape \(expected), that of the indices \(indicesShape) and of the slices of \(shape), "
                + "not \(updatesShape)")
    }
    guard shape.isFullyDefined, indicesShape.isFullyDefined, updatesShape.isFullyDefined else { return }
    let isEmpty = (indicesShape.isKnownEmpty, updatesShape.isKnownEmpty)
    guard isEmpty == (true, true) || isEmpty == (false, false) && !shape.isKnownEmpty else {
        throw .invalid("Indices and updates specified for empty output shape")
    }
}

extension PartialShape {
    /// Whether a dimension is known to be zero.
    var isKnownEmpty: Bool { dimensions?.contains(0) ?? false }
}
