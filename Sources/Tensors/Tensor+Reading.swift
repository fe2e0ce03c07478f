// Other readings of the same memory.
extension Tensor {
    /// Floats whose innermost lists are pairs, read as complex numbers `[re, im]`; nil where they are not.
    package var complex: Tensor? {
        let dtype: DataType
        switch self.dtype {
        case .float32: dtype = .complex64
        case .float64: dtype = .complex128
        default: return nil
        }
        guard shape.dimensions.last == 2, let shape = Shape(Array(shape.dimensions.dropLast())) else { return nil }
        return Tensor(dtype: dtype, shape: shape, storage: storage, byteOffset: byteOffset)
    }

    /// Integers read as the quantised numbers that are stored so; a tensor of that dtype as it is. nil for other dtypes.
    package func quantized(as dtype: DataType) -> Tensor? {
        guard self.dtype != dtype else { return self }
        guard self.dtype == dtype.quantizedStorage else { return nil }
        return Tensor(dtype: dtype, shape: shape, storage: storage, byteOffset: byteOffset)
    }
}
