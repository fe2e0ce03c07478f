public import Tensors

/// An input or output of a model.
public struct TensorDescription: Sendable {
    /// The name in requests: the signature's key, or the tensor's own name without a signature.
    public let name: String
    /// The tensor's full name in the graph, `x:0`.
    public let tensor: String
    /// The element type; nil if the graph does not declare it.
    public let dtype: DataType?
    /// The shape, as far as the signature or the graph declares it.
    public let shape: PartialShape
    /// The default value; nil if it must be fed.
    public internal(set) var defaultValue: Tensor?
    /// The purpose of an input that is not data.
    public internal(set) var note: String?
    /// Whether no signature lists it, so that metaserve guessed from the graph that it is an input or an output.
    public internal(set) var isGuessed = false
    /// The usual value for predictions, if the graph shows it.
    package internal(set) var usualValue: Double?
    /// Whether an output depends on it.
    package internal(set) var isNeeded = true
}

/// A variable of a model.
public struct VariableDescription: Hashable, Sendable {
    /// The name in the graph.
    public let name: String
    /// The element type.
    public let dtype: DataType
    /// The dimensions.
    public let shape: Shape
    /// The number of bytes in the checkpoint.
    public let byteCount: Int
}
