internal import TensorFlowProtos
internal import Tensors

/// A tensor's entry in the index of a bundle, validated.
struct BundleEntry: Sendable {
    let dtype: DataType
    let shape: Shape
    /// The slices of a tensor that is stored in slices. The tensor itself has no bytes then.
    let slices: [TensorSlice]
    let shard: Int
    let offset: Int
    let byteCount: Int
    /// Masked CRC-32C of the stored bytes.
    let checksum: UInt32

    struct Failure: Error {
        let kind: CheckpointError.Kind
        let reason: String
    }

    /// Decodes an entry, and checks everything that does not depend on its bytes.
    init(decoding value: SortedTable.Value, shardCount: Int) throws(Failure) {
        guard let message: BundleEntryProto = value.decoded() else {
            throw Failure(kind: .malformed, reason: "its entry is not a BundleEntryProto")
        }
        guard let dtype = DataType(protoNumber: message.dtype) else {
            throw Failure(kind: .malformed, reason: "dtype \(message.dtype) is not known")
        }
        let dimensions = message.shape.dim.map { Int($0.size) }
        guard !message.shape.unknownRank, let shape = Shape(dimensions), shape.byteCount(of: dtype) != nil else {
            throw Failure(kind: .malformed, reason: "shape \(dimensions) is not one that a tensor can have")
        }
        self.dtype = dtype
        self.shape = shape
        slices = message.slices.map { TensorSlice(decoding: $0) }
        shard = Int(message.shardID)
        offset = Int(message.offset)
        byteCount = Int(message.size)
        checksum = message.crc32C
        guard slices.isEmpty else { return }
        guard (0..<shardCount).contains(shard) else {
            throw Failure(kind: .malformed, reason: "shard \(shard) is not one of the \(shardCount) shards")
        }
        guard offset >= 0, byteCount >= 0 else {
            throw Failure(kind: .malformed, reason: "offset \(offset) and size \(byteCount) must not be negative")
        }
        if let width = dtype.fixedWidth, byteCount != shape.elementCount * width {
            throw Failure(
                kind: .malformed,
                reason: "has \(byteCount) bytes; \(dtype) \(shape) needs \(shape.elementCount * width)")
        }
        // Each string takes at least one byte for its length.
        if dtype == .string, shape.elementCount > byteCount {
            throw Failure(kind: .malformed, reason: "has \(byteCount) bytes, too few for \(shape.elementCount) strings")
        }
    }

    /// Checks the checksum of the stored bytes.
    ///
    /// - Throws: ``CheckpointError`` of kind `corrupt`.
    func require(_ checksum: Checksum, _ name: String, in file: String) throws(CheckpointError) {
        guard checksum.masked == self.checksum else {
            throw CheckpointError(
                .corrupt, file: file,
                "tensor \"\(name)\" at \(offset): checksum \(checksum.masked.hexadecimal), expected \(self.checksum.hexadecimal)"
            )
        }
    }
}
