/// An immutable dense array: element type, shape, and the elements in row-major order.
public struct Tensor: Sendable {
    /// The type of the elements.
    public let dtype: DataType
    /// The dimensions.
    public let shape: Shape
    package private(set) var storage: TensorStorage
    package let byteOffset: Int

    /// Makes a tensor from a part of a storage.
    ///
    /// Returns nil if the elements would be outside of the storage, or not aligned to their width.
    package init?(dtype: DataType, shape: Shape, storage: TensorStorage, byteOffset: Int = 0) {
        guard let bytes = shape.byteCount(of: dtype), byteOffset >= 0, byteOffset <= storage.byteCount,
            bytes <= storage.byteCount - byteOffset,
            dtype.stride == 0 || Int(bitPattern: storage.baseAddress + byteOffset) % min(dtype.stride, 8) == 0
        else { return nil }
        self.dtype = dtype
        self.shape = shape
        self.storage = storage
        self.byteOffset = byteOffset
    }

    /// Allocates a tensor that the caller fills. Returns nil if there is not enough memory.
    ///
    /// - Parameters:
    ///   - dtype: A type of fixed width, or string if the caller keeps the strings' bytes alive.
    ///   - shape: The dimensions.
    ///   - fill: Initialises all of the memory.
    package init?(dtype: DataType, shape: Shape, initializing fill: (UnsafeMutableRawBufferPointer) throws -> Void)
        rethrows
    {
        guard let bytes = shape.byteCount(of: dtype), let storage = TensorStorage(byteCount: bytes) else { return nil }
        try fill(UnsafeMutableRawBufferPointer(start: storage.baseAddress, count: bytes))
        self.dtype = dtype
        self.shape = shape
        self.storage = storage
        byteOffset = 0
    }

    /// The maximum number of bytes of a constant that is written as a shorter list of values (a splat). A list as long as the tensor,
    /// or raw content, is bounded by the file.
    package static let splatLimitBytes = 256 << 20

    /// The number of bytes that the elements take in memory.
    public var byteCount: Int { shape.elementCount * dtype.stride }

    /// Whether the elements are in memory that was allocated for them, and no other tensor refers to it: then they may be changed in place.
    package mutating func isSoleOwner() -> Bool {
        !storage.isBorrowed && !storage.isCallers && isKnownUniquelyReferenced(&storage)
    }

    /// The same elements in another shape; nil if the number of elements differs.
    public func reshaped(to shape: Shape) -> Tensor? {
        guard shape.elementCount == self.shape.elementCount else { return nil }
        return Tensor(dtype: dtype, shape: shape, storage: storage, byteOffset: byteOffset)
    }

    /// Calls `body` with the elements' memory, which is valid only during the call.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(storage) {} }
        return try body(UnsafeRawBufferPointer(start: storage.baseAddress + byteOffset, count: byteCount))
    }
}

extension Tensor {
    /// Makes a tensor of numbers or booleans.
    ///
    /// Returns nil if the shape does not have as many elements as the list, or memory is short.
    ///
    /// - Parameters:
    ///   - scalars: The elements, row-major.
    ///   - dimensions: The shape; nil for the list's own length.
    public init?<Scalar: TensorScalar>(_ scalars: [Scalar], shape dimensions: [Int]? = nil) {
        guard let shape = Shape(dimensions ?? [scalars.count]), shape.elementCount == scalars.count else { return nil }
        self.init(dtype: Scalar.dataType, shape: shape) { memory in
            scalars.withUnsafeBytes { memory.copyMemory(from: $0) }
        }
    }

    /// The elements as a list; nil if they have another type.
    public func scalars<Scalar: TensorScalar>(as type: Scalar.Type = Scalar.self) -> [Scalar]? {
        guard Scalar.dataType == dtype else { return nil }
        return withUnsafeBytes { Array($0.bindMemory(to: Scalar.self)) }
    }

    /// The elements of an integer tensor as `Int`; nil for other types, and if a value does not fit.
    public var integers: [Int]? {
        switch dtype {
        case .int32: wholes(of: Int32.self)
        case .int64: wholes(of: Int64.self)
        case .int16: wholes(of: Int16.self)
        case .int8: wholes(of: Int8.self)
        case .uint8: wholes(of: UInt8.self)
        case .uint16: wholes(of: UInt16.self)
        case .uint32: wholes(of: UInt32.self)
        default: nil
        }
    }

    /// The elements, which have that type. No second list is allocated.
    private func wholes<Scalar: TensorScalar & BinaryInteger>(of type: Scalar.Type) -> [Int] {
        withUnsafeBytes { $0.bindMemory(to: Scalar.self).map(Int.init) }
    }
}

extension Tensor {
    /// Makes a tensor of strings, which TensorFlow treats as bytes.
    ///
    /// Returns nil if the numbers of elements differ, or memory is short.
    ///
    /// - Parameters:
    ///   - strings: The elements, row-major.
    ///   - shape: The shape, with as many elements.
    public init?(strings: [[UInt8]], shape: Shape) {
        guard shape.elementCount == strings.count else { return nil }
        var total = shape.elementCount * DataType.string.stride
        for string in strings {
            let (sum, overflow) = total.addingReportingOverflow(string.count)
            guard !overflow else { return nil }
            total = sum
        }
        guard let storage = TensorStorage(byteCount: total) else { return nil }
        // Safety: the storage holds the descriptors, then the bytes that they point to.
        let descriptors = storage.baseAddress.bindMemory(to: TensorString.self, capacity: strings.count)
        var next = storage.baseAddress + shape.elementCount * DataType.string.stride
        for (index, string) in strings.enumerated() {
            string.withUnsafeBytes { bytes in
                if let source = bytes.baseAddress { next.copyMemory(from: source, byteCount: bytes.count) }
            }
            let start = next.bindMemory(to: UInt8.self, capacity: string.count)
            descriptors[index] = TensorString(start: UnsafePointer(start), count: string.count)
            next += string.count
        }
        self.init(dtype: .string, shape: shape, storage: storage)
    }

    /// The elements of a string tensor; nil for other types.
    public var strings: [[UInt8]]? {
        guard dtype == .string else { return nil }
        return withUnsafeBytes { $0.bindMemory(to: TensorString.self).map { Array($0.bytes) } }
    }
}

// Reinterpretations of the same memory.
extension Tensor {
    /// Floats whose innermost dimension is 2, read as complex numbers `[re, im]`; nil for other tensors.
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

    /// Integers read as quantised numbers with that storage type. A tensor of that dtype is returned as it is. nil for other dtypes.
    package func quantized(as dtype: DataType) -> Tensor? {
        guard self.dtype != dtype else { return self }
        guard self.dtype == dtype.quantizedStorage else { return nil }
        return Tensor(dtype: dtype, shape: shape, storage: storage, byteOffset: byteOffset)
    }
}
