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
    /// The maximum number of bytes that an op may make of strings which it repeats.
    static let repeatedStringsLimitBytes = 1 << 30
}

/// Puts strings together, with a separator between them.
///
/// The strings are gone through twice: once to know how many bytes they have, once to copy them.
struct StringJoiner {
    private let separator: [UInt8]
    private let shape: Shape
    private let account: RunAccount

    init(_ separator: [UInt8], _ shape: Shape, _ account: RunAccount) {
        self.separator = separator
        self.shape = shape
        self.account = account
    }

    /// A tensor of which each string is put together of parts.
    ///
    /// - `visit`: Hands the parts of string number `index` on, in order.
    func joined(
        _ visit: (_ index: Int, _ part: (TensorString) throws(OpError) -> Void) throws(OpError) -> Void
    ) throws(OpError) -> Tensor {
        var bytes = ByteSum()
        var work = WorkCount(account)
        for index in 0..<shape.elementCount {
            var isFirst = true
            try visit(index) { (part) throws(OpError) in
                if !isFirst { bytes.add(separator.count) }
                isFirst = false
                bytes.add(part.count)
                try work.add(DataType.string.stride)
            }
            try work.add(DataType.string.stride)
        }
        var result = try StringTensorBuilder(shape, byteCount: bytes.total, account)
        for index in 0..<shape.elementCount {
            var isFirst = true
            try visit(index) { (part) throws(OpError) in
                if !isFirst { try result.append(separator) }
                isFirst = false
                try result.append(part.bytes)
            }
            try result.endString()
        }
        return try result.tensor()
    }
}

/// The inputs' strings end to end.
///
/// - Inputs: strings of one shape, or scalars, which go with each element.
/// - Attributes: `separator`.
struct StringJoin: TensorOp {
    private let separator: [UInt8]

    init(_ node: NodeReader) throws(OpError) {
        separator = Array(try node.string("separator", default: "").utf8)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
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

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        guard let shape = try check(inputs)[0].shape.known else { throw .invalid("Input shapes do not match") }
        var parts: [StringElements] = []
        for input in inputs { parts.append(try input.stringElements("inputs")) }
        return [
            try StringJoiner(separator, shape, account).joined { (index, part) throws(OpError) in
                for strings in parts { try part(strings[strings.count == 1 ? 0 : index]) }
            }
        ]
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

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        keepsDimensions = try node.bool("keep_dims", default: false)
        separator = Array(try node.string("separator", default: "").utf8)
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
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

    private func axes(_ listed: [Int], rank: Int) throws(OpError) -> [Int] {
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

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let shape = inputs[0].shape
        // The rule reads the axes into arrays.
        try account.reserve(inputs[1].shape.elementCount, of: (Int, Int, Int).self)
        guard let output = try check(inputs)[0].shape.known else { throw .invalid("the axes are not known") }
        let axes = try axes(try inputs[1].wholeNumbers("reduction_indices"), rank: shape.rank)
        let strings = try inputs[0].stringElements("inputs")
        if axes.isEmpty { return [try account.strings(strings, output)] }
        let strides = shape.byteStrides(width: 1)
        let kept = shape.dimensions.indices.filter { !axes.contains($0) }
        let starts = AxisPlaces(kept.map { (shape.dimensions[$0], strides[$0]) })
        let steps = AxisPlaces(axes.reversed().map { (shape.dimensions[$0], strides[$0]) })
        return [
            try StringJoiner(separator, output, account).joined { (index, part) throws(OpError) in
                let start = starts[index]
                for step in 0..<steps.count { try part(strings[start + steps[step]]) }
            }
        ]
    }

    /// The places that some axes lead to, the last running fastest.
    private struct AxisPlaces {
        /// The last axis first.
        private let axes: [(size: Int, stride: Int)]
        let count: Int

        init(_ axes: [(size: Int, stride: Int)]) {
            self.axes = axes.reversed()
            count = axes.reduce(1) { $0 * $1.size }
        }

        subscript(index: Int) -> Int {
            var (rest, place) = (index, 0)
            for axis in axes {
                place += rest % axis.size * axis.stride
                rest /= axis.size
            }
            return place
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

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        separator = Array(try node.string("separator", default: "").utf8)
    }

    var valueInputs: [Int] { [2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
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

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        guard let shape = try check(inputs)[0].shape.known else {
            throw OpError(.resourceExhausted, "the segments would take too much memory")
        }
        let strings = try inputs[0].stringElements("inputs")
        let ids = try inputs[1].wholeNumberElements("segment_ids")
        let segments = try inputs[2].oneWholeNumber("num_segments")
        let width = shape.dimensions.dropFirst().reduce(1, &*)
        guard ids.allSatisfy({ $0 >= 0 && $0 < segments }) else {
            throw .invalid("segment_ids are not allowed to exceed num_segments or to have negative values.")
        }
        let lists = try SegmentLists(ids, segments, account)
        return [
            try StringJoiner(separator, shape, account).joined { (index, part) throws(OpError) in
                // Empty strings in front get no separator after them.
                var hasBytes = false
                try lists.forEachRow(of: index / width) { (row) throws(OpError) in
                    let string = strings[row * width + index % width]
                    if hasBytes || string.count > 0 { try part(string) }
                    if string.count > 0 { hasBytes = true }
                }
            }
        ]
    }
}

/// The rows of each segment, in order.
private struct SegmentLists {
    private static let none = -1
    private var first: [Int]
    private var next: [Int]

    init(_ ids: WholeNumbers, _ segments: Int, _ account: RunAccount) throws(OpError) {
        first = try account.array(repeating: Self.none, count: segments)
        next = try account.array(repeating: Self.none, count: ids.count)
        for row in ids.indices.reversed() {
            next[row] = first[ids[row]]
            first[ids[row]] = row
        }
    }

    func forEachRow(of segment: Int, _ body: (Int) throws(OpError) -> Void) throws(OpError) {
        var row = first[segment]
        while row != Self.none {
            try body(row)
            row = next[row]
        }
    }
}
