public import Tensors

/// An input or output of a model.
public struct TensorDescription: Hashable, Sendable {
    /// The tensor's full name, `x:0`.
    public let name: String
    /// The element type; nil where the graph does not tell it.
    public let dtype: DataType?
    /// The shape, as far as the graph tells it.
    public let shape: PartialShape
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
