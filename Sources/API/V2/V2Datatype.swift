internal import Tensors

/// The Open Inference Protocol's names of element types.
enum V2Datatype {
    /// The name, `FP32`; nil if the protocol has none. A quantised number has the name of the integer that stores it.
    static func name(of dtype: DataType) -> String? {
        switch dtype.quantizedStorage ?? dtype {
        case .bool: "BOOL"
        case .uint8: "UINT8"
        case .uint16: "UINT16"
        case .uint32: "UINT32"
        case .uint64: "UINT64"
        case .int8: "INT8"
        case .int16: "INT16"
        case .int32: "INT32"
        case .int64: "INT64"
        case .float16: "FP16"
        case .bfloat16: "BF16"
        case .float32: "FP32"
        case .float64: "FP64"
        case .string: "BYTES"
        default: nil
        }
    }

    /// The name in a Triton model configuration, `TYPE_FP32`.
    static func configurationName(of dtype: DataType) -> String? {
        name(of: dtype).map { $0 == "BYTES" ? "TYPE_STRING" : "TYPE_" + $0 }
    }

    /// The error for a tensor whose dtype the protocol lacks.
    static func missing(_ dtype: DataType, _ tensor: String) -> RequestError {
        RequestError(501, "\(tensor) is \(dtype), which has no datatype in this protocol: use POST /predict")
    }
}
