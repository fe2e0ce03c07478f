/// A protobuf message in the making.
struct MessageWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(varint: UInt64) {
        var rest = varint
        while rest > 127 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func append(_ content: [UInt8], field: UInt64) {
        append(varint: field << 3 | 2)
        append(varint: UInt64(content.count))
        bytes += content
    }

    /// Left out where it is empty.
    mutating func append(tag: [UInt8]) {
        if !tag.isEmpty { append(tag, field: 1) }
    }

    mutating func append(_ number: Float, field: UInt64) {
        append(varint: field << 3 | 5)
        withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 }
    }

    /// Left out where it is what a reader takes for a missing field.
    mutating func append(_ number: Double, field: UInt64) {
        guard number.bitPattern != 0 else { return }
        append(varint: field << 3 | 1)
        withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func append(_ numbers: [Double], field: UInt64) {
        append(numbers.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }, field: field)
    }
}

// A message that goes straight into a tensor: the lengths of what it contains are known before.
extension StringTensorBuilder {
    mutating func append(varint: UInt64) throws(OpError) {
        var rest = varint
        while rest > 127 {
            try append(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        try append(UInt8(rest))
    }

    /// What stands before the bytes of a field.
    mutating func append(headerOf field: UInt64, byteCount: Int) throws(OpError) {
        try append(varint: field << 3 | 2)
        try append(varint: UInt64(byteCount))
    }

    mutating func append(_ content: UnsafeBufferPointer<UInt8>, field: UInt64) throws(OpError) {
        try append(headerOf: field, byteCount: content.count)
        try append(content)
    }

    mutating func append(_ content: [UInt8], field: UInt64) throws(OpError) {
        try append(headerOf: field, byteCount: content.count)
        try append(content)
    }
}

/// How many bytes parts of a message take.
enum MessageSize {
    static func varint(_ number: UInt64) -> Int { max(1, (UInt64.bitWidth - number.leadingZeroBitCount + 6) / 7) }

    /// Bytes of a field whose number is below 16, with what stands before them.
    static func field(_ byteCount: Int) -> Int {
        let (sum, overflow) = byteCount.addingReportingOverflow(1 + varint(UInt64(max(0, byteCount))))
        return overflow ? .max : sum
    }
}
