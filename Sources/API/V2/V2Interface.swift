internal import Execution
internal import Serving
internal import Tensors

/// The inputs and outputs of a model in the Open Inference Protocol.
///
/// A model with signatures goes by the keys of one, another by its tensors' names, `x:0`. A request may use any tensor's name
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

    /// The inputs that the outputs need, without those whose dtype the protocol lacks.
    let inputs: [Tensor]
    /// The outputs of a request that names no fetches.
    let outputs: [Tensor]

    init(_ model: Model) { self.init(model, model.defaultSignature) }

    /// - `signature`: One of the model's; nil for a model without.
    init(_ model: Model, _ signature: Signature?) {
        inputs = Self.tensors(signature?.inputs ?? model.inputs.filter(\.isNeeded))
        outputs = Self.tensors(signature?.outputs ?? model.outputs)
    }

    private static func tensors(_ descriptions: [TensorDescription]) -> [Tensor] {
        descriptions.compactMap { description in
            // What the graph does not tell is most often a float.
            let dtype = description.dtype ?? .float32
            guard V2Datatype.name(of: dtype) != nil else { return nil }
            return Tensor(
                name: description.name, description: description, dtype: dtype,
                isOptional: description.defaultValue != nil || !description.isNeeded)
        }
    }

    /// Which inputs are known to be scalars, by the names of a request: that of an input, or of its tensor. Empty where none is.
    func scalars(among names: [String]) -> [Bool] {
        let scalars = names.map { name in
            inputs.contains {
                $0.shape.rank == 0
                    && [$0.name, $0.description.tensor, PreparedCall.withoutNumber($0.description.tensor)].contains(
                        name)
            }
        }
        return scalars.contains(true) ? scalars : []
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
