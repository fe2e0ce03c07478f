internal import Kernels
internal import Tensors

extension OpTable {
    /// The same elements in the same order under another shape.
    static let reshaping: [OpEntry] = [
        OpEntry("Reshape", make: Reshape.init),
        OpEntry("ExpandDims", make: ExpandDims.init),
        OpEntry("Squeeze", make: Squeeze.init),
    ]
}

/// The elements under the shape that input 1 gives; one -1 in it stands for what is left.
///
/// - Inputs: `tensor`, of any dtype; `shape`, int32 or int64, a vector (a scalar is read as a vector of one).
/// - Outputs: one tensor, the same memory.
struct Reshape: MovementOp {
    init() {}

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let requested = inputs[1]
        guard requested.shape.rank ?? 1 <= 1 else {
            throw .invalid("sizes input must be 1-D, not \(requested.shape)")
        }
        guard let sizes = try requested.indices("shape") else {
            let rank = requested.shape.rank == 0 ? 1 : requested.shape.dimension(0)
            return [TensorFact(inputs[0].dtype, try .ofRank(checking: rank))]
        }
        return [TensorFact(inputs[0].dtype, try Self.shape(sizes, for: inputs[0].shape))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        if node.batchSizes(0) != nil { return node.handingOn { node.mixed } }
        guard let rows = node.rows(0), let target = node.sizes(1), let first = target.first,
            let input = node.inputs[0].shape.known?.dimensions
        else { return node.mixed }
        // All elements of a row, of which the slices of the result must be a part each.
        guard var left = BatchSize.rows(rows).times(.fixed(input.dropFirst().wrappingProduct)) else {
            return node.mixed
        }
        var isOpen = first == .fixed(-1)
        if case .rows(let count) = first {
            guard count > 0, let rest = left.divided(by: first) else { return node.mixed }
            left = rest
        } else if !isOpen {
            return node.mixed
        }
        for size in target.dropFirst() {
            guard case .fixed(let size) = size, size != 0 else { return node.mixed }
            if size < 0 {
                guard !isOpen else { return node.mixed }
                isOpen = true
            } else {
                guard let rest = left.divided(by: .fixed(size)) else { return node.mixed }
                left = rest
            }
        }
        switch (left, first) {
        case (.rows(let count), .fixed) where count > 0: return [.rows(count)]
        case (.fixed(let rest), .rows(let count)) where isOpen || rest == 1: return [.rows(count)]
        default: return node.mixed
        }
    }

    func movement(_ inputs: [TensorFact]) -> Movement? { .reshape }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { .alias() }

    private static func shape(_ sizes: [Int], for input: PartialShape) throws(OpError) -> PartialShape {
        _ = try PartialShape.ofRank(checking: sizes.count)
        let open = try openIndex(sizes)
        var known = 1
        for size in sizes where size > 0 {
            let (product, overflow) = known.multipliedReportingOverflow(by: size)
            guard !overflow else { throw .invalid("Shape \(sizes) has too many elements") }
            known = product
        }
        guard input.isFullyDefined, let dimensions = input.dimensions else { return PartialShape(sizes) }
        var result = sizes
        if let open {
            // A zero among the input's dimensions counts only if there is none among the sizes: TensorFlow's own rule.
            let count = try PartialShape.product(sizes.contains(0) ? dimensions.filter { $0 > 0 } : dimensions)
            guard count % known == 0 else {
                throw .invalid(
                    "Input to reshape is a tensor with \(count) values, but the requested shape requires a multiple of "
                        + "\(known)")
            }
            result[open] = count / known
        }
        let total = dimensions.contains(0) ? 0 : try PartialShape.product(dimensions)
        let requested = result.contains(0) ? 0 : try PartialShape.product(result)
        guard total == requested else {
            throw .invalid(
                "Input to reshape is a tensor with \(total) values, but the requested shape has \(requested)")
        }
        return PartialShape(result)
    }

    /// Where the -1 is.
    private static func openIndex(_ sizes: [Int]) throws(OpError) -> Int? {
        var open: Int?
        for (index, size) in sizes.enumerated() where size < 0 {
            guard size == -1 else { throw .invalid("Size \(index) must be non-negative, not \(size)") }
            if let open { throw .invalid("Only one input size may be -1, not both \(open) and \(index)") }
            open = index
        }
        return open
    }
}

/// The tensor with a dimension of 1 more, where input 1, `dim`, tells.
struct ExpandDims: MovementOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let axis = try inputs[1].index("dim", wrongCount: "'dim' must be a tensor with a single value")
        guard var dimensions = inputs[0].shape.dimensions else { return [TensorFact(inputs[0].dtype, .unknown)] }
        let result = try PartialShape.ofRank(checking: dimensions.count + 1)
        guard let axis else { return [TensorFact(inputs[0].dtype, result)] }
        let place = try axis.axis(
            rank: dimensions.count + 1,
            outOfRange: "Tried to expand dim index \(axis) for tensor with \(dimensions.count) dimensions.")
        dimensions.insert(1, at: place)
        return [TensorFact(inputs[0].dtype, PartialShape(dimensions))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        node.handingOn {
            let place = node.axis(1, rank: node.rank(0).map { $0 + 1 })
            return place.map { $0 > 0 } == true ? node.rowwise(0) : node.mixed
        }
    }

    func movement(_ inputs: [TensorFact]) -> Movement? { .reshape }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { .alias() }
}

/// The tensor without some, or without all, of its dimensions of 1. Attributes: `squeeze_dims`, empty for all.
struct Squeeze: MovementOp {
    private let axes: [Int]

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        axes = try node.ints("squeeze_dims", default: [])
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let dimensions = inputs[0].shape.dimensions else { return [TensorFact(inputs[0].dtype, .unknown)] }
        if axes.isEmpty {
            let isKnown = inputs[0].shape.isFullyDefined
            return [TensorFact(inputs[0].dtype, isKnown ? PartialShape(dimensions.filter { $0 != 1 }) : .unknown)]
        }
        var dropped = Set<Int>()
        for axis in axes {
            let place = try axis.axis(
                rank: dimensions.count,
                outOfRange: "Tried to squeeze dim index \(axis) for tensor with \(dimensions.count) dimensions.")
            guard dimensions[place] == 1 || dimensions[place] < 0 else {
                throw .invalid("Can not squeeze dim[\(place)], expected a dimension of 1, got \(dimensions[place])")
            }
            dropped.insert(place)
        }
        let kept = dimensions.indices.filter { !dropped.contains($0) }.map { dimensions[$0] }
        return [TensorFact(inputs[0].dtype, PartialShape(kept))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        node.handingOn {
            // Without a list, a batch of one row would lose its dimension, and others not.
            let places = axes.map { BatchedNode.place($0, rank: node.rank(0)) }
            return places.isEmpty || places.contains(nil) || places.contains(0) ? node.mixed : node.rowwise(0)
        }
    }

    func movement(_ inputs: [TensorFact]) -> Movement? { .reshape }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { .alias() }
}
