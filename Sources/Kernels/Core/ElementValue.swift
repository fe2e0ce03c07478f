package import Tensors

/// An element of some dtype, for kernels that fill with it or compute with it.
package struct ElementValue: Sendable, Hashable {
    private let low: UInt64
    private let high: UInt64

    private init(_ low: UInt64, _ high: UInt64 = 0) {
        self.low = low
        self.high = high
    }

    /// A number; nil for dtypes that are not numbers, or where it does not fit.
    package init?(_ number: Double, as dtype: DataType) {
        switch dtype {
        case .float32: self.init(UInt64(Float(number).bitPattern))
        case .float64: self.init(number.bitPattern)
        case .float16, .bfloat16:
            guard let format = HalfPrecision(dtype) else { return nil }
            self.init(UInt64(format.bits(Float(number))))
        case .complex64: self.init(UInt64(Float(number).bitPattern))
        case .complex128: self.init(number.bitPattern)
        case .bool: self.init(number == 0 ? 0 : 1)
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
            guard let whole = Int64(exactly: number.rounded(.towardZero)) else { return nil }
            self.init(UInt64(bitPattern: whole))
        default: return nil
        }
    }

    /// The least finite number of a dtype that has an order.
    package static func least(_ dtype: DataType) -> ElementValue? {
        switch dtype {
        case .float32: ElementValue(UInt64((-Float.greatestFiniteMagnitude).bitPattern))
        case .float64: ElementValue((-Double.greatestFiniteMagnitude).bitPattern)
        case .float16: ElementValue(0xFBFF)
        case .bfloat16: ElementValue(0xFF7F)
        case .int8, .int16, .int32, .int64: ElementValue(1 << UInt64(dtype.stride * 8 - 1))
        case .uint8, .uint16, .uint32, .uint64: ElementValue(0)
        default: nil
        }
    }

    /// The greatest finite number of a dtype that has an order.
    package static func greatest(_ dtype: DataType) -> ElementValue? {
        switch dtype {
        case .float32: ElementValue(UInt64(Float.greatestFiniteMagnitude.bitPattern))
        case .float64: ElementValue(Double.greatestFiniteMagnitude.bitPattern)
        case .float16: ElementValue(0x7BFF)
        case .bfloat16: ElementValue(0x7F7F)
        case .int8, .int16, .int32, .int64: ElementValue(1 << UInt64(dtype.stride * 8 - 1) - 1)
        case .uint8, .uint16, .uint32, .uint64: ElementValue(UInt64.max)
        default: nil
        }
    }

    /// The bytes of the element, and zeros behind them (a machine that is not little-endian would need others).
    func withBytes<Result>(_ body: (UnsafeRawPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { memory in
            memory.initialize(repeating: 0)
            memory[0] = low
            memory[1] = high
            // Safety: two elements are never no memory.
            return body(UnsafeRawPointer(memory.baseAddress.unsafelyUnwrapped))
        }
    }
}

extension UnsafeMutableRawPointer {
    /// Writes a value `count` times.
    func fill(with value: ElementValue, width: Int, count: Int) {
        value.withBytes { fill(with: $0, width: width, count: count) }
    }
}
