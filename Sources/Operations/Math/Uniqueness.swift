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
        OpEntry(name) { (node: NodeReader) throws(OpError) -> Unique in
            try node.expectInputs(hasAxis ? 2 : 1)
            return Unique(hasAxis: hasAxis, hasCounts: hasCounts, output: try node.outType("out_idx"))
        }
    }
}

/// Elements as keys: two keys are equal if, and only if, the elements are. NaN is equal to nothing.
struct ElementKeys {
    private var numbers: CountedTable<[UInt8], UInt64>
    private var notANumbers: UInt64 = 0
    private let account: RunAccount

    init(_ account: RunAccount) {
        self.account = account
        numbers = CountedTable(account)
    }

    /// The keys of a tensor's elements; comparable with those of other tensors of its dtype that were given to this value.
    ///
    /// - Throws: `unsupported` for a dtype that cannot be compared.
    mutating func keys(of tensor: Tensor) throws(OpError) -> [UInt64] {
        let count = tensor.shape.elementCount
        if tensor.dtype == .string {
            var keys = try account.list(of: UInt64.self, capacity: count)
            for string in try tensor.stringElements("x") {
                // The key's own bytes; those of a string that is known already are given back.
                let before = account.usedBytes
                try account.reserve(string.count, of: UInt8.self)
                let bytes = Array(string.bytes)
                if let number = numbers[bytes] {
                    account.give(downTo: before)
                    keys.append(number)
                } else {
                    keys.append(UInt64(numbers.count))
                    try numbers.set(bytes, UInt64(numbers.count))
                }
            }
            return keys
        }
        try account.reserve(count, of: UInt64.self)
        guard let reader = OrderReader(tensor.dtype) else { throw .unsupported(tensor.dtype) }
        var notANumbers = self.notANumbers
        let keys = tensor.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return [UInt64]() }
            return (0..<count).map { index in
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

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
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
    private func axis(_ inputs: [TensorFact]) throws(OpError) -> [Int]? {
        guard hasAxis else { return [] }
        guard inputs[1].shape.rank ?? 1 == 1 else { throw .invalid("axis expects a 1D vector.") }
        guard inputs[1].shape.dimension(0) <= 1 else {
            throw .invalid("axis does not support input tensors larger than 1 elements")
        }
        return try inputs[1].indices("axis")
    }

    private func place(_ axis: Int?, rank: Int) throws(OpError) -> Int {
        guard let axis else {
            guard rank == 1 else { throw .invalid("unique expects a 1D vector.") }
            return 0
        }
        return try axis.axis(rank: rank, outOfRange: "axis has to be between [0, \(rank))")
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let x = inputs[0]
        let axis = try axis(inputs.map { TensorFact($0) }) ?? []
        let place = try place(axis.first, rank: x.shape.rank)
        let sizes = x.shape.dimensions
        let (outer, count) = (sizes[..<place].wrappingProduct, sizes[place])
        let inner = sizes[(place + 1)...].wrappingProduct
        var table = ElementKeys(account)
        let slices = SliceKeys(keys: try table.keys(of: x), outer: outer, count: count, inner: inner)
        let found = try Occurrences(slices, account)
        let firsts = found.firsts.elements
        var shape = sizes
        shape[place] = firsts.count
        var blocks: [Int] = []
        if x.shape.elementCount > 0 {
            blocks = try account.list(capacity: outer * firsts.count)
            for row in 0..<outer { for first in firsts { blocks.append(row * count + first) } }
        }
        let values = try x.taking(blocks, byteCount: inner &* x.dtype.stride, shape: shape, account)
        let numbers = try account.vector(found.numbers, as: output)
        guard hasCounts else { return [values, numbers] }
        var counts = try account.array(repeating: 0, count: firsts.count)
        for number in found.numbers { counts[number] += 1 }
        return [values, numbers, try account.vector(counts, as: output)]
    }
}

/// The keys of a tensor's elements as slices along an axis.
private final class SliceKeys: Sendable {
    private let keys: [UInt64]
    private let outer: Int
    let count: Int
    private let inner: Int

    init(keys: [UInt64], outer: Int, count: Int, inner: Int) {
        self.keys = keys
        self.outer = outer
        self.count = count
        self.inner = inner
    }

    /// The one key of each slice, where slices have one element.
    var single: [UInt64]? { outer == 1 && inner == 1 ? keys : nil }

    /// The keys of one row of a slice.
    func row(_ row: Int, of slice: Int) -> ArraySlice<UInt64> {
        let start = (row * count + slice) * inner
        return keys[start..<start + inner]
    }

    /// A slice as a key: equal to another where all elements are.
    struct Slice: Hashable {
        let keys: SliceKeys
        let number: Int

        /// None where there are no elements: then all slices are the same.
        private var rows: Range<Int> { keys.keys.isEmpty ? 0..<0 : 0..<keys.outer }

        static func == (left: Slice, right: Slice) -> Bool {
            left.rows.allSatisfy { left.keys.row($0, of: left.number) == right.keys.row($0, of: right.number) }
        }

        func hash(into hasher: inout Hasher) {
            for row in rows { for key in keys.row(row, of: number) { hasher.combine(key) } }
        }
    }
}

/// Which slices occur, in the order in which they first do.
private struct Occurrences {
    /// The first slice of each kind.
    private(set) var firsts: CountedList<Int>
    /// For each slice its kind.
    private(set) var numbers: [Int]

    init(_ slices: SliceKeys, _ account: RunAccount) throws(OpError) {
        firsts = try CountedList(account)
        numbers = try account.list(capacity: slices.count)
        if let keys = slices.single {
            try find(account, slices.count) { keys[$0] }
        } else {
            try find(account, slices.count) { SliceKeys.Slice(keys: slices, number: $0) }
        }
    }

    private mutating func find<Key: Hashable>(
        _ account: RunAccount, _ count: Int, _ key: (Int) -> Key
    ) throws(OpError) {
        var known = CountedTable<Key, Int>(account)
        var work = WorkCount(account)
        for slice in 0..<count {
            try work.add(64)
            let key = key(slice)
            let number: Int
            if let found = known[key] {
                number = found
            } else {
                number = firsts.count
                try known.set(key, number)
                try firsts.append(slice)
            }
            numbers.append(number)
        }
    }
}

/// The elements of a list that another list does not have, and where they stand.
///
/// - Inputs: `x` and `y`, vectors of one dtype: numbers or strings.
/// - Attributes: `out_idx`: int32 or int64.
struct ListDiff: TensorOp {
    private let output: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        output = try node.outType("out_idx")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        for (input, name) in zip(inputs, ["x", "y"]) where input.shape.rank ?? 1 != 1 {
            throw .invalid("\(name) should be a 1D vector.")
        }
        return [TensorFact(inputs[0].dtype, .ofRank(1)), TensorFact(output, .ofRank(1))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        var table = ElementKeys(account)
        let keys = try table.keys(of: inputs[0])
        var others = CountedTable<UInt64, Bool>(account)
        for key in try table.keys(of: inputs[1]) where others[key] == nil { try others.set(key, true) }
        var kept = try CountedList<Int>(account)
        for place in keys.indices where others[keys[place]] == nil { try kept.append(place) }
        let values = try inputs[0].taking(
            kept.elements, byteCount: inputs[0].dtype.stride, shape: [kept.count], account)
        return [values, try account.vector(kept.elements, as: output)]
    }
}

/// Where the elements stand that are true, or not zero.
///
/// - Inputs: one tensor of rank 1 to 8, truth values or numbers.
/// - Outputs: int64, a row for each such element, with its index along each axis.
struct Where: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let rank = inputs[0].shape.rank else { return [TensorFact(.int64, .ofRank(2))] }
        guard (1...8).contains(rank) else { throw .invalid("WhereOp : Unhandled input dimensions: \(rank)") }
        return [TensorFact(.int64, PartialShape([PartialShape.unknownDimension, rank]))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try outputs(for: [TensorFact(inputs[0])])
        let shape = inputs[0].shape
        let places = try inputs[0].placesOfNonzero(account)
        guard let result = Shape([places.count, shape.rank]) else {
            throw OpError(.resourceExhausted, "the output would be too large")
        }
        let made = try account.tensor(.int64, result) { memory in
            let indices = memory.bindMemory(to: Int64.self)
            for (row, place) in places.enumerated() {
                var rest = place
                for axis in shape.dimensions.indices.reversed() {
                    indices[row * shape.rank + axis] = Int64(rest % shape.dimensions[axis])
                    rest /= shape.dimensions[axis]
                }
            }
        }
        return [made]
    }
}

extension Tensor {
    /// The numbers of the elements that are not zero; a negative zero is one.
    fileprivate func placesOfNonzero(_ account: RunAccount) throws(OpError) -> [Int] {
        let count = shape.elementCount
        switch dtype {
        case .bool: return try places(Bool.self, account) { $0 }
        case .complex64: return try places(UInt64.self, account) { $0 & 0x7FFF_FFFF_7FFF_FFFF != 0 }
        case .complex128: return try places(SIMD2<UInt64>.self, account) { ($0.x | $0.y) << 1 != 0 }
        default:
            guard let reader = OrderReader(dtype) else { throw .unsupported(dtype) }
            let zeros: [UInt64] = [0, 0]
            let zero = zeros.withUnsafeBytes { bytes in bytes.baseAddress.map { reader.key($0, at: 0) } }
            return try withUnsafeBytes { (bytes) throws(OpError) in
                guard let start = bytes.baseAddress else { return [] }
                return try account.places(count) { reader.key(start, at: $0) != zero }
            }
        }
    }

    private func places<Bits>(
        _ type: Bits.Type, _ account: RunAccount, _ isKept: (Bits) -> Bool
    ) throws(OpError) -> [Int] {
        let count = shape.elementCount
        return try withUnsafeBytes { (bytes) throws(OpError) in
            let elements = bytes.bindMemory(to: Bits.self)
            return try account.places(count) { isKept(elements[$0]) }
        }
    }
}

extension RunAccount {
    /// The numbers below a limit of which something is true. They are counted first.
    fileprivate func places(_ limit: Int, where isKept: (Int) -> Bool) throws(OpError) -> [Int] {
        var count = 0
        for place in 0..<limit where isKept(place) { count += 1 }
        try checkTime()
        var places = try list(of: Int.self, capacity: count)
        for place in 0..<limit where isKept(place) { places.append(place) }
        return places
    }
}
