internal import Graphs
internal import TensorFlowProtos
internal import Tensors

/// A way to call a model that its maker gave a name: inputs and outputs under names of their own.
public struct Signature: Sendable {
    /// The signature's name, `serving_default`.
    public let name: String
    /// What kind of model it is: `tensorflow/serving/predict`.
    public let methodName: String
    /// The tensors to feed, by the signature's keys, which are their names.
    public let inputs: [TensorDescription]
    /// The tensors to fetch, by the signature's keys, which are their names.
    public let outputs: [TensorDescription]

    /// What TensorFlow calls the signature that is used where a request names none.
    package static let defaultName = "serving_default"

    /// - Parameters:
    ///   - name: The signature's name.
    ///   - message: What the file says of it.
    ///   - fact: What the graph says of a tensor, by the tensor's name.
    init(_ name: String, _ message: SignatureDef, fact: (TensorName) -> GraphFact) {
        self.name = name
        methodName = message.methodName
        inputs = Self.tensors(message.inputs, fact)
        outputs = Self.tensors(message.outputs, fact)
    }

    /// What a graph says of a tensor.
    struct GraphFact {
        var dtype: DataType?
        var shape = PartialShape.unknown
        /// What a placeholder is when it is not fed.
        var defaultValue: Tensor?
    }

    private init(_ other: Signature, outputs: [TensorDescription]) {
        name = other.name
        methodName = other.methodName
        inputs = other.inputs
        self.outputs = outputs
    }

    /// The signature without some outputs; nil if none are left.
    func without(_ isLeftOut: (TensorDescription) -> Bool) -> Signature? {
        let kept = outputs.filter { !isLeftOut($0) }
        return kept.isEmpty && !outputs.isEmpty ? nil : Signature(self, outputs: kept)
    }

    /// Sparse and composite tensors have no name: they are left out.
    private static func tensors(
        _ infos: [String: TensorInfo], _ fact: (TensorName) -> GraphFact
    ) -> [TensorDescription] {
        infos.sorted { $0.key < $1.key }.compactMap { key, info in
            guard let name = TensorName(parsing: info.name), !name.isControl else { return nil }
            let known = fact(name)
            var description = TensorDescription(
                name: key, tensor: name.description, dtype: DataType(protoNumber: info.dtype) ?? known.dtype,
                shape: info.hasTensorShape ? PartialShape(decoding: info.tensorShape) : known.shape)
            description.defaultValue = known.defaultValue
            return description
        }
    }

    /// The name of the signature that is used where a request names none: `serving_default`, else the first.
    static func defaultName(among names: some Collection<String>) -> String? {
        names.contains(defaultName) ? defaultName : names.min()
    }
}
