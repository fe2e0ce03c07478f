/// Conversion of 16-bit floating point numbers, as tensors store them.
public struct HalfPrecision: Sendable {
    /// Half precision or bfloat16.
    private let isBrain: Bool

    /// Returns nil if the dtype is not a 16-bit float.
    ///
    /// - Parameter dtype: The elements' dtype.
    public init?(_ dtype: DataType) {
        guard dtype.isHalfPrecision else { return nil }
        isBrain = dtype == .bfloat16
    }

    /// The number with these bits. float32 represents all of them exactly.
    public func number(_ bits: UInt16) -> Float {
        isBrain ? Float(bitPattern: UInt32(bits) << 16) : Float(Float16(bitPattern: bits))
    }

    /// The bits of the nearest number, halves to even; beyond the largest one, those of infinity.
    public func bits(_ number: Float) -> UInt16 {
        guard isBrain else { return Float16(number).bitPattern }
        let bits = number.bitPattern
        guard !number.isNaN else { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        // The sum stays below 2^32, because NaN is handled separately.
        return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
    }
}

extension Tensor {
    /// The elements of a tensor of half precision or bfloat16; nil for other dtypes.
    public var halfPrecisionFloats: [Float]? {
        guard let format = HalfPrecision(dtype) else { return nil }
        return withUnsafeBytes { $0.bindMemory(to: UInt16.self).map { format.number($0) } }
    }

    /// Makes a tensor of half precision or bfloat16, with the nearest numbers.
    ///
    /// Returns nil if the shape does not fit, the dtype is another one, or memory is short.
    ///
    /// - Parameters:
    ///   - numbers: The elements, row-major.
    ///   - dtype: float16 or bfloat16.
    ///   - dimensions: The shape, with as many elements.
    public init?(halfPrecisionFloats numbers: [Float], dtype: DataType, shape dimensions: [Int]) {
        guard let format = HalfPrecision(dtype), let shape = Shape(dimensions), shape.elementCount == numbers.count
        else { return nil }
        self.init(dtype: dtype, shape: shape) { memory in
            let elements = memory.bindMemory(to: UInt16.self)
            for (index, number) in numbers.enumerated() { elements[index] = format.bits(number) }
        }
    }
}
