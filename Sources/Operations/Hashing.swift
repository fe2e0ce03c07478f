internal import Kernels
internal import Tensors

extension OpTable {
    /// Strings, and other data, to numbers of fixed range.
    static let hashing: [OpEntry] = [
        OpEntry("StringToHashBucket") { node throws(CompileError) in try HashBucket(node, .murmur) },
        OpEntry("StringToHashBucketFast") { node throws(CompileError) in try HashBucket(node, .fingerprint) },
        OpEntry("StringToHashBucketStrong", make: HashBucket.strong),
        OpEntry("Fingerprint", make: Fingerprint.init),
    ]
}

/// The hash of each string, modulo a number of buckets, an int64.
///
/// - Attributes: `num_buckets`, at least 1; `key` (StringToHashBucketStrong), two numbers.
struct HashBucket: Op {
    private let hash: StringHash
    private let buckets: UInt64

    init(_ node: NodeReader, _ hash: StringHash) throws(CompileError) {
        try node.expectInputs(1)
        let buckets = try node.int("num_buckets")
        guard buckets >= 1 else {
            throw node.malformed("Value for attr 'num_buckets' of \(buckets) must be at least minimum 1")
        }
        self.hash = hash
        self.buckets = UInt64(buckets)
    }

    static func strong(_ node: NodeReader) throws(CompileError) -> HashBucket {
        let key = try node.ints("key")
        guard key.count == 2 else { throw .invalid("Key must have 2 elements") }
        return try HashBucket(node, .sip(UInt64(bitPattern: Int64(key[0])), UInt64(bitPattern: Int64(key[1]))))
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        return [TensorFact(.int64, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        .stringBuckets(count: try spec.outputShape().elementCount, buckets: buckets, hash)
    }
}

/// A fingerprint of each row: eight bytes, the least significant first.
///
/// - Inputs: `data`, of rank 1 or more; `method`, a scalar: "farmhash64".
/// - Outputs: uint8 of the shape [rows, 8].
struct Fingerprint: TensorOp {
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].requireRank(atLeast: 1, "data")
        try inputs[1].require(.string, "method")
        guard inputs[1].shape.rank ?? 0 == 0 else {
            throw .invalid("`method` should be a scalar string: \(inputs[1].shape)")
        }
        return [TensorFact(.uint8, PartialShape([inputs[0].shape.dimension(0), 8]))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        let method = String(decoding: try inputs[1].oneString("method"), as: UTF8.self)
        guard method == "farmhash64" else { throw .invalid("Unsupported fingerprint method: \(method)") }
        let rows = inputs[0].shape.dimensions[0]
        var prints: [UInt64] = []
        if inputs[0].dtype == .string {
            prints = Self.strings(inputs[0], rows: rows)
        } else {
            let width = rows == 0 ? 0 : inputs[0].byteCount / rows
            inputs[0].withUnsafeBytes { bytes in
                let memory = bytes.bindMemory(to: UInt8.self)
                for row in 0..<rows {
                    let part = UnsafeBufferPointer(rebasing: memory[(row * width)..<((row + 1) * width)])
                    prints.append(StringHash.fingerprint.hash(part))
                }
            }
        }
        let bytes = prints.flatMap { print in (0..<8).map { UInt8(truncatingIfNeeded: print >> UInt64(8 * $0)) } }
        return [try .holding(bytes, [rows, 8])]
    }

    /// The fingerprint of each string; of a row of them, that of their fingerprints.
    private static func strings(_ data: Tensor, rows: Int) -> [UInt64] {
        let prints = data.withUnsafeBytes { memory in
            memory.bindMemory(to: TensorString.self).map { StringHash.fingerprint.hash($0.bytes) }
        }
        guard data.shape.rank > 1, rows > 0 else { return prints }
        let width = prints.count / rows
        return (0..<rows).map { row in
            prints[(row * width)..<((row + 1) * width)].map(\.littleEndian).withUnsafeBytes {
                StringHash.fingerprint.hash($0.bindMemory(to: UInt8.self))
            }
        }
    }
}
