internal import Execution
internal import Serving
internal import Tensors

/// What a model's inputs and outputs are called in the Open Inference Protocol, and what they are.
///
/// A model with a signature goes by the signature's names, another by its tensors', `x:0`. A request may use any tensor's name
/// beside them, also without `:0`.
struct V2Interface {
    /// An input or output.
    struct Tensor {
        let name: String
        /// The graph's tensor.
        let description: TensorDescription
        let dtype: DataType
        /// Whether a request may leave it out.
        var isOptional = false

        var shape: PartialShape { description.shape }

        /// The dimensions in the protocol's form, which has no word for an unknown rank: that is a list of any length.
        var dimensions: [Int] { shape.dimensions ?? [PartialShape.unknownDimension] }

        /// The dimensions of an input. Triton knows no scalars, and its clients send lists of one for them, which ``V2Input``
        /// takes.
        var inputDimensions: [Int] { dimensions.isEmpty ? [1] : dimensions }
    }

    /// What an answer needs, without what is of a type that the protocol has not.
    let inputs: [Tensor]
    /// What is fetched when a request names nothing.
    let outputs: [Tensor]
    private let signature: Signature?

    init(_ model: Model) {
        signature = model.signatures["serving_default"] ?? model.signatures.min { $0.key < $1.key }?.value
        let optional = Set(model.inputs.filter { $0.defaultValue != nil }.map(\.name))
        if let named = signature?.inputs, !named.isEmpty {
            inputs = Self.tensors(named.sorted { $0.key < $1.key }, optional)
        } else {
            inputs = Self.tensors(model.inputs.filter(\.isNeeded).map { ($0.name, $0) }, optional)
        }
        if let named = signature?.outputs, !named.isEmpty {
            outputs = Self.tensors(named.sorted { $0.key < $1.key }, [])
        } else {
            outputs = Self.tensors(model.outputs.map { ($0.name, $0) }, [])
        }
    }

    private static func tensors(
        _ named: [(key: String, value: TensorDescription)], _ optional: Set<String>
    ) -> [Tensor] {
        named.compactMap { name, description in
            // What the graph does not tell is most often a float.
            let dtype = description.dtype ?? .float32
            guard V2Datatype.name(of: dtype) != nil else { return nil }
            return Tensor(
                name: name, description: description, dtype: dtype, isOptional: optional.contains(description.name))
        }
    }

    /// The graph's name of what a request calls so.
    func tensor(ofInput name: String) -> String { signature?.inputs[name]?.name ?? name }

    /// The graph's name of what a request calls so.
    func tensor(ofOutput name: String) -> String { signature?.outputs[name]?.name ?? name }

    /// The outputs of a request that names none, by their names here; nil where the model finds out what its feeds suffice for.
    var defaultOutputs: [(name: String, tensor: String)]? {
        guard let named = signature?.outputs, !named.isEmpty else { return nil }
        return named.sorted { $0.key < $1.key }.map { ($0.key, $0.value.name) }
    }

    /// Whether all inputs and outputs begin with a dimension of any size, which then is the batch's. Triton's clients want inputs
    /// to have more than that.
    var isBatchMajor: Bool {
        func begins(_ tensor: Tensor, _ least: Int) -> Bool {
            guard let dimensions = tensor.shape.dimensions, dimensions.count >= least else { return false }
            return dimensions[0] == PartialShape.unknownDimension
        }
        return !inputs.isEmpty && inputs.allSatisfy { begins($0, 2) } && outputs.allSatisfy { begins($0, 1) }
    }
}
