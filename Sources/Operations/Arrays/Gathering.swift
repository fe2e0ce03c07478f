internal import Kernels
internal import Tensors

extension OpTable {
    /// Slices by index.
    static let gathering: [OpEntry] = [
        OpEntry("Gather", make: Gather.init(_:hasAxis:), false),
        OpEntry("GatherV2", make: Gather.init(_:hasAxis:), true),
        OpEntry("ResourceGather", make: ResourceGather.table),
        OpEntry("ResourceGatherNd", make: ResourceGather.tuples),
    ]
}

/// Slices of `params` along an axis, in the order that `indices` tell.
///
/// - Inputs: `params`; `indices`, int16, int32 or int64, of any shape; for GatherV2 `axis`, a scalar.
/// - Outputs: params' dimensions with those of the indices in the place of the axis. An index that is not in
///   `[0, params.shape[axis])` is an error of the run.
/// - Attributes: `batch_dims` (GatherV2): leading dimensions that params and indices share. `validate_indices` (Gather)
///   changes nothing: they are always checked.
struct Gather: KernelOp {
    private let hasAxis: Bool
    private let batchDims: Int

    init(_ node: NodeReader, hasAxis: Bool) throws(OpError) {
        try node.expectInputs(hasAxis ? 3 : 2)
        self.hasAxis = hasAxis
        batchDims = hasAxis ? try node.int("batch_dims", default: 0) : 0
    }

    /// Slices along the first axis.
    static let rows = Gather(batchDims: 0)

    /// Without an axis: the one behind the batch dimensions.
    fileprivate init(batchDims: Int) {
        hasAxis = false
        self.batchDims = batchDims
    }

    var valueInputs: [Int] { hasAxis ? [2] : [] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard IndexReader(inputs[1].dtype) != nil, inputs[1].dtype != .int8, inputs[1].dtype != .uint8 else {
            throw .unsupported(inputs[1].dtype)
        }
        guard inputs[0].shape.rank ?? 1 > 0 else { throw .invalid("params must be at least 1 dimensional") }
        let axis = try axis(inputs)
        guard let params = inputs[0].shape.dimensions, let indices = inputs[1].shape.dimensions else {
            return [TensorFact(inputs[0].dtype, .unknown)]
        }
        let batch = try batchCount(indicesRank: indices.count, paramsRank: params.count)
        let rank = params.count - 1 + indices.count - batch
        guard let axis else { return [TensorFact(inputs[0].dtype, try .ofRank(checking: rank))] }
        let place = try axis.axis(
            rank: params.count,
            outOfRange: "Expected axis in the range [\(-params.count), \(params.count)), but got \(axis)")
        guard batch <= place else {
            throw .invalid("batch_dims (\(batch)) must be less than or equal to axis (\(place)).")
        }
        var result = Array(params[..<place])
        for index in 0..<batch {
            guard params[index] < 0 || indices[index] < 0 || params[index] == indices[index] else {
                throw .invalid(
                    "params.shape[\(index)]: \(params[index]) should be equal to indices.shape[\(index)]: "
                        + "\(indices[index])")
            }
            result[index] = max(params[index], indices[index])
        }
        result += indices[batch...] + params[(place + 1)...]
        return [TensorFact(inputs[0].dtype, PartialShape(result))]
    }

    private func axis(_ inputs: [TensorFact]) throws(OpError) -> Int? {
        guard hasAxis else { return batchDims }
        guard inputs[2].shape.rank ?? 0 == 0 else { throw .invalid("axis must be scalar") }
        return try inputs[2].indices("axis")?.first
    }

    private func batchCount(indicesRank: Int, paramsRank: Int) throws(OpError) -> Int {
        guard batchDims >= -indicesRank, batchDims <= indicesRank else {
            throw .invalid(
                "Expected batch_dims in the range [\(-indicesRank), \(indicesRank)], but got \(batchDims)")
        }
        let count = batchDims < 0 ? batchDims + indicesRank : batchDims
        guard count < paramsRank else {
            throw .invalid("batch_dims (\(count)) must be less than rank(params) (\(paramsRank)).")
        }
        return count
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let rank = node.rank(0), let listed = hasAxis ? node.integers(2)?.first : batchDims,
            let place = BatchedNode.place(listed, rank: rank), hasAxis || batchDims >= 0
        else { return node.mixed }
        if let sizes = node.batchSizes(0), rank == 1, let indices = node.integers(1) {
            guard indices.allSatisfy(sizes.indices.contains) else { return node.mixed }
            return [.sizes(indices.map { sizes[$0] })]
        }
        let axis: Set<Int> = hasAxis ? [2] : []
        guard axis.allSatisfy(node.isShared) else { return node.mixed }
        switch (node.rows(0), node.rows(1)) {
        case (nil, let rows?) where node.isShared(0) && place == 0 && batchDims == 0: return [.rows(rows)]
        case (let rows?, nil) where node.isShared(1) && place > 0 && batchDims == 0: return [.rows(rows)]
        case (let rows?, let other?) where rows == other && batchDims > 0: return [.rows(rows)]
        default: return node.mixed
        }
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let params = try spec.inputShape(0)
        let indices = try spec.inputShape(1)
        guard try spec.outputShape().elementCount > 0 else { return .nothing }
        guard let axis = try axis(spec.inputs), let reader = IndexReader(spec.inputs[1].dtype) else {
            throw OpError(.malformed, "the axis is not known")
        }
        let place = try axis.normalizedAxis(rank: params.rank)
        let batch = try batchCount(indicesRank: indices.rank, paramsRank: params.rank)
        let rows = IndexedRows(
            batchCount: params.dimensions[..<batch].wrappingProduct,
            outerCount: params.dimensions[batch..<place].wrappingProduct, axisSize: params.dimensions[place],
            indicesPerBatch: indices.dimensions[batch...].wrappingProduct,
            rowBytes: params.dimensions[(place + 1)...].wrappingProduct &* width, indices: reader,
            indicesShape: indices)
        return rows.kernel
    }
}

/// Slices of a resource variable, by index (ResourceGather) or by tuples of indices (ResourceGatherNd).
///
/// - Inputs: the variable's handle; `indices`.
/// - Attributes: `dtype`; `batch_dims` (ResourceGather): leading dimensions that both share, the axis is the one behind them.
struct ResourceGather: VariableConsuming {
    static var traits: OpTraits { .state }

    private enum Kind: Hashable {
        case table(Gather)
        case tuples(GatherNd)
    }

    private let kind: Kind
    private let dtype: DataType

    private init(_ node: NodeReader, _ kind: Kind) throws(OpError) {
        try node.expectInputs(2)
        self.kind = kind
        dtype = try node.type("dtype")
    }

    static func table(_ node: NodeReader) throws(OpError) -> ResourceGather {
        let batchDims = try node.int("batch_dims", default: 0)
        guard batchDims >= 0 else {
            throw OpError(.unsupported, "batch_dims is \(batchDims)", node: node.name, op: node.op)
        }
        return try ResourceGather(node, .table(Gather(batchDims: batchDims)))
    }

    static func tuples(_ node: NodeReader) throws(OpError) -> ResourceGather {
        try ResourceGather(node, .tuples(GatherNd(node)))
    }

    var operation: any Op {
        switch kind {
        case .table(let gather): gather
        case .tuples(let gather): gather
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let variable = inputs[0].variable else { throw .unsupported("the handle is not that of a variable") }
        guard variable.dtype == dtype else {
            throw .invalid("reads \(dtype), the variable \(variable.name) is \(variable.dtype)")
        }
        return try operation.outputs(for: [TensorFact(variable.dtype, variable.shape), inputs[1]])
    }
}
