internal import Kernels
internal import Tensors

/// What Python's indexing gives: ranges with steps, single indices, new axes, an ellipsis.
///
/// - Inputs: `input`; `begin`, `end`, `strides`: int16, int32 or int64 vectors of one length, an entry for each index.
/// - Attributes: five masks, a bit for each entry. `begin_mask`, `end_mask`: that end is open. `ellipsis_mask`: stands for
///   all axes that no entry names. `new_axis_mask`: a dimension of 1. `shrink_axis_mask`: a single index, whose axis goes.
///   Where several are set, the ellipsis comes first, then the new axis.
struct StridedSlice: SlicingOp {
    private let beginMask: Int
    private let endMask: Int
    private let ellipsisMask: Int
    private let newAxisMask: Int
    private let shrinkAxisMask: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(4)
        try self.init(masksOf: node)
    }

    /// For ops that write what this op would take.
    init(masksOf node: NodeReader) throws(OpError) {
        beginMask = try node.int("begin_mask", default: 0)
        endMask = try node.int("end_mask", default: 0)
        ellipsisMask = try node.int("ellipsis_mask", default: 0)
        newAxisMask = try node.int("new_axis_mask", default: 0)
        shrinkAxisMask = try node.int("shrink_axis_mask", default: 0)
        guard ellipsisMask & (ellipsisMask &- 1) == 0 else {
            throw node.malformed("Multiple ellipses in slice spec not allowed")
        }
    }

    var valueInputs: [Int] { [1, 2, 3] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let entries = try resolve(inputs) else { return [TensorFact(inputs[0].dtype, .unknown)] }
        var dimensions: [Int] = []
        for entry in entries {
            switch entry {
            case .newAxis: dimensions.append(1)
            case .axis(let slice): dimensions.append(slice?.count ?? PartialShape.unknownDimension)
            case .index: break
            }
        }
        return [TensorFact(inputs[0].dtype, PartialShape(dimensions))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        let vectors = (1...3).compactMap { node.sizes($0) }
        guard vectors.count == 3, let count = vectors.map(\.count).min(), count == vectors.map(\.count).max(),
            vectors.allSatisfy({ $0.dropFirst().allSatisfy(\.isFixed) })
        else { return node.mixed }
        if let sizes = node.batchSizes(0) {
            guard vectors.joined().allSatisfy(\.isFixed) else { return node.mixed }
            return (try? taken(of: sizes, node.inputs)).map { [.sizes($0)] } ?? node.mixed
        }
        guard let rows = node.rows(0), let rank = node.rank(0) else { return node.mixed }
        guard count > 0 else { return [.rows(rows)] }
        let begin = vectors[0][0]
        let end = vectors[1][0]
        if Self.bit(ellipsisMask, 0) {
            return axesNamed(after: 0, of: count) < rank ? [.rows(rows)] : node.mixed
        }
        // The range over the rows must be that of all of them, however many there are.
        let isWhole =
            (Self.bit(beginMask, 0) || begin == .fixed(0))
            && (Self.bit(endMask, 0) || end == .rows(rows)) && vectors[2][0] == .fixed(1)
        return isWhole && !Self.bit(newAxisMask | shrinkAxisMask, 0) ? [.rows(rows)] : node.mixed
    }

    /// What this op takes of a list of sizes.
    ///
    /// Throws where the slice does not fit, or is not known.
    private func taken(of sizes: [BatchSize], _ inputs: [TensorFact]) throws(OpError) -> [BatchSize] {
        for entry in try resolve(inputs) ?? [] {
            switch entry {
            case .newAxis: continue
            case .axis(let slice), .index(let slice):
                guard let slice, inputs[0].shape.known?.dimensions == [sizes.count] else { break }
                return (0..<slice.count).map { sizes[slice.begin + $0 * slice.step] }
            }
        }
        throw OpError(.malformed, "the slice is not known")
    }

    func slicing(_ inputs: [TensorFact]) -> Slicing? {
        guard ellipsisMask | newAxisMask | shrinkAxisMask == 0, let begin = inputs[1].integers,
            let steps = inputs[3].integers, let entries = try? resolve(inputs)
        else { return nil }
        var found: Slicing?
        for (axis, entry) in entries.enumerated() {
            // Named or not: all of an axis, whatever its size.
            if axis >= begin.count { break }
            let isFromStart = Self.bit(beginMask, axis) || begin[axis] == 0
            if isFromStart, Self.bit(endMask, axis), steps[axis] == 1 { continue }
            guard found == nil, case .axis(let slice?) = entry, slice.step == 1 else { return nil }
            found = Slicing(axis: axis, range: slice.begin..<(slice.begin + slice.count))
        }
        return found
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        var slices: [AxisSlice] = []
        for entry in try resolve(spec.inputs) ?? [] {
            switch entry {
            case .newAxis: break
            case .axis(let slice), .index(let slice):
                guard let slice else { throw OpError(.malformed, "the slice is not known") }
                slices.append(slice)
            }
        }
        return try .slice(spec, slices)
    }

    /// The copy that writes a value where this op would take it from.
    ///
    /// - `inputs`: This op's own: what is written, begin, end and strides, all known.
    /// - `value`: The value's shape, which broadcasts to what this op would take.
    /// - `width`: Bytes of an element.
    func patch(_ inputs: [TensorFact], from value: Shape, width: Int) throws(OpError) -> Patch {
        guard let target = inputs[0].shape.known, let entries = try resolve(inputs) else {
            throw OpError(.malformed, "the slice is not known")
        }
        var strides = target.byteStrides(width: width)[...]
        let taken = entries.count { if case .index = $0 { false } else { true } }
        let missing = taken - value.rank
        let steps = value.byteStrides(width: width)
        var axes: [StridedCopy.Axis] = []
        var (source, destination, number) = (0, 0, 0)
        for entry in entries {
            switch entry {
            case .newAxis: number += 1
            case .index(let slice):
                guard let slice, let stride = strides.popFirst() else {
                    throw OpError(.malformed, "the slice is not known")
                }
                destination += slice.begin * stride
            case .axis(let slice):
                guard let slice, let stride = strides.popFirst() else {
                    throw OpError(.malformed, "the slice is not known")
                }
                let own = number - missing
                let isBroadcast = own < 0 || value.dimensions[own] == 1
                let step = isBroadcast ? 0 : steps[own]
                number += 1
                guard slice.count > 0 else { return Patch(StridedCopy(width: width, []), source: 0, destination: 0) }
                // Written from the front, whichever way it is read.
                let isForward = slice.step > 0 || slice.count == 1
                let last = slice.count - 1
                destination += (isForward ? slice.begin : slice.begin + last * slice.step) * stride
                source += isForward ? 0 : last * step
                axes.append(
                    StridedCopy.Axis(
                        count: slice.count, source: isForward ? step : -step,
                        destination: slice.count == 1 ? stride : abs(slice.step) * stride))
            }
        }
        return Patch(StridedCopy(width: width, axes), source: source, destination: destination)
    }
}

extension StridedSlice {
    /// An entry with its axis; nil where what is taken is not known.
    private enum Entry {
        case newAxis
        case axis(AxisSlice?)
        case index(AxisSlice?)
    }

    /// The values of the three vectors, where known.
    private struct Values {
        var begin: [Int]?
        var end: [Int]?
        var steps: [Int]?
    }

    private static func bit(_ mask: Int, _ position: Int) -> Bool { position < 32 && mask >> position & 1 == 1 }

    /// Matches entries and axes; nil where the rank, or the number of entries, is not known.
    private func resolve(_ inputs: [TensorFact]) throws(OpError) -> [Entry]? {
        guard let count = try Self.entryCount(inputs), let dimensions = inputs[0].shape.dimensions else { return nil }
        let values = Values(
            begin: try inputs[1].indices("begin"), end: try inputs[2].indices("end"),
            steps: try inputs[3].indices("strides"))
        guard axesNamed(after: -1, of: count) <= dimensions.count else { throw .tooManyIndices(rank: dimensions.count) }
        var entries: [Entry] = []
        var axis = 0
        func takeWhole(upTo limit: Int) {
            while axis < limit {
                let size = dimensions[axis]
                entries.append(.axis(size < 0 ? nil : AxisSlice(begin: 0, count: size, step: 1)))
                axis += 1
            }
        }
        for position in 0..<count {
            if Self.bit(ellipsisMask, position) {
                takeWhole(upTo: dimensions.count - axesNamed(after: position, of: count))
            } else if Self.bit(newAxisMask, position) {
                entries.append(.newAxis)
            } else {
                entries.append(try resolve(position, values, axis: axis, size: dimensions[axis]))
                axis += 1
            }
        }
        takeWhole(upTo: dimensions.count)
        return entries
    }

    private static func entryCount(_ inputs: [TensorFact]) throws(OpError) -> Int? {
        var shape = PartialShape.ofRank(1)
        for vector in inputs[1...3] {
            guard let merged = shape.merged(with: vector.shape) else {
                throw .invalid(
                    "Expected begin, end, and strides to be 1D equal size tensors, but got shapes \(inputs[1].shape), "
                        + "\(inputs[2].shape), and \(inputs[3].shape) instead.")
            }
            shape = merged
        }
        return shape.known?.elementCount
    }

    /// How many entries behind a position take an axis.
    private func axesNamed(after position: Int, of count: Int) -> Int {
        let others = (0..<min(count, 32)).count { $0 > position && Self.bit(newAxisMask | ellipsisMask, $0) }
        return count - position - 1 - others
    }

    private func resolve(
        _ position: Int, _ values: Values, axis: Int, size: Int
    ) throws(OpError) -> Entry {
        let step = values.steps?[position]
        let isIndex = Self.bit(shrinkAxisMask, position)
        guard step != 0 else { throw .invalid("strides[\(position)] must be non-zero") }
        if isIndex {
            guard step ?? 1 > 0 else { throw .invalid("only stride 1 allowed on non-range indexing.") }
            guard let begin = values.begin?[position], size >= 0 else { return .index(nil) }
            let place = begin < 0 ? begin + size : begin
            guard place >= 0, place < size else {
                throw .invalid("slice index \(place) of dimension \(axis) out of bounds.")
            }
            return .index(AxisSlice(begin: place, count: 1, step: 1))
        }
        let begin: Int?? = Self.bit(beginMask, position) ? .some(nil) : values.begin.map { $0[position] }
        let end: Int?? = Self.bit(endMask, position) ? .some(nil) : values.end.map { $0[position] }
        guard let begin, let end, let step, size >= 0 else { return .axis(nil) }
        return .axis(Self.range(begin, end, step, of: size))
    }

    /// What a range takes of `size` elements; an end that is nil is open.
    private static func range(_ begin: Int?, _ end: Int?, _ step: Int, of size: Int) -> AxisSlice {
        let lowest = step > 0 ? 0 : -1
        let highest = step > 0 ? size : size - 1
        func clamp(_ place: Int) -> Int { min(max(place < 0 ? place + size : place, lowest), highest) }
        let first = begin.map(clamp) ?? (step > 0 ? lowest : highest)
        let last = end.map(clamp) ?? (step > 0 ? highest : lowest)
        let length = last - first
        guard length != 0, (length < 0) == (step < 0) else { return AxisSlice(begin: 0, count: 0, step: 1) }
        // Rounds up, whatever the sign.
        return AxisSlice(begin: first, count: length / step + (length % step == 0 ? 0 : 1), step: step)
    }
}

extension OpError {
    fileprivate static func tooManyIndices(rank: Int) -> OpError {
        guard rank > 0 else { return .invalid("Attempting to slice scalar input.") }
        return .invalid("Index out of range using input dim \(rank); input has only \(rank) dims")
    }
}
