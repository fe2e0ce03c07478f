/// Reads the wire format of protocol buffers (developers.google.com/protocol-buffers/docs/encoding), field by field.
// Safety: it reads the bytes only between the limits that it was given; who makes one keeps them.
package struct ProtobufReader {
    /// A field's content.
    package enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        /// A place in the bytes.
        case bytes(Range<Int>)
    }

    /// The bytes are not a message.
    package struct Malformed: Error {}

    private let bytes: UnsafeBufferPointer<UInt8>
    private var place: Int
    private let end: Int

    package init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>? = nil) {
        self.bytes = bytes
        let range = range?.clamped(to: bytes.indices) ?? bytes.indices
        place = range.lowerBound
        end = range.upperBound
    }

    /// Whether everything has been read.
    package var isAtEnd: Bool { place >= end }

    /// The next field; nil at the end.
    package mutating func readField() throws(Malformed) -> (number: Int, value: Value)? {
        guard place < end else { return nil }
        let tag = try readVarint()
        let number = Int(truncatingIfNeeded: tag >> 3)
        guard number > 0, tag >> 3 < 1 << 29 else { throw Malformed() }
        switch tag & 7 {
        case 0: return (number, .varint(try readVarint()))
        case 1: return (number, .fixed64(try readFixed(8)))
        case 2:
            let length = try readVarint()
            guard length <= UInt64(end - place) else { throw Malformed() }
            let start = place
            place += Int(length)
            return (number, .bytes(start..<place))
        case 5: return (number, .fixed32(UInt32(truncatingIfNeeded: try readFixed(4))))
        default: throw Malformed()
        }
    }

    /// A number of one to ten bytes.
    package mutating func readVarint() throws(Malformed) -> UInt64 {
        var result: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard place < end else { throw Malformed() }
            let byte = bytes[place]
            place += 1
            result |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return result }
        }
        throw Malformed()
    }

    /// Four or eight bytes, the least significant first.
    package mutating func readFixed(_ count: Int) throws(Malformed) -> UInt64 {
        guard end - place >= count else { throw Malformed() }
        defer { place += count }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
    }
}
