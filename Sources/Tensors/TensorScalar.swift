/// A Swift type for the elements of a tensor.
public protocol TensorScalar: BitwiseCopyable, Sendable {
    /// The corresponding element type.
    static var dataType: DataType { get }
}

extension Float: TensorScalar {
    /// `float32`.
    public static var dataType: DataType { .float32 }
}
extension Double: TensorScalar {
    /// `float64`.
    public static var dataType: DataType { .float64 }
}
extension Int8: TensorScalar {
    /// `int8`.
    public static var dataType: DataType { .int8 }
}
extension Int16: TensorScalar {
    /// `int16`.
    public static var dataType: DataType { .int16 }
}
extension Int32: TensorScalar {
    /// `int32`.
    public static var dataType: DataType { .int32 }
}
extension Int64: TensorScalar {
    /// `int64`.
    public static var dataType: DataType { .int64 }
}
extension UInt8: TensorScalar {
    /// `uint8`.
    public static var dataType: DataType { .uint8 }
}
extension UInt16: TensorScalar {
    /// `uint16`.
    public static var dataType: DataType { .uint16 }
}
extension UInt32: TensorScalar {
    /// `uint32`.
    public static var dataType: DataType { .uint32 }
}
extension UInt64: TensorScalar {
    /// `uint64`.
    public static var dataType: DataType { .uint64 }
}
extension Bool: TensorScalar {
    /// `bool`.
    public static var dataType: DataType { .bool }
}
