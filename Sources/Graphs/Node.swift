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
public struct Node: Sendable {
    /// The name, unique in the graph.
    public let name: String
    /// The name of its op.
    public let op: String
    /// The data inputs, in the op's order.
    public let inputs: [NodeInput]
    /// The nodes that must run first.
    public let controlInputs: [NodeInput]
    /// The node's own attributes, and the defaults of the graph's op list.
    private let attributes: [String: AttrValue]

    init(name: String, op: String, inputs: [NodeInput], controlInputs: [NodeInput], attributes: [String: AttrValue]) {
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
    init(constant value: Tensor, name: String) {
        var dtype = AttrValue()
        dtype.type = value.dtype.rawValue
        var tensor = AttrValue()
        tensor.tensor = TensorProto(encoding: value)
        self.init(
            name: name, op: "Const", inputs: [], controlInputs: [], attributes: ["dtype": dtype, "value": tensor])
    }

    /// A placeholder with the same name, dtype and shape, and a default value.
    func defaulting(to value: Endpoint) -> Node {
        Node(
            name: name, op: "PlaceholderWithDefault", inputs: [.endpoint(value)], controlInputs: controlInputs,
            attributes: attributes)
    }

    /// A placeholder without dtype and shape.
    init(placeholder name: String) {
        self.init(name: name, op: "Placeholder", inputs: [], controlInputs: [], attributes: [:])
    }

    /// The node with other data inputs.
    func taking(_ inputs: [NodeInput]) -> Node {
        Node(name: name, op: op, inputs: inputs, controlInputs: controlInputs, attributes: attributes)
    }

    /// Whether another node has the same attributes, except for those that only record its origin.
    package func hasSameAttributes(as other: Node) -> Bool {
        attributes.filter { !$0.key.hasPrefix("_") } == other.attributes.filter { !$0.key.hasPrefix("_") }
    }
}
