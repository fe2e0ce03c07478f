internal import Tensors

/// The Open Inference Protocol's names of element types.
enum V2Datatype {
    /// The name, `FP32`; a quantised number goes by that of the integer it is stored as. nil where the protocol has none.
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

    /// Why a tensor cannot be spoken of in this protocol.
    static func missing(_ dtype: DataType, _ tensor: String) -> RequestError {
        RequestError(501, "\(tensor) is \(dtype), which has no datatype in this protocol: use POST /predict")
    }
}
