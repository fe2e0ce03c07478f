internal import Graphs
internal import TensorFlowProtos
internal import Tensors

/// A way to call a model that its maker gave a name: inputs and outputs under names of their own.
public struct Signature: Sendable {
    /// The signature's name, `serving_default`.
    public let name: String
    /// The method of the signature, such as `tensorflow/serving/predict`.
    public let methodName: String
    /// The tensors to feed, by the signature's keys, which are their names.
    public let inputs: [TensorDescription]
    /// The tensors to fetch, by the signature's keys, which are their names.
    public let outputs: [TensorDescription]
    /// The inputs that are several tensors, each of which is among ``inputs``.
    package let composites: [CompositeTensor]

    /// TensorFlow's name for the signature that is used if a request names none.
    package static let defaultName = "serving_default"

    /// - Parameters:
    ///   - name: The signature's name.
    ///   - message: What the file says of it.
    ///   - fact: What the graph says of a tensor, by the tensor's name.
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
        /// The value of a placeholder that is not fed.
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

    /// A sparse or ragged tensor is listed as the tensors that it consists of.
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

    /// Of several keys for one tensor the first must be fed; the others may stand for it.
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

    /// The name of the signature that is used where a request names none: `serving_default`, else what an object does when it is
    /// called, else the first.
    static func defaultName(among names: some Collection<String>) -> String? {
        [defaultName, "__call__"].first(where: names.contains) ?? names.min()
    }
}
