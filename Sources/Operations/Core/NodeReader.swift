package import Graphs
package import Tensors

/// A node as an op reads it: its attributes by name and type, and how many inputs it has.
///
/// A missing attribute takes the default of the graph's own op list, then the one that the op passes here.
package struct NodeReader {
    private let node: Node

    package init(_ node: Node) { self.node = node }

    /// The node's name.
    package var name: String { node.name }
    /// The node's op.
    package var op: String { node.op }
    /// How many data inputs the node has.
    package var inputCount: Int { node.inputs.count }

    /// Checks the number of data inputs.
    package func expectInputs(_ count: Int) throws(OpError) {
        guard inputCount == count else { throw malformed("expected \(count) inputs, found \(inputCount)") }
    }

    /// Checks the number of data inputs.
    package func expectInputs(atLeast count: Int) throws(OpError) {
        guard inputCount >= count else {
            throw malformed("expected at least \(count) inputs, found \(inputCount)")
        }
    }

    /// A dtype attribute.
    package func type(_ name: String, default fallback: DataType? = nil) throws(OpError) -> DataType {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .type(let type) = value else { throw wrongKind(name, "a dtype") }
        guard let type else { throw malformed("attribute \(name) is a dtype that is not known") }
        return type
    }

    /// A whole number.
    package func int(_ name: String, default fallback: Int? = nil) throws(OpError) -> Int {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .int(let number) = value else { throw wrongKind(name, "an int") }
        return Int(number)
    }

    /// A floating point number.
    package func float(_ name: String, default fallback: Float? = nil) throws(OpError) -> Float {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .float(let number) = value else { throw wrongKind(name, "a float") }
        return number
    }

    /// A truth value.
    package func bool(_ name: String, default fallback: Bool? = nil) throws(OpError) -> Bool {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .bool(let truth) = value else { throw wrongKind(name, "a bool") }
        return truth
    }

    /// A string that must be UTF-8.
    package func string(_ name: String, default fallback: String? = nil) throws(OpError) -> String {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .bytes(let bytes) = value, let text = String(validating: bytes, as: UTF8.self) else {
            throw wrongKind(name, "a string")
        }
        return text
    }

    /// A string that must be one of a few: the choice must have all values that TensorFlow's op takes.
    ///
    /// - Throws: ``OpError`` of kind `malformed` for another value: there is no such graph.
    package func choice<Choice: RawRepresentable>(
        _ name: String, default fallback: Choice? = nil
    ) throws(OpError) -> Choice where Choice.RawValue == String {
        let text = try string(name, default: fallback?.rawValue)
        guard let choice = Choice(rawValue: text) else {
            throw malformed("attribute \(name) = \"\(text)\" is not a value of that attribute")
        }
        return choice
    }

    /// A list of whole numbers; an empty list where the attribute is an empty list.
    package func ints(_ name: String, default fallback: [Int]? = nil) throws(OpError) -> [Int] {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .list(let list) = value else { throw wrongKind(name, "a list of ints") }
        return list.ints.map(Int.init)
    }

    /// A list of floating point numbers.
    package func floats(_ name: String, default fallback: [Float]? = nil) throws(OpError) -> [Float] {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .list(let list) = value else { throw wrongKind(name, "a list of floats") }
        return list.floats
    }

    /// A list of strings, which are bytes.
    package func strings(_ name: String, default fallback: [[UInt8]]? = nil) throws(OpError) -> [[UInt8]] {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .list(let list) = value else { throw wrongKind(name, "a list of strings") }
        return list.bytes
    }

    /// A list of dtypes.
    package func types(_ name: String, default fallback: [DataType]? = nil) throws(OpError) -> [DataType] {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .list(let list) = value else { throw wrongKind(name, "a list of dtypes") }
        let types = list.types.compactMap { $0 }
        guard types.count == list.types.count else {
            throw malformed("attribute \(name) has a dtype that is not known")
        }
        return types
    }

    /// A list of shapes.
    package func shapes(_ name: String, default fallback: [PartialShape]? = nil) throws(OpError) -> [PartialShape] {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .list(let list) = value else { throw wrongKind(name, "a list of shapes") }
        return list.shapes
    }

    /// A shape.
    package func shape(_ name: String, default fallback: PartialShape? = nil) throws(OpError) -> PartialShape {
        guard let value = try value(name) else { return try required(fallback, name) }
        guard case .shape(let shape) = value else { throw wrongKind(name, "a shape") }
        return shape
    }

    /// A tensor.
    package func tensor(_ name: String) throws(OpError) -> Tensor {
        guard case .tensor(let tensor) = try value(name) else { throw wrongKind(name, "a tensor") }
        return tensor
    }

    /// An error that names the node and blames the graph.
    package func malformed(_ reason: String) -> OpError {
        OpError(.malformed, reason, node: name, op: op)
    }

    private func wrongKind(_ name: String, _ kind: String) -> OpError {
        malformed("attribute \(name) is not \(kind)")
    }

    private func required<Value>(_ value: Value?, _ name: String) throws(OpError) -> Value {
        guard let value else { throw malformed("attribute \(name) is missing") }
        return value
    }

    private func value(_ name: String) throws(OpError) -> AttributeValue? {
        do { return try node.attribute(name) } catch { throw malformed("attribute \(name): \(error.reason)") }
    }
}
