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
        /// Strings.
        public var bytes: [[UInt8]] = []
        /// Whole numbers.
        public var ints: [Int64] = []
        /// Floating point numbers.
        public var floats: [Float] = []
        /// Truth values.
        public var bools: [Bool] = []
        /// Dtypes; nil where the number is not known.
        public var types: [DataType?] = []
        /// Shapes.
        public var shapes: [PartialShape] = []

        /// An empty list.
        public init() {}
    }
}
