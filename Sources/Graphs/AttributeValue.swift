public import Tensors

/// The value of a node's attribute, decoded.
public enum AttributeValue: Sendable {
    case bytes([UInt8])
    case int(Int64)
    case float(Float)
    case bool(Bool)
    /// A dtype; nil when the number is not known.
    case type(DataType?)
    case shape(PartialShape)
    case tensor(Tensor)
    case function(name: String)
    case list(List)

    /// A list; the kind that has elements tells of what. An empty list has none.
    public struct List: Sendable {
        public var bytes: [[UInt8]] = []
        public var ints: [Int64] = []
        public var floats: [Float] = []
        public var bools: [Bool] = []
        public var types: [DataType?] = []
        public var shapes: [PartialShape] = []

        public init() {}
    }
}
