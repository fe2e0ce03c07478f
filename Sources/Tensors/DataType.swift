/// The element type of a tensor, numbered as TensorFlow's `DataType` enumeration (types.proto).
public enum DataType: Int32, Hashable, Sendable, CaseIterable {
    case float32 = 1
    case float64 = 2
    case int32 = 3
    case uint8 = 4
    case int16 = 5
    case int8 = 6
    case string = 7
    case complex64 = 8
    case int64 = 9
    case bool = 10
    case qint8 = 11
    case quint8 = 12
    case qint32 = 13
    case bfloat16 = 14
    case qint16 = 15
    case quint16 = 16
    case uint16 = 17
    case complex128 = 18
    case float16 = 19
    case resource = 20
    case variant = 21
    case uint32 = 22
    case uint64 = 23

    /// Added to a number for the reference type of that element type (`DT_FLOAT_REF` is 101).
    static let referenceOffset: Int32 = 100

    /// The type that a message's `DataType` field names. A reference type is read as its element type. nil if the number is unknown.
    ///
    /// - Parameter number: The field's value.
    public init?(protoNumber number: Int32) {
        self.init(rawValue: number > Self.referenceOffset ? number - Self.referenceOffset : number)
    }

    /// TensorFlow's name, as in `tf.DType.name`.
    public var name: String {
        switch self {
        case .float32: "float32"
        case .float64: "float64"
        case .int32: "int32"
        case .uint8: "uint8"
        case .int16: "int16"
        case .int8: "int8"
        case .string: "string"
        case .complex64: "complex64"
        case .int64: "int64"
        case .bool: "bool"
        case .qint8: "qint8"
        case .quint8: "quint8"
        case .qint32: "qint32"
        case .bfloat16: "bfloat16"
        case .qint16: "qint16"
        case .quint16: "quint16"
        case .uint16: "uint16"
        case .complex128: "complex128"
        case .float16: "float16"
        case .resource: "resource"
        case .variant: "variant"
        case .uint32: "uint32"
        case .uint64: "uint64"
        }
    }

    /// Bytes of an element in a checkpoint and in a constant; nil if elements have no fixed width (strings, handles).
    public var fixedWidth: Int? {
        switch self {
        case .uint8, .int8, .bool, .qint8, .quint8: 1
        case .int16, .uint16, .float16, .bfloat16, .qint16, .quint16: 2
        case .float32, .int32, .uint32, .qint32: 4
        case .float64, .int64, .uint64, .complex64: 8
        case .complex128: 16
        case .string, .resource, .variant: nil
        }
    }

    /// Bytes of an element in memory: ``fixedWidth``, or the size of a ``TensorString`` for strings. A handle is the number of an
    /// object of a run.
    public var stride: Int {
        switch self {
        case .string: MemoryLayout<TensorString>.stride
        case .resource, .variant: MemoryLayout<Int64>.stride
        default: fixedWidth ?? 0
        }
    }

    /// Whether the elements are handles. They are valid within a run only, so they are neither fed nor fetched.
    public var isHandle: Bool { self == .resource || self == .variant }

    /// Whether the elements are floating point numbers.
    public var isFloating: Bool {
        switch self {
        case .float32, .float64, .float16, .bfloat16: true
        default: false
        }
    }

    /// Whether the elements are floating point numbers of 16 bits, which are computed in float32.
    public var isHalfPrecision: Bool { self == .float16 || self == .bfloat16 }

    /// The dtype of a complex number's parts; nil if the dtype is not complex.
    public var complexPart: DataType? {
        switch self {
        case .complex64: .float32
        case .complex128: .float64
        default: nil
        }
    }

    /// The integer type that stores a quantised number; nil if the dtype is not quantised.
    public var quantizedStorage: DataType? {
        switch self {
        case .qint8: .int8
        case .quint8: .uint8
        case .qint16: .int16
        case .quint16: .uint16
        case .qint32: .int32
        default: nil
        }
    }

    /// Whether the elements are whole numbers (booleans and quantised types are not).
    public var isInteger: Bool {
        switch self {
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: true
        default: false
        }
    }
}

extension DataType: CustomStringConvertible {
    /// ``name``.
    public var description: String { name }
}
