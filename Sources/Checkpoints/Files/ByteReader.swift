/// Reads numbers from bytes, from front to back. Every read is checked, and returns nil past the end.
// Safety: holds the bytes' address; the creator keeps the bytes alive while it is used.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The number of bytes left.
    var remaining: Int { bytes.count - position }

    /// A base-128 varint of at most ten bytes that fits 64 bits.
    mutating func readVarint() -> UInt64? {
        var result: UInt64 = 0
        for index in 0..<10 {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position += 1
            guard index < 9 || byte <= 1 else { return nil }
            result |= UInt64(byte & 0x7f) << UInt64(7 * index)
            if byte < 0x80 { return result }
        }
        return nil
    }

    /// A varint that is a size or an offset.
    mutating func readCount() -> Int? { readVarint().flatMap { Int(exactly: $0) } }

    /// A varint that fits 32 bits.
    mutating func readVarint32() -> Int? { readVarint().flatMap { UInt32(exactly: $0) }.map { Int($0) } }

    /// A little-endian number of four bytes.
    mutating func readFixed32() -> UInt32? {
        guard remaining >= 4 else { return nil }
        defer { position += 4 }
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    }

    /// The next bytes.
    mutating func readBytes(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, count <= remaining else { return nil }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }
}
