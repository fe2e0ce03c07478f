internal import Kernels
internal import Tensors

extension OpTable {
    /// What occurs, and what does not.
    static let uniqueness: [OpEntry] = [
        unique("Unique"),
        unique("UniqueV2", hasAxis: true),
        unique("UniqueWithCounts", hasCounts: true),
        unique("UniqueWithCountsV2", hasAxis: true, hasCounts: true),
        OpEntry("ListDiff", make: ListDiff.init),
        OpEntry("Where", make: Where.init),
    ]

    private static func unique(_ name: String, hasAxis: Bool = false, hasCounts: Bool = false) -> OpEntry {
        OpEntry(name) { (node: NodeReader) throws(CompileError) -> any Op in
            try node.expectInputs(hasAxis ? 2 : 1)
            return Unique(hasAxis: hasAxis, hasCounts: hasCounts, output: try node.outType("out_idx"))
        }
    }
}

/// Elements as keys: two keys are equal if, and only if, the elements are. NaN is equal to nothing.
struct ElementKeys {
    private var numbers: [[UInt8]: UInt64] = [:]
    private var notANumbers: UInt64 = 0

    /// The keys of a tensor's elements; comparable with those of other tensors of its dtype that were given to this value.
    ///
    /// - Throws: `unsupported` for a dtype that cannot be compared.
    mutating func keys(of tensor: Tensor) throws(CompileError) -> [UInt64] {
        if let strings = tensor.strings {
            return strings.map { string in
                let number = numbers[string] ?? UInt64(numbers.count)
                numbers[string] = number
                return number
            }
        }
        guard let reader = OrderReader(tensor.dtype) else { throw .unsupported(tensor.dtype) }
        var notANumbers = self.notANumbers
        let keys = tensor.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return [UInt64]() }
            return (0..<tensor.shape.elementCount).map { index in
                let key = reader.key(start, at: index)
                guard reader.isNaN(key: key) else { return key }
                // Beyond all keys of numbers, and another one each time.
                notANumbers += 1
                return UInt64.max - notANumbers
            }
        }
        self.notANumbers = notANumbers
        return keys
    }
}

/// The elements of a vector, or the slices along an axis, each once, in the order in which they first occur.
///
/// - Inputs: `x`, numbers, strings or truth values; a vector, unless there is an axis (V2): a vector `axis` of one element, or of
///   none.
/// - Outputs: the elements or slices; for each of x which of them it is; how often each occurs (WithCounts).
/// - Attributes: `out_idx`: int32 or int64.
struct Unique: TensorOp {
    let hasAxis: Bool
    let hasCounts: Bool
    let output: DataType

    var valueInputs: [Int] { hasAxis ? [1] : [] }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        var indices = PartialShape.unknownDimension
        var values = PartialShape.unknown
        let axis = try axis(inputs)
        if let axis, let sizes = inputs[0].shape.dimensions {
            let place = try place(axis.first, rank: sizes.count)
            indices = sizes[place]
            var dimensions = sizes
            dimensions[place] = PartialShape.unknownDimension
            values = PartialShape(dimensions)
        }
        let unknown = PartialShape([PartialShape.unknownDimension])
        let facts = [
            TensorFact(inputs[0].dtype, values), TensorFact(output, PartialShape([indices])),
            TensorFact(output, unknown),
        ]
        return Array(facts.prefix(hasCounts ? 3 : 2))
    }

    /// The axis that is told, none for a vector; nil if it is not known.
    private func axis(_ inputs: [TensorFact]) throws(CompileError) -> [Int]? {
        guard hasAxis else { return [] }
        guard inputs[1].shape.rank ?? 1 == 1 else { throw .invalid("axis expects a 1D vector.") }
        guard inputs[1].shape.dimension(0) <= 1 else {
            throw .invalid("axis does not support input tensors larger than 1 elements")
        }
        return try inputs[1].indices("axis")
    }

    private func place(_ axis: Int?, rank: Int) throws(CompileError) -> Int {
        guard let axis else {
            guard rank == 1 else { throw .invalid("unique expects a 1D vector.") }
            return 0
        }
        return try axis.axis(rank: rank, outOfRange: "axis has to be between [0, \(rank))")
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        let x = inputs[0]
        let axis = try axis(inputs.map { TensorFact($0) }) ?? []
        let place = try place(axis.first, rank: x.shape.rank)
        let sizes = x.shape.dimensions
        let (outer, count) = (sizes[..<place].wrappingProduct, sizes[place])
        let inner = sizes[(place + 1)...].wrappingProduct
        var table = ElementKeys()
        let keys = try table.keys(of: x)
        var found: [[UInt64]: Int] = [:]
        var foundElements: [UInt64: Int] = [:]
        var firsts: [Int] = []
        var numbers: [Int] = []
        var counts: [Int] = []
        for slice in 0..<count {
            var known: Int?
            if outer == 1, inner == 1 {
                known = foundElements[keys[slice]]
                if known == nil { foundElements[keys[slice]] = firsts.count }
            } else {
                var key: [UInt64] = []
                if x.shape.elementCount > 0 {
                    for row in 0..<outer {
                        key += keys[((row * count + slice) * inner)..<((row * count + slice + 1) * inner)]
                    }
                }
                known = found[key]
                if known == nil { found[key] = firsts.count }
            }
            if known == nil {
                firsts.append(slice)
                counts.append(0)
            }
            let number = known ?? firsts.count - 1
            numbers.append(number)
            counts[number] += 1
        }
        var shape = sizes
        shape[place] = firsts.count
        var blocks: [Int] = []
        if x.shape.elementCount > 0 { for row in 0..<outer { blocks += firsts.map { row * count + $0 } } }
        let values = try x.taking(blocks, byteCount: inner &* x.dtype.stride, shape: shape)
        let results = [values, try .vector(numbers, as: output), try .vector(counts, as: output)]
        return Array(results.prefix(hasCounts ? 3 : 2))
    }
}

/// The elements of a list that another list does not have, and where they stand.
///
/// - Inputs: `x` and `y`, vectors of one dtype: numbers or strings.
/// - Attributes: `out_idx`: int32 or int64.
struct ListDiff: TensorOp {
    private let output: DataType

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(2)
        output = try node.outType("out_idx")
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs.requireOneDType()
        for (input, name) in zip(inputs, ["x", "y"]) where input.shape.rank ?? 1 != 1 {
            throw .invalid("\(name) should be a 1D vector.")
        }
        return [TensorFact(inputs[0].dtype, .ofRank(1)), TensorFact(output, .ofRank(1))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        var table = ElementKeys()
        let keys = try table.keys(of: inputs[0])
        let others = Set(try table.keys(of: inputs[1]))
        let kept = keys.indices.filter { !others.contains(keys[$0]) }
        let values = try inputs[0].taking(kept, byteCount: inputs[0].dtype.stride, shape: [kept.count])
        return [values, try .vector(kept, as: output)]
    }
}

/// Where the elements stand that are true, or not zero.
///
/// - Inputs: one tensor of rank 1 to 8, truth values or numbers.
/// - Outputs: int64, a row for each such element, with its index along each axis.
struct Where: TensorOp {
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        guard let rank = inputs[0].shape.rank else { return [TensorFact(.int64, .ofRank(2))] }
        guard (1...8).contains(rank) else { throw .invalid("WhereOp : Unhandled input dimensions: \(rank)") }
        return [TensorFact(.int64, PartialShape([PartialShape.unknownDimension, rank]))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try outputs(for: [TensorFact(inputs[0])])
        let shape = inputs[0].shape
        let places = try inputs[0].placesOfNonzero()
        guard let result = Shape([places.count, shape.rank]) else {
            throw CompileError(.resourceExhausted, "the output would be too large")
        }
        let made = Tensor(dtype: .int64, shape: result) { memory in
            let indices = memory.bindMemory(to: Int64.self)
            for (row, place) in places.enumerated() {
                var rest = place
                for axis in shape.dimensions.indices.reversed() {
                    indices[row * shape.rank + axis] = Int64(rest % shape.dimensions[axis])
                    rest /= shape.dimensions[axis]
                }
            }
        }
        return [try .made(made)]
    }
}

extension Tensor {
    /// The numbers of the elements that are not zero; a negative zero is one.
    fileprivate func placesOfNonzero() throws(CompileError) -> [Int] {
        switch dtype {
        case .bool: return scalars(as: Bool.self)?.places(where: { $0 }) ?? []
        case .complex64: return places(UInt64.self) { $0 & 0x7FFF_FFFF_7FFF_FFFF != 0 }
        case .complex128: return places(SIMD2<UInt64>.self) { ($0.x | $0.y) << 1 != 0 }
        default:
            guard let reader = OrderReader(dtype) else { throw .unsupported(dtype) }
            let zeros: [UInt64] = [0, 0]
            let zero = zeros.withUnsafeBytes { bytes in bytes.baseAddress.map { reader.key($0, at: 0) } }
            return withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return [] }
                return (0..<shape.elementCount).filter { reader.key(start, at: $0) != zero }
            }
        }
    }

    private func places<Bits>(_ type: Bits.Type, _ isKept: (Bits) -> Bool) -> [Int] {
        withUnsafeBytes { $0.bindMemory(to: Bits.self).places(where: isKept) }
    }
}

extension Collection where Index == Int {
    /// Where the elements stand of which something is true.
    fileprivate func places(where isKept: (Element) -> Bool) -> [Int] { indices.filter { isKept(self[$0]) } }
}
