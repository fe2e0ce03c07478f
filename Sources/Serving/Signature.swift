internal import Graphs
internal import TensorFlowProtos
internal import Tensors

/// A way to call a model that its maker gave a name: inputs and outputs under names of their own.
public struct Signature: Sendable {
    /// The signature's name, `serving_default`.
    public let name: String
    /// What kind of model it is: `tensorflow/serving/predict`.
    public let methodName: String
    /// The tensors to feed, by the names that users give.
    public let inputs: [String: TensorDescription]
    /// The tensors to fetch, by the names that users get.
    public let outputs: [String: TensorDescription]

    init(_ name: String, _ message: SignatureDef) {
        self.name = name
        methodName = message.methodName
        inputs = Self.tensors(message.inputs)
        outputs = Self.tensors(message.outputs)
    }

    /// Sparse and composite tensors have no name: they are left out.
    private static func tensors(_ infos: [String: TensorInfo]) -> [String: TensorDescription] {
        infos.compactMapValues { info in
            guard let name = TensorName(parsing: info.name), !name.isControl else { return nil }
            return TensorDescription(
                name: name.description, dtype: DataType(protoNumber: info.dtype),
                shape: info.hasTensorShape ? PartialShape(decoding: info.tensorShape) : .unknown)
        }
    }
}
