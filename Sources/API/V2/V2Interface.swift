internal import Execution
internal import Serving
internal import Tensors

/// The inputs and outputs of a model in the Open Inference Protocol.
///
/// A model with signatures uses the keys of one, other models use their tensors' names, `x:0`. A request may also use any tensor's name, with
/// or without `:0`.
struct V2Interface {
    /// An input or output.
    struct Tensor {
        let name: String
        /// The graph's tensor.
        let description: TensorDescription
        let dtype: DataType
        /// Whether it is optional.
        var isOptional = false

        var shape: PartialShape { description.shape }

        /// The dimensions in the protocol's form. The protocol cannot express an unknown rank, so it is written as a list of any length.
        var dimensions: [Int] { shape.dimensions ?? [PartialShape.unknownDimension] }

        /// The dimensions of an input. Triton has no scalars. Its clients send lists of one element instead, which ``V2Input`` accepts.
        var inputDimensions: [Int] { dimensions.isEmpty ? [1] : dimensions }
    }

    /// The inputs that the outputs need, without those whose dtype the protocol lacks.
    let inputs: [Tensor]
    /// The outputs of a request that names no fetches.
    let outputs: [Tensor]

    init(_ model: Model) { self.init(model, model.defaultSignature) }

    /// Makes the interface of one of the model's signatures; nil for a model without signatures.
    init(_ model: Model, _ signature: Signature?) {
        inputs = Self.tensors(signature?.inputs ?? model.inputs.filter(\.isNeeded))
        outputs = Self.tensors(signature?.outputs ?? model.outputs)
    }

    private static func tensors(_ descriptions: [TensorDescription]) -> [Tensor] {
        descriptions.compactMap { description in
            // An unknown dtype is most often a float.
            let dtype = description.dtype ?? .float32
            guard V2Datatype.name(of: dtype) != nil else { return nil }
            return Tensor(
                name: description.name, description: description, dtype: dtype,
                isOptional: description.defaultValue != nil || !description.isNeeded)
        }
    }

    /// Whether each input of a request, by its name or its tensor's name, is known to be a scalar. Empty if none is.
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

    /// Whether all inputs and outputs begin with a dimension of any size, the batch. Triton's clients expect inputs with at least one more
    /// dimension.
    var isBatchMajor: Bool {
        func begins(_ tensor: Tensor, _ least: Int) -> Bool {
            guard let dimensions = tensor.shape.dimensions, dimensions.count >= least else { return false }
            return dimensions[0] == PartialShape.unknownDimension
        }
        return !inputs.isEmpty && inputs.allSatisfy { begins($0, 2) } && outputs.allSatisfy { begins($0, 1) }
    }
}
