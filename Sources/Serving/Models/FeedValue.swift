public import Tensors

/// A feed of `Model.run`: a tensor, or values that become a tensor of the placeholder's dtype.
public struct FeedValue: Sendable {
    enum Content: Sendable {
        case tensor(Tensor)
        case integer(Int64)
        case number(Double)
        case truth(Bool)
        case text(String)
        /// A string that need not be text.
        case bytes([UInt8])
        case list([FeedValue])
    }

    let content: Content

    /// A list, nested for more dimensions.
    public init(_ elements: [FeedValue]) { content = .list(elements) }

    /// A floating point number.
    public init(_ number: Double) { content = .number(number) }

    /// An integer.
    public init(_ number: Int64) { content = .integer(number) }

    /// A string of any bytes.
    public init(bytes: [UInt8]) { content = .bytes(bytes) }

    /// A tensor, fed unchanged. Its dtype must equal the placeholder's.
    public init(_ tensor: Tensor) { content = .tensor(tensor) }
}

extension FeedValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
    /// A scalar.
    public init(integerLiteral value: Int64) { content = .integer(value) }
    /// A scalar.
    public init(floatLiteral value: Double) { content = .number(value) }
    /// A scalar.
    public init(booleanLiteral value: Bool) { content = .truth(value) }
    /// A scalar string.
    public init(stringLiteral value: String) { content = .text(value) }
    /// A list, nested for more dimensions.
    public init(arrayLiteral elements: FeedValue...) { content = .list(elements) }
}

extension FeedValue {
    /// The value as a tensor.
    ///
    /// - Parameters:
    ///   - dtype: The placeholder's dtype.
    ///   - feed: The name of the feed in messages: `feed "x"`.
    /// - Returns: The tensor. A value that is a tensor is returned unchanged.
    /// - Throws: ``ModelError`` of kind `invalidArgument` if a value does not fit, or lists are ragged.
    package func tensor(of dtype: DataType, feed: String) throws(ModelError) -> Tensor {
        if case .tensor(let tensor) = content { return tensor }
        var leaves: [FeedValue] = []
        let dimensions = try flatten(into: &leaves, feed)
        guard let shape = Shape(dimensions) else { throw Self.misfit(feed, dtype) }
        let tensor: Tensor? =
            switch dtype.quantizedStorage ?? dtype {
            case .float32: try Tensor(leaves.floats(feed, dtype), shape: dimensions)
            case .float64: try Tensor(leaves.doubles(feed, dtype), shape: dimensions)
            case .float16, .bfloat16:
                Tensor(halfPrecisionFloats: try leaves.floats(feed, dtype), dtype: dtype, shape: dimensions)
            case .complex64: try Tensor(leaves.floats(feed, dtype), shape: dimensions)?.complex
            case .complex128: try Tensor(leaves.doubles(feed, dtype), shape: dimensions)?.complex
            case .int8: try Tensor(leaves.integers(Int8.self, feed, dtype), shape: dimensions)
            case .int16: try Tensor(leaves.integers(Int16.self, feed, dtype), shape: dimensions)
            case .int32: try Tensor(leaves.integers(Int32.self, feed, dtype), shape: dimensions)
            case .int64: try Tensor(leaves.integers(Int64.self, feed, dtype), shape: dimensions)
            case .uint8: try Tensor(leaves.integers(UInt8.self, feed, dtype), shape: dimensions)
            case .uint16: try Tensor(leaves.integers(UInt16.self, feed, dtype), shape: dimensions)
            case .uint32: try Tensor(leaves.integers(UInt32.self, feed, dtype), shape: dimensions)
            case .uint64: try Tensor(leaves.integers(UInt64.self, feed, dtype), shape: dimensions)
            case .bool: try Tensor(leaves.map { v throws(ModelError) in try v.truth(feed, dtype) }, shape: dimensions)
            case .string:
                try Tensor(strings: leaves.map { v throws(ModelError) in try v.text(feed, dtype) }, shape: shape)
            default: nil
            }
        guard let tensor = tensor?.quantized(as: dtype) else { throw Self.misfit(feed, dtype) }
        return tensor
    }

    fileprivate static func misfit(_ feed: String, _ dtype: DataType) -> ModelError {
        ModelError(.invalidArgument, "\(feed): the value does not fit \(dtype)")
    }

    private func flatten(into leaves: inout [FeedValue], _ feed: String) throws(ModelError) -> [Int] {
        guard case .list(let elements) = content else {
            leaves.append(self)
            return []
        }
        var inner: [Int]?
        for element in elements {
            let shape = try element.flatten(into: &leaves, feed)
            guard inner == nil || inner == shape else {
                throw ModelError(.invalidArgument, "\(feed): lists of different lengths")
            }
            inner = shape
        }
        return [elements.count] + (inner ?? [])
    }

    fileprivate func double(_ feed: String, _ dtype: DataType) throws(ModelError) -> Double {
        switch content {
        case .integer(let value): return Double(value)
        case .number(let value): return value
        default: throw Self.misfit(feed, dtype)
        }
    }

    fileprivate func integer<Value: FixedWidthInteger>(
        _ type: Value.Type, _ feed: String, _ dtype: DataType
    ) throws(ModelError) -> Value {
        guard case .integer(let number) = content, let value = Value(exactly: number) else {
            throw Self.misfit(feed, dtype)
        }
        return value
    }

    private func truth(_ feed: String, _ dtype: DataType) throws(ModelError) -> Bool {
        guard case .truth(let value) = content else { throw Self.misfit(feed, dtype) }
        return value
    }

    private func text(_ feed: String, _ dtype: DataType) throws(ModelError) -> [UInt8] {
        switch content {
        case .text(let value): return Array(value.utf8)
        case .bytes(let value): return value
        default: throw Self.misfit(feed, dtype)
        }
    }
}

extension [FeedValue] {
    fileprivate func doubles(_ feed: String, _ dtype: DataType) throws(ModelError) -> [Double] {
        try map { value throws(ModelError) in try value.double(feed, dtype) }
    }

    fileprivate func floats(_ feed: String, _ dtype: DataType) throws(ModelError) -> [Float] {
        try map { value throws(ModelError) in Float(try value.double(feed, dtype)) }
    }

    fileprivate func integers<Value: FixedWidthInteger>(
        _ type: Value.Type, _ feed: String, _ dtype: DataType
    ) throws(ModelError) -> [Value] {
        try map { value throws(ModelError) in try value.integer(type, feed, dtype) }
    }
}
