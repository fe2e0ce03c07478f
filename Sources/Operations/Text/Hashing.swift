internal import Kernels
internal import Tensors

extension OpTable {
    /// Strings, and other data, to numbers of fixed range.
    static let hashing: [OpEntry] = [
        OpEntry("StringToHashBucket", make: HashBucket.init, .murmur),
        OpEntry("StringToHashBucketFast", make: HashBucket.init, .fingerprint),
        OpEntry("StringToHashBucketStrong", make: HashBucket.strong),
        OpEntry("Fingerprint", make: Fingerprint.init),
    ]
}

/// The hash of each string, modulo a number of buckets, an int64.
///
/// - Attributes: `num_buckets`, at least 1; `key` (StringToHashBucketStrong), two numbers.
struct HashBucket: KernelOp {
    private let hash: StringHash
    private let buckets: UInt64

    init(_ node: NodeReader, _ hash: StringHash) throws(OpError) {
        try node.expectInputs(1)
        let buckets = try node.int("num_buckets")
        guard buckets >= 1 else {
            throw node.malformed("Value for attr 'num_buckets' of \(buckets) must be at least minimum 1")
        }
        self.hash = hash
        self.buckets = UInt64(buckets)
    }

    static func strong(_ node: NodeReader) throws(OpError) -> HashBucket {
        let key = try node.ints("key")
        guard key.count == 2 else { throw .invalid("Key must have 2 elements") }
        return try HashBucket(node, .sip(UInt64(bitPattern: Int64(key[0])), UInt64(bitPattern: Int64(key[1]))))
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        return [TensorFact(.int64, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        .stringBuckets(count: try spec.outputShape().elementCount, buckets: buckets, hash)
    }
}

/// A fingerprint of each row: eight bytes, the least significant first.
///
/// - Inputs: `data`, of rank 1 or more; `method`, a scalar: "farmhash64".
/// - Outputs: uint8 of the shape [rows, 8].
struct Fingerprint: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireRank(atLeast: 1, "data")
        try inputs[1].require(.string, "method")
        guard inputs[1].shape.rank ?? 0 == 0 else {
            throw .invalid("`method` should be a scalar string: \(inputs[1].shape)")
        }
        return [TensorFact(.uint8, PartialShape([inputs[0].shape.dimension(0), 8]))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let method = String(decoding: try inputs[1].oneString("method"), as: UTF8.self)
        guard method == "farmhash64" else { throw .invalid("Unsupported fingerprint method: \(method)") }
        let data = inputs[0]
        let rows = data.shape.dimensions[0]
        guard let shape = Shape([rows, 8]) else { throw .invalid("too many rows: \(data.shape)") }
        var row = try account.array(
            repeating: UInt64(0), count: data.dtype == .string && rows > 0 ? data.shape.elementCount / rows : 0)
        var work = WorkCount(account)
        let prints = try account.numbers(shape, of: UInt8.self) { (memory) throws(OpError) in
            for number in 0..<rows {
                let print =
                    data.dtype == .string
                    ? try Self.print(strings: data, row: number, &row, &work)
                    : try Self.print(numbers: data, row: number, of: rows, &work)
                for place in 0..<8 {
                    memory[8 * number + place] = UInt8(truncatingIfNeeded: print >> UInt64(8 * place))
                }
            }
        }
        return [prints]
    }

    private static func print(
        numbers data: Tensor, row: Int, of rows: Int, _ work: inout WorkCount
    ) throws(OpError) -> UInt64 {
        let width = data.byteCount / rows
        try work.add(width + 16)
        return data.withUnsafeBytes { bytes in
            StringHash.fingerprint.hash(
                UnsafeBufferPointer(rebasing: bytes.bindMemory(to: UInt8.self)[(row * width)..<((row + 1) * width)]))
        }
    }

    /// The fingerprint of a string; of a row of them, that of their fingerprints.
    private static func print(
        strings data: Tensor, row: Int, _ prints: inout [UInt64], _ work: inout WorkCount
    ) throws(OpError) -> UInt64 {
        let strings = try data.stringElements("data")
        for index in prints.indices {
            let string = strings[row * prints.count + index]
            try work.add(string.count + DataType.string.stride)
            prints[index] = StringHash.fingerprint.hash(string.bytes).littleEndian
        }
        guard data.shape.rank > 1 else { return prints.first.map { UInt64(littleEndian: $0) } ?? 0 }
        return prints.withUnsafeBytes { StringHash.fingerprint.hash($0.bindMemory(to: UInt8.self)) }
    }
}
