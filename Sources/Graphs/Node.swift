internal import TensorFlowProtos
internal import Tensors

/// One output of one node.
public struct Endpoint: Hashable, Sendable {
    /// The node's index in ``Graph/nodes``.
    public let node: Int
    /// The index of its output.
    public let output: Int

    package init(node: Int, output: Int) {
        self.node = node
        self.output = output
    }
}

/// An edge into a node.
public enum NodeInput: Hashable, Sendable {
    case endpoint(Endpoint)
    /// The graph has no node with that name. An error only for requests that depend on it.
    case missing(name: String)
}

/// A node of a graph. Its device and colocation are not kept: there is one CPU.
///
/// Nodes are shared, not copied: who looks at one takes one reference.
public final class Node: Sendable {
    /// The name, unique in the graph.
    public let name: String
    /// The name of its op.
    public let op: String
    /// The data inputs, in the op's order.
    public let inputs: [NodeInput]
    /// The nodes that must run first.
    public let controlInputs: [NodeInput]
    private let attributes: NodeAttributes

    /// The attributes as messages, without the defaults of the graph's op list.
    var ownAttributes: [String: AttrValue] { attributes.own }

    init(
        name: String, op: String, inputs: [NodeInput], controlInputs: [NodeInput], attributes: NodeAttributes
    ) {
        self.name = name
        self.op = op
        self.inputs = inputs
        self.controlInputs = controlInputs
        self.attributes = attributes
    }

    /// Decodes an attribute.
    ///
    /// - Returns: nil if neither the node nor the graph's op list has it.
    /// - Throws: ``GraphError`` if the value cannot be decoded, or is larger than its message can hold.
    package func attribute(_ name: String) throws(GraphError) -> AttributeValue? {
        guard let attribute = attributes[name] else { return nil }
        return try AttributeValue(decoding: attribute)
    }

    /// A constant.
    convenience init(constant value: Tensor, name: String) {
        var dtype = AttrValue()
        dtype.type = value.dtype.rawValue
        var tensor = AttrValue()
        tensor.tensor = TensorProto(encoding: value)
        self.init(
            name: name, op: "Const", inputs: [], controlInputs: [],
            attributes: NodeAttributes(own: ["dtype": dtype, "value": tensor]))
    }

    /// A placeholder with the same name, dtype and shape, and a default value.
    func defaulting(to value: Endpoint) -> Node {
        Node(
            name: name, op: "PlaceholderWithDefault", inputs: [.endpoint(value)], controlInputs: controlInputs,
            attributes: attributes)
    }

    /// A placeholder without dtype and shape.
    convenience init(placeholder name: String) {
        self.init(name: name, op: "Placeholder", inputs: [], controlInputs: [], attributes: NodeAttributes(own: [:]))
    }

    /// The node with other data inputs.
    func taking(_ inputs: [NodeInput]) -> Node {
        Node(name: name, op: op, inputs: inputs, controlInputs: controlInputs, attributes: attributes)
    }

    /// Whether another node has the same attributes, except for those that only record its origin.
    package func hasSameAttributes(as other: Node) -> Bool { attributes.areSame(as: other.attributes) }

    /// Nodes with the same attributes have the same hash. It looks at the beginnings of large values only.
    package var attributesHash: Int { attributes.hash }
}
