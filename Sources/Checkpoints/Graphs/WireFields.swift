/// Reads the fields of a protobuf message one after another.
// Safety: holds the bytes' address; whoever makes it keeps the bytes alive while it is used.
struct WireFields {
    /// What a field holds, by its wire type.
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(UnsafeRawBufferPointer)
        case fixed32(UInt32)
    }

    /// Why fields are left to the library, which knows all kinds of messages, and which of them are damaged.
    struct Unusual: Error {}

    private let bytes: UnsafeRawBufferPointer
    private var reader: ByteReader

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        reader = ByteReader(bytes)
    }

    var isAtEnd: Bool { reader.remaining == 0 }

    /// The next field; nil at the end.
    ///
    /// - Throws: ``Unusual`` for a group, a number that no field has, and where the message ends inside of a field.
    mutating func next() throws(Unusual) -> (number: UInt64, value: Value, encoded: UnsafeRawBufferPointer)? {
        guard !isAtEnd else { return nil }
        let start = reader.position
        guard let tag = reader.readVarint(), let value = value(ofWireType: tag & 7), (1..<1 << 29).contains(tag >> 3)
        else { throw Unusual() }
        return (tag >> 3, value, UnsafeRawBufferPointer(rebasing: bytes[start..<reader.position]))
    }

    private mutating func value(ofWireType type: UInt64) -> Value? {
        switch type {
        case 0: return reader.readVarint().map { .varint($0) }
        case 1:
            guard let low = reader.readFixed32(), let high = reader.readFixed32() else { return nil }
            return .fixed64(UInt64(high) << 32 | UInt64(low))
        case 2:
            guard let count = reader.readCount(), let bytes = reader.readBytes(count) else { return nil }
            return .bytes(bytes)
        case 5: return reader.readFixed32().map { .fixed32($0) }
        default: return nil
        }
    }

    /// The numbers of a packed field.
    ///
    /// - Throws: ``Unusual`` if the last one is cut off.
    static func varints(_ bytes: UnsafeRawBufferPointer) throws(Unusual) -> [UInt64] {
        var reader = ByteReader(bytes)
        var numbers: [UInt64] = []
        while reader.remaining > 0 {
            guard let number = reader.readVarint() else { throw Unusual() }
            numbers.append(number)
        }
        return numbers
    }

    /// The floating point numbers of a packed field.
    ///
    /// - Throws: ``Unusual`` if the last one is cut off.
    static func floats(_ bytes: UnsafeRawBufferPointer) throws(Unusual) -> [Float] {
        guard bytes.count.isMultiple(of: 4) else { throw Unusual() }
        return stride(from: 0, to: bytes.count, by: 4).map {
            Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
        }
    }
}
