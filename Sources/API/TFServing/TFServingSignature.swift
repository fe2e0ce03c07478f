internal import Serving
internal import Tensors

/// A signature for clients of TF Serving: inputs and outputs by the signature's keys.
final class TFServingSignature: Sendable {
    /// An input or output.
    struct Argument: Sendable {
        let name: String
        let tensor: TensorDescription
        /// Whether a request must have it.
        let isRequired: Bool

        init(_ name: String, _ tensor: TensorDescription, isRequired: Bool = true) {
            self.name = name
            self.tensor = tensor
            self.isRequired = isRequired
        }

        /// The end of the message about a missing input: the usual value of a switch.
        var hint: String { tensor.switchHint.map { "; \($0)" } ?? "" }
    }

    let name: String
    /// The name's UTF-8.
    let nameBytes: [UInt8]
    let methodName: String
    /// The inputs by name.
    let inputs: [Argument]
    /// The inputs' names in UTF-8.
    private let inputKeys: [[UInt8]]
    /// The outputs by name; for a graph without signatures the most likely first.
    let outputs: [Argument]
    /// The index of the input for a value without a name: the only required one, or the only one.
    let plainInput: Int?
    /// Whether the graph has no signature, and this one is derived from its placeholders and outputs.
    let isDerived: Bool

    /// The maximum number of names in a message.
    private static let maxListed = 20
    init(_ signature: Signature, _ model: Model) {
        name = signature.name
        nameBytes = Array(name.utf8)
        methodName = signature.methodName
        inputs = signature.inputs.map { Argument($0.name, $0, isRequired: $0.isNeeded && !model.hasDefault($0.tensor)) }
        outputs = signature.outputs.map { Argument($0.name, $0) }
        inputKeys = inputs.map { Array($0.name.utf8) }
        plainInput = Self.plain(inputs)
        isDerived = false
    }

    /// The signature of a graph without signatures: its inputs and outputs, by the tensors' names without `:0`.
    init(derivedFrom model: Model) {
        name = Signature.defaultName
        nameBytes = Array(name.utf8)
        methodName = "tensorflow/serving/predict"
        inputs = model.inputs.filter(\.isNeeded).map {
            Argument(PreparedCall.withoutNumber($0.name), $0, isRequired: !model.hasDefault($0.tensor))
        }.sorted { $0.name < $1.name }
        outputs = model.outputs.map { Argument(PreparedCall.withoutNumber($0.name), $0) }
        inputKeys = inputs.map { Array($0.name.utf8) }
        plainInput = Self.plain(inputs)
        isDerived = true
    }

    private static func plain(_ inputs: [Argument]) -> Int? {
        let required = inputs.indices.filter { inputs[$0].isRequired }
        if required.count == 1 { return required.first }
        return inputs.count == 1 ? 0 : nil
    }

    /// The index of an input.
    func input(_ key: JSONValue) -> Int? { inputKeys.firstIndex { key.equals($0) } }

    /// Whether a key names that input.
    func isInput(_ input: Int, _ key: JSONValue) -> Bool { key.equals(inputKeys[input]) }

    /// The inputs' names, for messages.
    var inputNames: String {
        inputs.prefix(Self.maxListed).map(\.name).joined(separator: ",")
            + (inputs.count > Self.maxListed ? ",..." : "")
    }
}

/// The signatures of a version of a model.
struct TFServingSignatures: Sendable {
    /// The signatures by name.
    let all: [TFServingSignature]
    /// The signature for requests that name none: `serving_default`, or the only one.
    let usual: TFServingSignature?

    init(_ model: Model) {
        let named = model.signatures.values.sorted { $0.name < $1.name }.map { TFServingSignature($0, model) }
        all = named.isEmpty ? [TFServingSignature(derivedFrom: model)] : named
        usual = all.first { $0.name == Signature.defaultName } ?? (all.count == 1 ? all.first : nil)
    }

    /// The signature with a name. An empty name counts as none.
    ///
    /// - Throws: ``RequestError`` 400 with the existing names, and for a signature without inputs.
    func signature(named name: JSONValue?) throws(RequestError) -> TFServingSignature {
        let name = name.flatMap { $0.string.isEmpty ? nil : $0 }
        let found = name.map { name in all.first { name.equals($0.nameBytes) } } ?? usual
        guard let found else {
            let names = all.map { "\"\($0.name)\"" }.joined(separator: ", ")
            throw .badRequest(
                "Serving signature name: \"\(name?.excerpt ?? Signature.defaultName)\" not found in signature "
                    + "def; \"signature_name\" can be \(names)")
        }
        guard !found.inputs.isEmpty else {
            throw .badRequest("Failed to get input map for signature: \(found.name)")
        }
        return found
    }
}
