package import Tensors

/// Elements as numbers in their order: of two elements, the larger one has the larger key; equal ones have equal keys.
///
/// NaN has a key too, beyond those of the infinities.
package struct OrderReader: Sendable {
    private let dtype: DataType

    /// - Returns: nil for a dtype without an order, or of more than 64 bits.
    package init?(_ dtype: DataType) {
        switch dtype {
        case .float32, .float64, .float16, .bfloat16, .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32,
            .uint64:
            self.dtype = dtype
        default: return nil
        }
    }

    /// The key of an element.
    @inline(__always)
    package func key(_ memory: UnsafeRawPointer, at index: Int) -> UInt64 {
        switch dtype {
        case .float32: Self.key(floating: memory.assumingMemoryBound(to: UInt32.self)[index])
        case .float64: Self.key(floating: memory.assumingMemoryBound(to: UInt64.self)[index])
        case .float16, .bfloat16: Self.key(floating: memory.assumingMemoryBound(to: UInt16.self)[index])
        case .int8: Self.key(memory.assumingMemoryBound(to: Int8.self)[index])
        case .int16: Self.key(memory.assumingMemoryBound(to: Int16.self)[index])
        case .int32: Self.key(memory.assumingMemoryBound(to: Int32.self)[index])
        case .int64: Self.key(memory.assumingMemoryBound(to: Int64.self)[index])
        case .uint16: UInt64(memory.assumingMemoryBound(to: UInt16.self)[index])
        case .uint32: UInt64(memory.assumingMemoryBound(to: UInt32.self)[index])
        case .uint64: memory.assumingMemoryBound(to: UInt64.self)[index]
        default: UInt64(memory.assumingMemoryBound(to: UInt8.self)[index])
        }
    }

    @inline(__always)
    private static func key(_ number: some FixedWidthInteger & SignedInteger) -> UInt64 {
        UInt64(bitPattern: Int64(number)) ^ 1 << 63
    }

    /// From the bits of a floating point number; the two zeros are one.
    @inline(__always)
    private static func key<Bits: FixedWidthInteger & UnsignedInteger>(floating bits: Bits) -> UInt64 {
        let sign: Bits = 1 << (Bits.bitWidth - 1)
        if bits & sign == 0 { return UInt64(bits | sign) }
        return UInt64(bits == sign ? sign : ~bits)
    }

    /// Whether a key is that of a NaN.
    package func isNaN(key: UInt64) -> Bool {
        let infinity: UInt64
        let lowest: UInt64
        switch dtype {
        case .float32: (infinity, lowest) = (0xFF80_0000, 0x007F_FFFF)
        case .float64: (infinity, lowest) = (0xFFF0_0000_0000_0000, 0x000F_FFFF_FFFF_FFFF)
        case .float16: (infinity, lowest) = (0xFC00, 0x03FF)
        case .bfloat16: (infinity, lowest) = (0xFF80, 0x007F)
        default: return false
        }
        return key > infinity || key < lowest
    }
}
