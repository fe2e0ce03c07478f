internal import Graphs
internal import Kernels
internal import Tensors

extension OpTable {
    /// Serialized `TensorProto` messages.
    static let tensorMessages: [OpEntry] = [
        OpEntry("ParseTensor", make: ParseTensor.init),
        OpEntry("SerializeTensor", make: SerializeTensor.init),
    ]
}

/// The tensor that a serialized message, a scalar string, holds. Attributes: `out_type`.
struct ParseTensor: TensorOp {
    private let dtype: DataType

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(1)
        dtype = try node.type("out_type")
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "serialized")
        guard inputs[0].shape.rank ?? 0 == 0 else {
            throw .invalid("Expected `serialized` to be a scalar, got shape: \(inputs[0].shape)")
        }
        return [TensorFact(dtype, .unknown)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        let tensor: Tensor
        do { tensor = try Tensor(serialized: try inputs[0].oneString("serialized")) } catch {
            throw .invalid("Could not parse `serialized` as TensorProto: \(error)")
        }
        guard tensor.dtype == dtype else {
            throw .invalid("Type mismatch between parsed tensor (\(tensor.dtype)) and dtype (\(dtype))")
        }
        return [tensor]
    }
}

/// The tensor as a serialized message, a scalar string.
struct SerializeTensor: TensorOp {
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] { [TensorFact(.string, .scalar)] }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        let bytes: [UInt8]
        do { bytes = try inputs[0].serialized() } catch { throw .unsupported(error.reason) }
        return [try .holding([bytes], .scalar)]
    }
}
