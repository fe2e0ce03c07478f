public import Tensors

/// The value of a node's attribute, decoded.
public enum AttributeValue: Sendable {
    case bytes([UInt8])
    case int(Int64)
    case float(Float)
    case bool(Bool)
    /// A dtype; nil if its number is unknown.
    case type(DataType?)
    case shape(PartialShape)
    case tensor(Tensor)
    case function(name: String)
    case list(List)

    /// A list. The property with elements shows their type. In an empty list, all properties are empty.
    public struct List: Sendable {
        /// Strings.
        public var bytes: [[UInt8]] = []
        /// Integers.
        public var ints: [Int64] = []
        /// Floating point numbers.
        public var floats: [Float] = []
        /// Booleans.
        public var bools: [Bool] = []
        /// Dtypes; nil for an unknown number.
        public var types: [DataType?] = []
        /// Shapes.
        public var shapes: [PartialShape] = []

        /// An empty list.
        public init() {}
    }
}
