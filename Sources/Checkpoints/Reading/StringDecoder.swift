internal import Tensors

/// Decodes a string tensor: all lengths as varints, a checksum of the lengths, all bytes (tensor_bundle.cc).
struct StringDecoder {
    private let file: String
    private let name: String
    private let entry: BundleEntry

    init(_ file: String, _ name: String, _ entry: BundleEntry) {
        self.file = file
        self.name = name
        self.entry = entry
    }

    func decode(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) -> Tensor {
        var reader = ByteReader(bytes)
        var checksum = Checksum()
        var lengths: [Int] = []
        var total = 0
        for _ in 0..<entry.shape.elementCount {
            guard let length = reader.readCount(), length <= bytes.count - total else {
                throw failure(.malformed, "the lengths of its strings cannot be read")
            }
            Self.extend(&checksum, with: length)
            total += length
            lengths.append(length)
        }
        let stored = reader.position
        guard let expected = reader.readFixed32() else { throw failure(.malformed, "is cut off") }
        guard checksum.masked == expected else {
            throw failure(
                .corrupt,
                "the lengths' checksum is \(checksum.masked.hexadecimal), expected \(expected.hexadecimal)")
        }
        guard total == reader.remaining else {
            throw failure(.malformed, "its strings have \(total) bytes, the entry \(reader.remaining)")
        }
        // The checksum of the tensor also covers the stored checksum of the lengths, and the bytes.
        checksum.extend(UnsafeRawBufferPointer(rebasing: bytes[stored...]))
        guard checksum.masked == entry.checksum else {
            throw failure(
                .corrupt, "checksum \(checksum.masked.hexadecimal), expected \(entry.checksum.hexadecimal)")
        }
        let strings = lengths.map { length in reader.readBytes(length).map { Array($0) } ?? [] }
        guard let tensor = Tensor(strings: strings, shape: entry.shape) else { throw failure(.io, "not enough memory") }
        return tensor
    }

    /// A length counts as 32 bits if it fits, otherwise as 64, regardless of the varint's size.
    private static func extend(_ checksum: inout Checksum, with length: Int) {
        if let short = UInt32(exactly: length) {
            withUnsafeBytes(of: short.littleEndian) { checksum.extend($0) }
        } else {
            withUnsafeBytes(of: UInt64(length).littleEndian) { checksum.extend($0) }
        }
    }

    private func failure(_ kind: CheckpointError.Kind, _ reason: String) -> CheckpointError {
        CheckpointError(kind, file: file, "tensor \"\(name)\": \(reason)")
    }
}
