public import Tensors

/// An input or output of a model.
public struct TensorDescription: Sendable {
    /// What requests call it: the signature's key; without a signature the tensor's own name.
    public let name: String
    /// The tensor's full name in the graph, `x:0`.
    public let tensor: String
    /// The element type; nil where the graph does not tell it.
    public let dtype: DataType?
    /// The shape, as far as signature or graph tells it.
    public let shape: PartialShape
    /// What it is when a request does not feed it; nil where it must be fed.
    public internal(set) var defaultValue: Tensor?
    /// What it is for, where it is no data.
    public internal(set) var note: String?
    /// Whether no signature tells it: metaserve guessed from the graph that it is an input, or an output.
    public internal(set) var isGuessed = false
    /// What a prediction is made with, where the graph tells it.
    package internal(set) var usualValue: Double?
    /// Whether an output needs it.
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
    /// Bytes in the checkpoint.
    public let byteCount: Int
}
