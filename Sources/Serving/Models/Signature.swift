internal import Graphs
internal import TensorFlowProtos
internal import Tensors

/// A named way to call a model, with keys for inputs and outputs.
public struct Signature: Sendable {
    /// The signature's name, `serving_default`.
    public let name: String
    /// The method of the signature, such as `tensorflow/serving/predict`.
    public let methodName: String
    /// The tensors to feed, with the signature's keys as names.
    public let inputs: [TensorDescription]
    /// The tensors to fetch, with the signature's keys as names.
    public let outputs: [TensorDescription]
    /// The inputs that consist of several tensors, each of which is in ``inputs``.
    package let composites: [CompositeTensor]

    /// TensorFlow's name for the default signature.
    package static let defaultName = "serving_default"

    /// - Parameters:
    ///   - name: The signature's name.
    ///   - message: The signature in the file.
    ///   - fact: Returns the graph's facts about a tensor, by the tensor's name.
    init(_ name: String, _ message: SignatureDef, fact: (TensorName) -> GraphFact) {
        self.name = name
        methodName = message.methodName
        inputs = Self.withoutNeedOfSeconds(Self.tensors(message.inputs, fact))
        outputs = Self.tensors(message.outputs, fact)
        composites = message.inputs.sorted { $0.key < $1.key }.compactMap { CompositeTensor($0.key, $0.value) }
    }

    /// The facts of a graph about a tensor.
    struct GraphFact {
        var dtype: DataType?
        var shape = PartialShape.unknown
        /// The default value of a placeholder.
        var defaultValue: Tensor?
    }

    private init(_ other: Signature, outputs: [TensorDescription]) {
        name = other.name
        methodName = other.methodName
        inputs = other.inputs
        self.outputs = outputs
        composites = other.composites
    }

    /// The signature without some outputs; nil if none are left.
    func without(_ isLeftOut: (TensorDescription) -> Bool) -> Signature? {
        let kept = outputs.filter { !isLeftOut($0) }
        return kept.isEmpty && !outputs.isEmpty ? nil : Signature(self, outputs: kept)
    }

    /// The tensors of a signature. A sparse or ragged tensor is listed as its parts.
    private static func tensors(
        _ infos: [String: TensorInfo], _ fact: (TensorName) -> GraphFact
    ) -> [TensorDescription] {
        let named = infos.sorted { $0.key < $1.key }.flatMap {
            key, info -> [(name: String, info: TensorInfo, note: String?)] in
            guard let composite = CompositeTensor(key, info) else { return [(key, info, nil)] }
            return composite.parts.map { ($0.name, $0.info, composite.note(of: $0)) }
        }
        return named.compactMap { name, info, note in
            guard let tensor = TensorName(parsing: info.name), !tensor.isControl else { return nil }
            let known = fact(tensor)
            var description = TensorDescription(
                name: name, tensor: tensor.description, dtype: DataType(protoNumber: info.dtype) ?? known.dtype,
                shape: info.hasTensorShape ? PartialShape(decoding: info.tensorShape) : known.shape)
            description.defaultValue = known.defaultValue
            description.note = note
            return description
        }
    }

    /// If several keys name one tensor, only the first must be fed. The others may be used instead.
    private static func withoutNeedOfSeconds(_ inputs: [TensorDescription]) -> [TensorDescription] {
        var first: [String: String] = [:]
        return inputs.map { input in
            guard let other = first[input.tensor] else {
                first[input.tensor] = input.name
                return input
            }
            var second = input
            second.isNeeded = false
            second.note = "the same tensor as \"\(other)\": feed one of them"
            return second
        }
    }

    /// The name of the default signature: `serving_default`, otherwise the call function of an object, otherwise the first.
    static func defaultName(among names: some Collection<String>) -> String? {
        [defaultName, "__call__"].first(where: names.contains) ?? names.min()
    }
}
