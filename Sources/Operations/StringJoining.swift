internal import Kernels
internal import Tensors

extension OpTable {
    /// Strings put together.
    static let stringJoining: [OpEntry] = [
        OpEntry("StringJoin", make: StringJoin.init),
        OpEntry("ReduceJoin", make: ReduceJoin.init),
        OpEntry("UnsortedSegmentJoin", make: UnsortedSegmentJoin.init),
    ]
}

extension Tensor {
    /// The most bytes that an op may make of strings which it repeats.
    static let repeatedStringsLimitBytes = 1 << 30

    /// Checks how many bytes strings would take together.
    static func requireRoom(_ strings: [[UInt8]]) throws(CompileError) {
        var total = 0
        for string in strings {
            total = total.addingReportingOverflow(string.count + DataType.string.stride).partialValue
        }
        guard total <= repeatedStringsLimitBytes else {
            throw CompileError(
                .resourceExhausted, "the strings would take more than \(repeatedStringsLimitBytes) bytes")
        }
    }
}

/// The inputs' strings end to end.
///
/// - Inputs: strings of one shape, or scalars, which go with each element.
/// - Attributes: `separator`.
struct StringJoin: TensorOp {
    private let separator: [UInt8]

    init(_ node: NodeReader) throws(CompileError) {
        separator = Array(try node.string("separator", default: "").utf8)
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        var result = PartialShape.scalar
        for input in inputs {
            try input.require(.string, "inputs")
            if input.shape.rank == 0 { continue }
            // A shape of which nothing is known may be that of a scalar.
            if result.rank == 0 {
                result = input.shape
            } else if input.shape.rank != nil {
                guard let merged = result.merged(with: input.shape) else {
                    throw .invalid("Input shapes do not match: \(result) vs. \(input.shape)")
                }
                result = merged
            }
        }
        return [TensorFact(.string, result)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        guard let shape = try check(inputs)[0].shape.known else { throw .invalid("Input shapes do not match") }
        var parts: [[[UInt8]]] = []
        for input in inputs { parts.append(try input.bytes("inputs")) }
        var results: [[UInt8]] = []
        for index in 0..<shape.elementCount {
            results.append(Array(parts.map { $0[$0.count == 1 ? 0 : index] }.joined(separator: separator)))
        }
        try Tensor.requireRoom(results)
        return [try .holding(results, shape)]
    }
}

/// The strings along some axes end to end.
///
/// - Inputs: `inputs`; `reduction_indices`: the axes, of which the first runs fastest; without any,
///   each string is itself.
/// - Attributes: `keep_dims`, `separator`.
struct ReduceJoin: TensorOp {
    private let keepsDimensions: Bool
    private let separator: [UInt8]

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(2)
        keepsDimensions = try node.bool("keep_dims", default: false)
        separator = Array(try node.string("separator", default: "").utf8)
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "inputs")
        let listed = try inputs[1].indices("reduction_indices")
        guard let sizes = inputs[0].shape.dimensions, let listed else { return [TensorFact(.string, .unknown)] }
        let axes = try axes(listed, rank: sizes.count)
        var result: [Int] = []
        for (axis, size) in sizes.enumerated() {
            if !axes.contains(axis) { result.append(size) } else if keepsDimensions { result.append(1) }
        }
        return [TensorFact(.string, PartialShape(result))]
    }

    private func axes(_ listed: [Int], rank: Int) throws(CompileError) -> [Int] {
        var axes: [Int] = []
        for index in listed {
            guard index >= -rank, index < rank else {
                throw .invalid("Invalid reduction dimension \(index) for input with \(rank) dimension(s)")
            }
            let axis = index < 0 ? index + rank : index
            guard !axes.contains(axis) else { throw .invalid("Duplicate reduction dimension \(axis)") }
            axes.append(axis)
        }
        return axes
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        let shape = inputs[0].shape
        guard let output = try check(inputs)[0].shape.known else { throw .invalid("the axes are not known") }
        let axes = try axes(try inputs[1].wholeNumbers("reduction_indices"), rank: shape.rank)
        let strings = try inputs[0].bytes("inputs")
        if axes.isEmpty { return [try .holding(strings, output)] }
        let strides = shape.byteStrides(width: 1)
        let kept = shape.dimensions.indices.filter { !axes.contains($0) }
        let starts = Self.places(kept.map { (shape.dimensions[$0], strides[$0]) })
        let steps = Self.places(axes.reversed().map { (shape.dimensions[$0], strides[$0]) })
        let results = starts.map { start in
            Array(steps.map { strings[start + $0] }.joined(separator: separator))
        }
        try Tensor.requireRoom(results)
        return [try .holding(results, output)]
    }

    private static func places(_ axes: [(size: Int, stride: Int)]) -> [Int] {
        axes.reduce([0]) { places, axis in
            places.flatMap { place in (0..<axis.size).map { place + $0 * axis.stride } }
        }
    }
}

/// The strings of each segment end to end.
///
/// - Inputs: `inputs`; `segment_ids`, int32 or int64, whose shape begins the inputs' shape; `num_segments`,
///   which all ids are below.
/// - Attributes: `separator`.
struct UnsortedSegmentJoin: TensorOp {
    private let separator: [UInt8]

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(3)
        separator = Array(try node.string("separator", default: "").utf8)
    }

    var valueInputs: [Int] { [2] }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "inputs")
        guard inputs[2].shape.rank ?? 0 == 0 else {
            throw .invalid("Number of segments should be a scalar, got shape \(inputs[2].shape)")
        }
        let segments = try inputs[2].indices("num_segments")?.first
        if let segments, segments < 0 { throw .invalid("Number of segments must not be negative, got \(segments)") }
        guard let data = inputs[0].shape.dimensions, let ids = inputs[1].shape.dimensions else {
            return [TensorFact(.string, .unknown)]
        }
        guard ids.count <= data.count, !ids.isEmpty,
            zip(data, ids).allSatisfy({ $0 < 0 || $1 < 0 || $0 == $1 })
        else {
            throw .invalid(
                "segment_ids' shape must be a prefix of that of inputs: \(inputs[1].shape) vs. \(inputs[0].shape)")
        }
        return [TensorFact(.string, PartialShape([segments ?? PartialShape.unknownDimension] + data[ids.count...]))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        guard let shape = try check(inputs)[0].shape.known,
            shape.byteCount(of: .string) ?? .max <= Tensor.repeatedStringsLimitBytes
        else { throw CompileError(.resourceExhausted, "the segments would take too much memory") }
        let strings = try inputs[0].bytes("inputs")
        let ids = try inputs[1].wholeNumbers("segment_ids")
        let segments = try inputs[2].oneWholeNumber("num_segments")
        let width = shape.dimensions.dropFirst().reduce(1, &*)
        var results = [[UInt8]](repeating: [], count: shape.elementCount)
        for (row, id) in ids.enumerated() {
            guard id >= 0, id < segments else {
                throw .invalid("segment_ids are not allowed to exceed num_segments or to have negative values.")
            }
            for column in 0..<width {
                let place = id * width + column
                let string = strings[row * width + column]
                // Empty strings in front get no separator after them.
                results[place] += results[place].isEmpty ? string : separator + string
            }
        }
        return [try .holding(results, shape)]
    }
}
